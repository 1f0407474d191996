//! One file a command; this one says which is which.

use session::StateDir;
use step_api::Exit;

use crate::args::{Approve, Arguments, Command, Reject, Util};

mod compile;
mod configure;
mod credentials;
mod decide;
mod engine_run;
mod log;
mod plan;
mod status;
mod stop;
mod submit;
mod util;
mod validate;
mod wait;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { global, command } = arguments;
    let state = StateDir::choose(&global.state)?;
    let format = global.output;
    match command {
        Command::Configure(command) => configure::run(&state, command, format),
        Command::Validate(input) => validate::run(&state, &input, format),
        Command::Compile(flags) => compile::run(&state, &flags, format),
        Command::Plan(flags) => plan::run(&state, &flags, format),
        Command::Submit(flags) => submit::run(&state, &flags, format),
        Command::Status(flags) => status::run(&state, &flags, format),
        Command::Approve(Approve::Step(flags)) => decide::approve(&state, &flags, format),
        Command::Reject(Reject::Step(flags)) => decide::reject(&state, &flags, format),
        Command::Stop(flags) => stop::run(&state, &flags, format),
        Command::Resume(flags) => submit::resume(&state, &flags, format),
        Command::Log(command) => log::run(&state, command, format),
        Command::Util(Util::Completions { shell }) => util::completions(shell),
        Command::EngineRun(flags) => engine_run::run(&state, &flags),
    }
}
