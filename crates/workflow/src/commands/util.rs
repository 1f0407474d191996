//! `workflow util`: completion scripts, and the schema of what is printed.

use clap::CommandFactory as _;
use clap_complete::Shell;
use cli_support::output;
use contract::Exit;
use runs::RunModel;

use crate::args::Arguments;

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "workflow", &mut script);
    output::result(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

/// Prints the JSON schema of a run.
pub(crate) fn schema() -> anyhow::Result<Exit> {
    output::json(&RunModel::schema())?;
    Ok(Exit::Done)
}
