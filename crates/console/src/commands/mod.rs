//! One file a command; this one says which is which.

use clap::CommandFactory as _;
use contract::Exit;

use crate::{
    args::{Arguments, Clusters, Command},
    clusters, output,
};

mod cat_indices;
mod connection_check;
mod curl;
mod snapshot;

/// Runs the command that was asked for.
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
                let known = clusters::open(&global, cluster.as_deref()).await?;
                connection_check::run(&known, global.common.output).await
            }
            Clusters::CatIndices { cluster, refresh } => {
                let known = clusters::open(&global, cluster.as_deref()).await?;
                cat_indices::run(&known, refresh, global.common.output).await
            }
            Clusters::Curl { cluster, path, request, data } => {
                let known = clusters::open(&global, Some(&cluster)).await?;
                curl::run(&known, &path, &request, data).await
            }
        }
    })
}
