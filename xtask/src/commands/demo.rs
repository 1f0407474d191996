//! `cargo xtask demo`: a real Elasticsearch is migrated to a real OpenSearch on this machine, by
//! the same commands that a person would type. Each is shown before it runs.

mod watch;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;
use test_datasets::shop;
use test_machine::{
    Machine,
    launch::Lifetime,
    programs::{Profile, Programs},
    shell,
    terminal::{heading, say, table},
};
use test_servers::{
    distribution,
    http::Http,
    server::{self, Address, kept::KeptServers},
};

use self::watch::Ending;

/// What to demonstrate.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave the two servers running at the end, to explore them.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Build the programs for speed; it takes minutes more.
    #[arg(long)]
    pub(crate) release: bool,
    /// The server to migrate from: es710 or es717.
    #[arg(long, default_value = "es717", value_name = "NAME")]
    pub(crate) source: String,
    /// The server to migrate to: os219 or os34.
    #[arg(long, default_value = "os219", value_name = "NAME")]
    pub(crate) target: String,
}

/// Runs the demo.
pub(crate) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let Options { keep, release, source, target } = options;
    let servers = [distribution::by_name(source)?, distribution::by_name(target)?];

    heading("build the programs");
    let profile = if *release { Profile::Release } else { Profile::Dev };
    let programs = Programs::build(machine, profile)?;

    let started = Instant::now();
    heading("start two servers");
    let kept = KeptServers::of_demo(machine)?;
    kept.take_down()?;
    if *keep {
        let kept = KeptServers::of_demo(machine)?;
        let addresses = kept.bring_up(machine, &servers)?;
        let demo = Demo::new(&addresses, source, target, programs, kept.folder().join("run"))?;
        demo.migrate()?;
        demo.say_how_to_look_around();
    } else {
        let run = machine.area.new_run("demo")?;
        let servers = server::start_all(machine, &run, &servers, Lifetime::WithUs)?;
        let addresses: Vec<Address> = servers.iter().map(|server| server.address.clone()).collect();
        Demo::new(&addresses, source, target, programs, run)?.migrate()?;
        say("stopping the servers; `cargo xtask demo --keep` leaves them running");
    }
    say(format!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// One migration from one server to another.
struct Demo {
    source: Address,
    target: Address,
    programs: Programs,
    folder: PathBuf,
}

impl Demo {
    fn new(
        addresses: &[Address],
        source: &str,
        target: &str,
        programs: Programs,
        folder: PathBuf,
    ) -> Result<Self> {
        let named = |name: &str| {
            let found = addresses.iter().find(|address| address.name == name);
            found.cloned().with_context(|| format!("`{name}` was not started"))
        };
        fs::create_dir_all(&folder)?;
        Ok(Self { source: named(source)?, target: named(target)?, programs, folder })
    }

    fn migrate(&self) -> Result<()> {
        heading("load a shop into the source");
        let data = shop::dataset();
        let source = Http::new(&self.source.url)?;
        data.load(&source)?;
        let (megabytes, counts) = (data.bytes() / 1_000_000, test_datasets::counts(&source)?);
        let documents: u64 = counts.values().sum();
        say(format!("{documents} documents in {} indices, {megabytes} MB", counts.len()));

        heading("one file says what to migrate");
        let file = self.folder.join("migration.yaml");
        fs::write(&file, self.migration_file())?;
        say(format!("{}:\n\n{}", file.display(), self.migration_file()));

        heading("check it, and see what will happen");
        shell::run(self.workflow().arg("validate").arg(&file))?;
        shell::run(self.workflow().arg("plan").arg(&file))?;

        heading("migrate");
        shell::run(self.workflow().arg("submit").arg(&file))?;
        let ending = watch::to_the_end(&|| self.workflow())?;
        shell::run(self.workflow().args(["status", watch::WORKFLOW]))?;
        if ending == Ending::Failed {
            bail!("the migration failed; its state is in `{}`", self.folder.display());
        }
        self.compare(&counts)
    }

    /// The `workflow` program, with its state kept in the demo's own folder.
    fn workflow(&self) -> Command {
        let mut command = Command::new(self.programs.workflow());
        command.env("ARGOSY_STATE_DIR", self.folder.join("state"));
        command
    }

    fn migration_file(&self) -> String {
        migration_file(&self.source.url, &self.target.url, &self.source.repository)
    }

    /// Counts the documents of each index on both servers, with requests of our own.
    fn compare(&self, source: &BTreeMap<String, u64>) -> Result<()> {
        heading("what is in the target");
        let target = test_datasets::counts(&Http::new(&self.target.url)?)?;
        let mut different = 0;
        let rows: Vec<Vec<String>> = source
            .iter()
            .map(|(index, expected)| {
                let found = target.get(index);
                let same = found == Some(expected);
                different += usize::from(!same);
                vec![
                    index.clone(),
                    expected.to_string(),
                    found.map_or_else(|| "missing".to_owned(), u64::to_string),
                    if same { "same" } else { "DIFFERENT" }.to_owned(),
                ]
            })
            .collect();
        say(table(&["index", "source", "target", "documents"], &rows));
        if different > 0 {
            bail!("{different} of {} indices differ", source.len());
        }
        Ok(())
    }

    fn say_how_to_look_around(&self) {
        heading("everything is still running");
        say(format!("source  {}\ntarget  {}", self.source.url, self.target.url));
        say(format!("$ {} ", shell::shown(self.workflow().args(["status", watch::WORKFLOW]))));
        say("stop and remove it all with `cargo xtask servers down`");
    }
}

fn migration_file(source: &str, target: &str, repository: &Path) -> String {
    format!(
        r#"sourceClusters:
  shop:
    endpoint: {source}
    snapshotRepo:
      repoPathUri: "file://{repository}"
targetClusters:
  new:
    endpoint: {target}
migrations:
  - sourceCluster: shop
    targetCluster: new
    snapshotMigrations:
      - name: orders
        indices: ["orders-*"]
        documentBackfill: {{ workers: 2 }}
      - name: everything-else
        indices: ["*", "-orders-*"]
"#,
        repository = repository.display()
    )
}
