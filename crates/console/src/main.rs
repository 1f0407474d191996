//! The `console` program: reads the clusters of a migration, and snapshots.

use std::process::ExitCode;

use cli_support::output;

mod args;
mod clusters;
mod commands;
mod namespace;

fn main() -> ExitCode {
    match output::arguments::<args::Arguments>() {
        Ok(arguments) => {
            let format = arguments.global.common.output;
            output::exit_code(commands::run(arguments), format)
        }
        Err(exit) => exit,
    }
}
