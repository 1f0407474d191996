//! What did a program use: time, processor and memory? Read from `/proc` while it runs.

use std::{
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What a program used from its start to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// By the clock.
    pub(super) time: Duration,
    /// User and system, all threads.
    pub(super) processor: Duration,
    /// The peak of resident memory, in bytes.
    pub(super) memory: u64,
}

/// Runs a program that must succeed.
pub(super) fn run(command: &mut Command) -> Result<Used> {
    let started = Instant::now();
    let mut child = command.spawn().context("cannot start the program")?;
    let used = watch(&child, started);
    let status = child.wait()?;
    if !status.success() {
        bail!("the program failed ({status})");
    }
    used
}

/// Polls until the process has ended and only its numbers are left.
fn watch(child: &Child, started: Instant) -> Result<Used> {
    let mut used = Used::default();
    let folder = format!("/proc/{}", child.id());
    loop {
        let stat = fs::read_to_string(format!("{folder}/stat"))?;
        let status = fs::read_to_string(format!("{folder}/status"))?;
        used.memory = used.memory.max(peak(&status).unwrap_or(0));
        let (state, ticks) =
            state_and_ticks(&stat).context("`/proc/PID/stat` is not understood")?;
        if state == "Z" {
            used.time = started.elapsed();
            let a_second = rustix::param::clock_ticks_per_second();
            used.processor = Duration::from_millis(ticks * 1_000 / a_second.max(1));
            return Ok(used);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// The state, and user and system time: the fields after the name, which may hold anything.
fn state_and_ticks(stat: &str) -> Option<(&str, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some((fields.first()?, number(11)? + number(12)?))
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The machine, for the line above a table.
pub(super) fn machine_line() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unknown processor", |(_, name)| name.trim());
    let count = thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or_default();
    Ok(format!("{count} processors, {model}; load before: {load}"))
}

/// For rates.
#[expect(clippy::cast_precision_loss, reason = "a rate for people needs no 53 bits")]
pub(super) fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{run, state_and_ticks};

    #[test]
    fn a_name_with_a_bracket_does_not_move_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 31 11 0 0 20 0 1 0 5";
        assert_eq!(state_and_ticks(stat), Some(("S", 42)));
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        assert!(run(&mut Command::new("true")).is_ok());
        assert!(run(&mut Command::new("false")).is_err());
    }
}
