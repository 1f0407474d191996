//! The `console` program: reads the clusters of a migration, and snapshots.

use std::process::ExitCode;

use cli_support::output;
use contract::exit::exit_of;

mod args;
mod clusters;
mod commands;
mod namespace;

fn main() -> ExitCode {
    match output::arguments::<args::Arguments>() {
        Ok(arguments) => {
            let format = arguments.global.common.output;
            match commands::run(arguments) {
                Ok(exit) => output::exit_code(exit),
                Err(error) => output::error_code(&error, exit_of(&error), format),
            }
        }
        Err(exit) => exit,
    }
}
