//! The lanes: what each one runs, in the order in which a mistake is cheapest to find.

mod log;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use self::log::Log;
use crate::commands::build::{Profile, Programs, cargo};
use crate::commands::{generate, tidy};
use crate::distribution;
use crate::machine::Machine;
use crate::server::{self, Address, Lifetime};
use crate::terminal::say;

/// The feature of the crate `tests` that builds the tests which need real servers.
const REAL_SERVERS: &str = "tests/real-servers";

/// One part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Lane {
    /// The sources are formatted.
    Fmt,
    /// The compiler and clippy have nothing to say.
    Lint,
    /// The checks of our own.
    Tidy,
    /// The programs are built, for the lanes that follow.
    Build,
    /// Generated files are what the code generates.
    Generated,
    /// All tests that need nothing but this machine.
    Unit,
    /// Licences, advisories, banned crates.
    Deny,
    /// Migrations between real servers.
    Servers,
    /// The demo, as a newcomer runs it.
    Demo,
}

/// How a lane ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

impl Lane {
    pub(super) const ALL: &[Self] = &[
        Self::Fmt,
        Self::Lint,
        Self::Tidy,
        Self::Build,
        Self::Generated,
        Self::Unit,
        Self::Deny,
        Self::Servers,
        Self::Demo,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Lint => "lint",
            Self::Tidy => "tidy",
            Self::Build => "build",
            Self::Generated => "generated",
            Self::Unit => "unit",
            Self::Deny => "deny",
            Self::Servers => "servers",
            Self::Demo => "demo",
        }
    }

    pub(super) fn run(self, machine: &Machine) -> Result<Outcome> {
        let log = Log::new(machine, self.name())?;
        let cargo = |arguments: &[&str]| {
            let mut command = cargo(machine);
            command.args(arguments);
            command
        };
        match self {
            Self::Fmt => log.run(cargo(&["fmt", "--all", "--check"]), minutes(5))?,
            Self::Lint => log.run(
                cargo(&[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--features",
                    REAL_SERVERS,
                    "--",
                    "--deny",
                    "warnings",
                ]),
                minutes(30),
            )?,
            Self::Tidy => tidy::run(machine)?,
            Self::Build => log.run(Programs::build_command(machine, Profile::Dev), minutes(30))?,
            Self::Generated => generate::run(machine, generate::Mode::Check)?,
            Self::Unit => log.run(
                cargo(&["test", "--workspace", "--no-fail-fast"]).env("INSTA_UPDATE", "no"),
                minutes(30),
            )?,
            Self::Deny => {
                if machine.program("cargo-deny").is_none() {
                    // Never a failure: the tool takes longer to build than all that it checks.
                    say("`cargo-deny` is not installed; licences and advisories were not checked");
                } else {
                    log.run(cargo(&["deny", "check"]), minutes(10))?;
                }
            }
            Self::Servers => return servers(machine, &log),
            Self::Demo => {
                let servers = [distribution::ELASTICSEARCH_7_17, distribution::OPENSEARCH_2_19];
                if let Err(error) = server::set_up(machine, &servers) {
                    return Ok(Outcome::Skipped(format!("{error:#}")));
                }
                // Not this very executable: a build since its start may have replaced it.
                let mut demo = cargo(&["run", "--quiet", "--package", "xtask", "--", "demo"]);
                log.run(demo.env("ARGOSY_TEST_AREA", machine.area.root()), minutes(20))?;
            }
        }
        Ok(Outcome::Passed)
    }
}

/// Starts every server, and runs the tests that use them.
fn servers(machine: &Machine, log: &Log) -> Result<Outcome> {
    if let Err(error) = server::set_up(machine, &distribution::ALL) {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    log.run(Programs::build_command(machine, Profile::Dev), minutes(30))?;
    let run = machine.area.new_run("tests")?;
    let servers = server::start_all(machine, &run, &distribution::ALL, Lifetime::WithUs)?;
    let addresses: Vec<&Address> = servers.iter().map(|server| &server.address).collect();
    let list = run.join("servers.json");
    fs_err::write(&list, serde_json::to_vec_pretty(&addresses)?)?;
    let mut tests = cargo(machine);
    tests
        .args(["test", "--workspace", "--features", REAL_SERVERS])
        .args(["--test", "real_servers", "--test", "refusals"])
        // The tests share the servers.
        .args(["--", "--test-threads", "1"])
        .env("ARGOSY_TEST_SERVERS", &list)
        .env("INSTA_UPDATE", "no");
    log.run(&mut tests, minutes(30))?;
    Ok(Outcome::Passed)
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}
