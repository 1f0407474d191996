//! One file for each command; this one says which is which.

use std::sync::Arc;

use cli_support::{StateDir, output};
use contract::Exit;
use runs::Backend;

use crate::{
    args::{Approve, Arguments, Command, Format, MigrationCommand, Reject, Util},
    manage,
};

mod ask;
mod compile;
mod configure;
mod credentials;
mod decide;
mod engine_run;
mod folder;
mod install;
mod log;
mod notices;
mod plan;
mod reset;
mod resume;
mod show;
mod status;
mod stop;
mod submit;
mod util;
mod validate;
mod wait;

/// Runs the command that was asked for.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { global, argo_server, command } = arguments;
    let format = global.output;
    if argo_server.are_given() {
        output::message(
            "`--argo-server`, `--token` and `--insecure` have no effect: requests go to the API \
             server of the cluster, as the kubeconfig says",
        );
    }
    match command {
        Command::Util(Util::Completions { shell }) => util::completions(shell),
        Command::Util(Util::Schema) => util::schema(),
        Command::Install(flags) => install::run(&global.engine, &flags, format).await,
        Command::EngineRun(flags) => {
            engine_run::run(&StateDir::choose(&global.state)?, &flags).await
        }
        Command::Migration(command) => {
            migration(&runs::open(&global, notices::shown())?, *command, format).await
        }
    }
}

async fn migration(
    shared: &Arc<dyn Backend>,
    command: MigrationCommand,
    format: Format,
) -> anyhow::Result<Exit> {
    use MigrationCommand as Command;

    let backend = shared.as_ref();
    match command {
        Command::Configure(command) => configure::run(backend, command, format).await,
        Command::Validate(input) => validate::run(backend, &input, format).await,
        Command::Compile(flags) => compile::run(backend, &flags, format).await,
        Command::Plan(flags) => plan::run(backend, &flags, format).await,
        Command::Submit(flags) => submit::run(backend, &flags, format).await,
        Command::Status(flags) => status::run(backend, &flags, format).await,
        Command::Show(flags) => show::run(backend, &flags, format).await,
        Command::Manage(flags) => manage::run(shared, &flags, format).await,
        Command::Approve(Approve::Step(flags)) => decide::approve(backend, &flags, format).await,
        Command::Reject(Reject::Step(flags)) => decide::reject(backend, &flags, format).await,
        Command::Stop(flags) => stop::run(backend, &flags, format).await,
        Command::Resume(flags) => resume::run(backend, &flags, format).await,
        Command::Log(command) => log::run(backend, command, format).await,
        Command::Reset(flags) => reset::run(backend, &flags, format).await,
    }
}
