//! `cargo xtask bench`: measurements, as commands and not as tests, since a busy machine must not
//! fail a change.

mod compile;
mod decode;
mod measured;
mod rfs;
mod sink;
mod snapshots;

use anyhow::Result;
use clap::Subcommand;
use test_machine::Machine;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// How long the compiler takes for migrations of up to so many groups, and the start of the
    /// program alone.
    Compile(compile::Options),
    /// How fast stored fields are decoded to nothing.
    Decode(decode::Options),
    /// How fast a worker of RFS moves documents, and what it uses for that.
    Rfs(rfs::Options),
}

/// Runs the measurement in the release profile.
pub fn run(machine: &Machine, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Compile(options) => compile::run(machine, options),
        Bench::Decode(options) => decode::run(machine, options),
        Bench::Rfs(options) => rfs::run(machine, options),
    }
}
