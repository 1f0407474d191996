//! The `console` program: look at the clusters of a migration.

use std::process::ExitCode;

use clap::Parser as _;
use session::output;

mod args;
mod clusters;
mod commands;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    output::exit_code(commands::run(arguments))
}
