//! The `console` program: look at the clusters of a migration.

use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod clusters;
mod commands;
mod output;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    output::exit_code(commands::run(arguments))
}
