//! The `workflow` program: compile, run, watch and steer migrations.

use std::process::ExitCode;

use clap::Parser as _;
use session::output;

mod args;
mod commands;
mod failure;
mod input;
mod launch;
mod local;
mod preview;
mod view;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    output::exit_code(commands::run(arguments))
}
