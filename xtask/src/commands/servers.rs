//! `cargo xtask servers`: real servers that stay up while you work, so that a test run does not
//! wait for them to start.

use anyhow::Result;
use clap::Subcommand;
use test_datasets::Dataset;
use test_machine::{
    Machine,
    terminal::{say, table},
};
use test_servers::{
    distribution::{self, Distribution},
    http::Http,
    server::{Address, kept::KeptServers},
};

/// What to do with the servers.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Start those that do not run yet, and leave them running.
    Up {
        /// Which ones (default: all): es710 es717 os219 os34.
        names: Vec<String>,
    },
    /// Stop them and remove what they wrote.
    Down,
    /// Say which ones run, where, and what they hold.
    Status,
    /// Load a data set into a running server.
    Load {
        /// The server's name.
        name: String,
        /// The data set.
        #[arg(value_enum)]
        data: Data,
    },
}

/// A data set by name.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Data {
    /// What most clusters hold.
    Shop,
    /// The corners.
    Archive,
}

/// Runs the command.
pub(crate) fn run(machine: &Machine, action: Action) -> Result<()> {
    let kept = KeptServers::of_tests(machine)?;
    match action {
        Action::Up { names } => {
            let wanted = wanted(&names)?;
            kept.bring_up(machine, &wanted)?;
            status(&kept.running()?);
        }
        Action::Down => {
            for set in [kept, KeptServers::of_demo(machine)?] {
                for address in set.take_down()? {
                    say(format!("stopped {}", address.name));
                }
            }
        }
        Action::Status => {
            let mut all = kept.running()?;
            all.extend(KeptServers::of_demo(machine)?.running()?);
            status(&all);
        }
        Action::Load { name, data } => {
            let running = kept.running()?;
            let Some(address) = running.iter().find(|address| address.name == name) else {
                anyhow::bail!("`{name}` does not run; `cargo xtask servers up {name}` starts it");
            };
            let http = Http::new(&address.url)?;
            data.dataset().load(&http)?;
            for (index, count) in test_datasets::counts(&http)? {
                say(format!("{index}: {count}"));
            }
        }
    }
    Ok(())
}

impl Data {
    fn dataset(self) -> Dataset {
        match self {
            Self::Shop => test_datasets::shop::dataset(),
            Self::Archive => test_datasets::archive::dataset(),
        }
    }
}

fn wanted(names: &[String]) -> Result<Vec<Distribution>> {
    if names.is_empty() {
        return Ok(distribution::ALL.to_vec());
    }
    names.iter().map(|name| distribution::by_name(name)).collect()
}

fn status(addresses: &[Address]) {
    if addresses.is_empty() {
        return say("no server runs; `cargo xtask servers up` starts them");
    }
    let rows: Vec<Vec<String>> = addresses
        .iter()
        .map(|address| {
            let documents =
                Http::new(&address.url).and_then(|http| test_datasets::counts(&http)).map_or_else(
                    |error| format!("{error:#}"),
                    |counts| counts.values().sum::<u64>().to_string(),
                );
            let Address { name, version, url, repository, pid, product: _, log: _ } = address;
            vec![
                name.clone(),
                version.clone(),
                url.clone(),
                pid.to_string(),
                documents,
                repository.display().to_string(),
            ]
        })
        .collect();
    say(table(&["name", "version", "url", "process", "documents", "repository"], &rows));
}
