//! The `workflow` program: compile, run, watch and steer migrations.

use std::process::ExitCode;

use anyhow::Context as _;
use cli_support::output;
use contract::Exit;

mod args;
mod commands;
mod exit;
mod input;
mod install;
mod manage;
mod view;

fn main() -> ExitCode {
    match output::arguments::<args::Arguments>() {
        Ok(arguments) => {
            let format = arguments.global.output;
            match run(arguments) {
                Ok(exit) => output::exit_code(exit),
                Err(error) => output::error_code(&error, exit::of(&error), format),
            }
        }
        Err(exit) => exit,
    }
}

/// Runs a command on the runtime of this program.
fn run(arguments: args::Arguments) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let exit = runtime.block_on(commands::run(arguments));
    // No result depends on what still runs, as on a thread that waits for a file.
    runtime.shutdown_background();
    exit
}
