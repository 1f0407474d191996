//! `cargo xtask cluster`: a real Kubernetes of one node with Argo on it, which stays up while you
//! work.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use test_cluster::{Cluster, Definitions, Running, node};
use test_machine::{
    Machine,
    launch::Lifetime,
    shell,
    terminal::{say, table},
};

/// What to do with the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Start it unless it runs, and load our images into it.
    Up {
        /// How much the API server knows of Argo's objects.
        #[arg(long, value_enum, default_value = "minimal")]
        definitions: Definitions,
        /// Leave our images out.
        #[arg(long)]
        without_images: bool,
    },
    /// Build our images, and load them into the running cluster.
    Load,
    /// Stop it and remove what it wrote.
    Down,
    /// Say whether it runs, where, and what its parts take.
    Status,
    /// Run a command in its network and with its kubeconfig, as in `run -- kubectl get pods`.
    Run {
        /// The command. The cluster's own programs, `kubectl` and `argo` among them, come first.
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Be process 1 of the node; `up` calls it.
    #[command(hide = true)]
    Node {
        /// The port of this machine that its standard input listens on.
        #[arg(long)]
        port: u16,
        /// As for `up`.
        #[arg(long, value_enum)]
        definitions: Definitions,
    },
}

/// Runs the command.
pub(crate) fn run(machine: &Machine, action: Action) -> Result<()> {
    let cluster = Cluster::of(machine)?;
    let running =
        || cluster.running()?.context("no cluster runs; `cargo xtask cluster up` starts it");
    match action {
        Action::Up { definitions, without_images } => {
            let running = cluster.up(machine, definitions, Lifetime::Kept)?;
            if !without_images {
                load_images(machine, &running)?;
            }
            status(&running)?;
        }
        Action::Load => load_images(machine, &running()?)?,
        Action::Down => {
            let ran = cluster.down()?;
            say(if ran { "stopped the cluster" } else { "no cluster ran" });
        }
        Action::Status => match cluster.running()? {
            Some(running) => status(&running)?,
            None => say("no cluster runs; `cargo xtask cluster up` starts it"),
        },
        Action::Run { command } => {
            let running = running()?;
            let mut words = command.into_iter();
            let program = words.next().context("there is no command")?;
            let own = running.programs.join(&program);
            let program = if own.is_file() { own.into() } else { program };
            shell::run(running.in_its_network(program.as_ref()).args(words))?;
        }
        Action::Node { port, definitions } => node::run(machine, port, definitions)?,
    }
    Ok(())
}

/// Builds our images, and loads them under the names that manifests have by default.
pub(crate) fn load_images(machine: &Machine, running: &Running) -> Result<()> {
    let installation = generator::Installation::default();
    let folder = machine.area.folder("images")?;
    let (registry, tag) = (&installation.image_registry, &installation.image_tag);
    for archive in images::write_all(machine, registry, tag, &folder)? {
        running.load(&archive.file)?;
        say(format!("loaded {}", archive.name));
    }
    Ok(())
}

fn status(running: &Running) -> Result<()> {
    let rows: Vec<Vec<String>> = running
        .parts()?
        .into_iter()
        .map(|(name, pid, memory)| vec![name, pid.to_string(), (memory / 1024).to_string()])
        .collect();
    say(table(&["part", "process", "MB"], &rows));
    say(format!("API         https://127.0.0.1:{}", running.port));
    say(format!("kubeconfig  {}", running.kubeconfig.display()));
    say(format!("programs    {}", running.programs.display()));
    say("`cargo xtask cluster run -- COMMAND` runs a command in its network");
    Ok(())
}
