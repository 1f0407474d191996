//! The `workflow` program: compile, run, watch and steer migrations.

use std::process::ExitCode;

use cli_support::output;

mod args;
mod commands;
mod input;
mod install;
mod manage;
mod view;

fn main() -> ExitCode {
    match output::arguments::<args::Arguments>() {
        Ok(arguments) => {
            let format = arguments.global.output;
            output::exit_code(commands::run(arguments), format)
        }
        Err(exit) => exit,
    }
}
