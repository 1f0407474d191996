//! One file a command; this one says which is which.

use cli_support::StateDir;
use contract::Exit;
use runs::Backend;

use crate::{
    args::{Approve, Arguments, Command, Format, MigrationCommand, Reject, Util},
    manage, output,
};

mod compile;
mod configure;
mod credentials;
mod decide;
mod engine_run;
mod folder;
mod install;
mod log;
mod plan;
mod reset;
mod resume;
mod show;
pub(crate) mod status;
mod stop;
mod submit;
mod util;
mod validate;
mod wait;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { global, argo_server, command } = arguments;
    let format = global.output;
    if argo_server.are_given() {
        output::message(
            "`--argo-server`, `--token` and `--insecure` change nothing: the API server of the \
             cluster is asked, as the kubeconfig says",
        );
    }
    match command {
        Command::Util(Util::Completions { shell }) => util::completions(shell),
        Command::Install(flags) => install::run(&global.engine, &flags, format),
        Command::EngineRun(flags) => engine_run::run(&StateDir::choose(&global.state)?, &flags),
        Command::Migration(command) => migration(runs::open(&global)?.as_ref(), *command, format),
    }
}

fn migration(
    backend: &dyn Backend,
    command: MigrationCommand,
    format: Format,
) -> anyhow::Result<Exit> {
    use MigrationCommand as Command;

    match command {
        Command::Configure(command) => configure::run(backend.keep(), command, format),
        Command::Validate(input) => validate::run(backend.keep(), &input, format),
        Command::Compile(flags) => compile::run(backend.keep(), &flags, format),
        Command::Plan(flags) => plan::run(backend.keep(), &flags, format),
        Command::Submit(flags) => submit::run(backend, &flags, format),
        Command::Status(flags) => status::run(backend, &flags, format),
        Command::Show(flags) => show::run(backend, &flags, format),
        Command::Manage(flags) => manage::run(backend, &flags, format),
        Command::Approve(Approve::Step(flags)) => decide::approve(backend, &flags, format),
        Command::Reject(Reject::Step(flags)) => decide::reject(backend, &flags, format),
        Command::Stop(flags) => stop::run(backend, &flags, format),
        Command::Resume(flags) => resume::run(backend, &flags, format),
        Command::Log(command) => log::run(backend, command, format),
        Command::Reset(flags) => reset::run(backend, &flags, format),
    }
}
