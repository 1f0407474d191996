//! How long does the compiler take for migrations of many groups?

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Args;
use fs_err as fs;
use test_machine::{
    Machine,
    programs::released,
    shell,
    terminal::{say, table},
};

/// What is compiled, and how often.
#[derive(Debug, Args)]
pub struct Options {
    /// The largest number of groups.
    #[arg(long, default_value_t = 4_000)]
    groups: usize,
    /// How often each is run; the median is shown.
    #[arg(long, default_value_t = 9)]
    runs: usize,
}

/// Times the program of the release profile.
pub(super) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let Options { groups, runs } = options;
    let program = released(machine, &["-p", "workflow"])?.join("workflow");
    let folder = tempfile::tempdir()?;
    let workflow = || {
        let mut command = Command::new(&program);
        command.env("ARGOSY_STATE_DIR", folder.path().join("state"));
        command
    };
    let mut rows = Vec::new();
    let start = median(*runs, workflow().arg("--help"))?;
    rows.push(vec!["workflow --help".to_owned(), milliseconds(start), String::new()]);
    let sizes = [groups / 4, groups / 2, *groups];
    for size in sizes.into_iter().filter(|size| *size > 0) {
        let file = folder.path().join(format!("{size}.yaml"));
        fs::write(&file, migration_file(size))?;
        let whole = median(*runs, workflow().arg("compile").arg(&file))?;
        let each = whole.saturating_sub(start) / u32::try_from(size)?;
        let each = format!("{:.1}", each.as_secs_f64() * 1e6);
        rows.push(vec![format!("compile {size} groups"), milliseconds(whole), each]);
    }
    say(table(&["what", "milliseconds", "microseconds a group"], &rows));
    Ok(())
}

/// The median time of a command that must succeed. What it prints goes nowhere: to read it would
/// be our time.
fn median(runs: usize, command: &mut Command) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        let status = command.stdout(Stdio::null()).status()?;
        times.push(started.elapsed());
        ensure!(status.success(), "`{}` failed ({status})", shell::shown(command));
    }
    times.sort();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// A migration of so many groups, each with patterns that no other group shares.
fn migration_file(groups: usize) -> String {
    let mut text = "\
sourceClusters:
  source:
    endpoint: https://source.example:9200
    snapshotRepo: { repoPathUri: s3://bucket/prefix, awsRegion: eu-west-1 }
targetClusters:
  target: { endpoint: https://target.example:9200 }
migrations:
  - sourceCluster: source
    targetCluster: target
    snapshotMigrations:
"
    .to_owned();
    for group in 0..groups {
        let _ = writeln!(
            text,
            "      - {{ name: tenant-{group:05}, indices: [\"t{group:05}-orders-*\", t{group:05}-users] }}"
        );
    }
    text
}
