//! `cargo xtask test`: everything that is asked of a change, lane by lane, with a table at the
//! end. A lane that cannot run here is skipped with its reason; with `CI=true` that is a failure.

mod lane;
mod prebuild;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use test_machine::{
    Machine, Privilege,
    terminal::{heading, say, table},
};

use self::{
    lane::{Lane, Outcome},
    prebuild::Prebuild,
};

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these lanes, in the order of the list.
    #[arg(long = "lane", value_enum, value_name = "NAME", num_args = 1..)]
    lanes: Vec<Lane>,
    /// Count a lane that cannot run as failed.
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new())]
    ci: bool,
}

/// Runs the lanes.
pub(crate) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let Options { lanes, ci } = options;
    let is_chosen = |lane: &Lane| lanes.is_empty() || lanes.contains(lane);
    let chosen = Lane::ALL.iter().filter(|lane| is_chosen(lane));
    let has_cluster = is_chosen(&Lane::Cluster) && machine.privilege == Privilege::Root;
    let mut prebuild = has_cluster.then(|| Prebuild::start(machine));
    let mut rows = Vec::new();
    let mut failed = 0;
    for lane in chosen {
        heading(lane.name());
        let started = Instant::now();
        if *lane == Lane::Cluster
            && let Some(prebuild) = prebuild.take()
            && let Err(error) = prebuild.finish()
        {
            // The lane meets the same again, and says whether it is skipped or has failed.
            say(format!("building ahead: {error:#}"));
        }
        let outcome =
            lane.run(machine).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let (result, bad) = match outcome {
            Outcome::Passed => ("passed".to_owned(), false),
            Outcome::Skipped(reason) if *ci => (format!("FAILED: cannot run: {reason}"), true),
            Outcome::Skipped(reason) => (format!("skipped: {reason}"), false),
            Outcome::Failed(reason) => {
                say(&reason);
                let first = reason.lines().next().unwrap_or_default().to_owned();
                (format!("FAILED: {first}"), true)
            }
        };
        failed += usize::from(bad);
        let seconds = started.elapsed().as_secs();
        say(format!("{}: {result} ({seconds} s)", lane.name()));
        rows.push(vec![lane.name().to_owned(), seconds.to_string(), result]);
    }
    heading("summary");
    say(table(&["lane", "seconds", "result"], &rows));
    if failed > 0 {
        bail!("{failed} lanes failed; their output is in `{}/logs`", machine.area.root().display());
    }
    Ok(())
}
