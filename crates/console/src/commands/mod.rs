//! One file for each command. This one dispatches to them.

use clap::CommandFactory as _;
use cli_support::output;
use contract::Exit;

use crate::{
    args::{Arguments, Clusters, Command},
    clusters,
};

mod cat_indices;
mod connection_check;
mod curl;
mod snapshot;

/// Runs a command.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { global, command } = arguments;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let command = match command {
        Command::Clusters(command) => command,
        Command::Snapshot(command) => {
            return runtime.block_on(snapshot::run(command, global.common.output));
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "console", &mut script);
            output::result(&String::from_utf8(script)?)?;
            return Ok(Exit::Done);
        }
    };
    runtime.block_on(async {
        match command {
            Clusters::ConnectionCheck { cluster } => {
                let clusters = clusters::open(&global, cluster.as_deref()).await?;
                connection_check::run(&clusters, global.common.output).await
            }
            Clusters::CatIndices { cluster, refresh } => {
                let clusters = clusters::open(&global, cluster.as_deref()).await?;
                cat_indices::run(&clusters, refresh, global.common.output).await
            }
            Clusters::Curl { cluster, path, request, data } => {
                let clusters = clusters::open(&global, Some(&cluster)).await?;
                curl::run(&clusters, &path, &request, data).await
            }
        }
    })
}
