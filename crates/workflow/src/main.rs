//! The `workflow` program: compile, run, watch and steer migrations.

use std::process::ExitCode;

use anyhow::Context as _;
use cli_support::output;
use contract::Exit;

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
            output::exit_code(run(arguments), format)
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
