//! The lanes: what each one runs, cheapest checks first.

mod log;

use std::{process::Command, thread, time::Duration};

use anyhow::{Result, bail};
use clap::ValueEnum;
use fs_err as fs;
use test_cluster::{Cluster, Definitions, Running, tools::Tools};
use test_machine::{
    Machine, Privilege,
    launch::Lifetime,
    programs::{Profile, Programs},
    terminal::say,
};
use test_servers::{
    distribution::{self, Distribution, ELASTICSEARCH_7_17, OPENSEARCH_2_19, OPENSEARCH_3_4},
    s3::{self, S3Server},
    server::{self, Address},
};

use self::log::Log;
use crate::commands::{cluster, generate, tidy};

/// The feature of the crate `tests` that builds the tests which need real servers.
const REAL_SERVERS: &str = "tests/real-servers";

/// The feature for the tests which need a real Kubernetes with Argo.
const REAL_CLUSTER: &str = "tests/real-cluster";

/// The tests on a cluster: those that share it, those that start servers of their own, for which
/// the machine may be too small to run more concurrently, and those that break parts of it.
const ON_CLUSTER: [&[&str]; 3] = [
    &["real_cluster", "real_cluster_cli", "parity"],
    &["real_cluster_install", "real_cluster_migration"],
    &["real_cluster_faults"],
];

/// One part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Lane {
    /// The sources are formatted.
    Fmt,
    /// The compiler and clippy report no warnings.
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
    /// Repositories in a real S3 server.
    S3,
    /// Migrations between real servers.
    Servers,
    /// The demo, as a newcomer runs it.
    Demo,
    /// Argo on a real Kubernetes, with our images.
    Cluster,
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
        Self::S3,
        Self::Servers,
        Self::Demo,
        Self::Cluster,
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
            Self::S3 => "s3",
            Self::Servers => "servers",
            Self::Demo => "demo",
            Self::Cluster => "cluster",
        }
    }

    pub(super) fn run(self, machine: &Machine) -> Result<Outcome> {
        let log = Log::new(machine, self.name())?;
        let cargo = |arguments: &[&str]| {
            let mut command = machine.cargo();
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
                    &format!("{REAL_SERVERS},{REAL_CLUSTER}"),
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
            Self::S3 => return s3(machine, &log),
            Self::Servers => return servers(machine, &log),
            Self::Cluster => return on_cluster(machine, &log),
            Self::Demo => {
                let servers = [ELASTICSEARCH_7_17, OPENSEARCH_2_19];
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

/// Starts an S3 server, and reads repositories from it.
fn s3(machine: &Machine, log: &Log) -> Result<Outcome> {
    if let Err(error) = s3::set_up(machine) {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    let server = S3Server::start(machine, &machine.area.new_run("s3")?)?;
    let mut tests = machine.cargo();
    // Not that package alone: its dependencies would be built again, with fewer features unified.
    tests.args(["test", "--workspace", "--test", "s3"]).envs(server.variables());
    log.run(&mut tests, minutes(20))?;
    Ok(Outcome::Passed)
}

/// Tests that share servers and run one after the other; several groups run beside each other, each
/// with servers and programs of its own.
struct Group {
    name: &'static str,
    tests: &'static [&'static str],
    servers: &'static [Distribution],
}

const GROUPS: [Group; 2] = [
    Group {
        name: "servers-pairs",
        tests: &["real_servers", "refusals", "mishaps", "fleet", "metadata"],
        servers: &distribution::ALL,
    },
    Group {
        name: "servers-versions",
        tests: &["every_version"],
        servers: &[OPENSEARCH_2_19, OPENSEARCH_3_4],
    },
];

/// Starts every server, and runs the tests that use them.
fn servers(machine: &Machine, log: &Log) -> Result<Outcome> {
    let set_up = server::set_up(machine, &distribution::ALL).and_then(|()| s3::set_up(machine));
    if let Err(error) = set_up {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    log.run(Programs::build_command(machine, Profile::Dev), minutes(30))?;
    let mut build = tests_with(machine, REAL_SERVERS, GROUPS.iter().flat_map(|group| group.tests));
    log.run(build.arg("--no-run"), minutes(30))?;
    let programs = Programs::built(machine, Profile::Dev)?;
    let run = machine.area.new_run("tests")?;
    let s3 = S3Server::start(machine, &run)?;
    run_concurrently(GROUPS.iter().map(|group| {
        let (run, programs, s3) = (run.join(group.name), &programs, &s3);
        move || {
            let log = Log::new(machine, group.name)?;
            let servers = server::start_all(machine, &run, group.servers, Lifetime::WithUs)?;
            let addresses: Vec<&Address> = servers.iter().map(|server| &server.address).collect();
            let list = run.join("servers.json");
            fs::write(&list, serde_json::to_vec_pretty(&addresses)?)?;
            // A test that kills the programs of its folder must not meet those of another group.
            let programs = programs.linked_into(&run.join("programs"))?;
            let mut tests = tests_with(machine, REAL_SERVERS, group.tests);
            tests
                .args(["--", "--test-threads", "1"])
                .env("ARGOSY_TEST_SERVERS", &list)
                .env("ARGOSY_TEST_PROGRAMS", programs)
                .envs(s3.variables());
            log.run(&mut tests, minutes(30))
        }
    }))?;
    Ok(Outcome::Passed)
}

/// The command that runs these tests of the crate `tests`, whose binaries are built with a feature.
fn tests_with<'a>(
    machine: &Machine,
    feature: &str,
    names: impl IntoIterator<Item = &'a &'static str>,
) -> Command {
    let mut command = machine.cargo();
    command.args(["test", "--workspace", "--no-fail-fast", "--features", feature]);
    for name in names {
        command.args(["--test", name]);
    }
    command.env("INSTA_UPDATE", "no");
    command
}

/// Runs all of them concurrently to their ends; the first error is the result.
fn run_concurrently<F>(parts: impl Iterator<Item = F>) -> Result<()>
where
    F: FnOnce() -> Result<()> + Send,
{
    thread::scope(|scope| {
        let parts: Vec<_> = parts.map(|part| scope.spawn(part)).collect();
        let ends = parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|_| bail!("a part of the lane panicked")));
        ends.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Starts the cluster unless a ready one is running, and runs the tests that use it.
fn on_cluster(machine: &Machine, log: &Log) -> Result<Outcome> {
    if machine.privilege != Privilege::Root {
        return Ok(Outcome::Skipped("a cluster needs root".to_owned()));
    }
    let set_up = Tools::set_up(machine)
        .and_then(|_| server::set_up(machine, &[ELASTICSEARCH_7_17, OPENSEARCH_2_19]))
        .and_then(|()| s3::set_up(machine));
    if let Err(error) = set_up {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    log.run(Programs::build_command(machine, Profile::Dev), minutes(30))?;
    let cluster = Cluster::of(machine)?;
    let found = cluster.running()?;
    let running = cluster.up(machine, Definitions::Full, Lifetime::WithUs)?;
    let tested = test_on(&running, machine, log);
    if found.is_none() {
        cluster.down()?;
    }
    tested.map(|()| Outcome::Passed)
}

fn test_on(running: &Running, machine: &Machine, log: &Log) -> Result<()> {
    cluster::load_images(machine, running)?;
    let mut build = tests_with(machine, REAL_CLUSTER, ON_CLUSTER.into_iter().flatten());
    log.run(build.arg("--no-run"), minutes(30))?;
    let run = |log: &Log, names: &[&'static str], threads: &str| {
        let mut tests = tests_with(machine, REAL_CLUSTER, names);
        tests
            .args(["--", "--test-threads", threads])
            .env("ARGOSY_TEST_KUBECONFIG", &running.kubeconfig)
            .env("ARGOSY_TEST_AREA", machine.area.root());
        log.run(&mut tests, minutes(20))
    };
    let [together, migrations, faults] = ON_CLUSTER;
    run(log, together, "4")?;
    run_concurrently(migrations.iter().map(|name| {
        let run = &run;
        move || run(&Log::new(machine, &format!("cluster-{name}"))?, &[*name], "1")
    }))?;
    run(log, faults, "1")
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}
