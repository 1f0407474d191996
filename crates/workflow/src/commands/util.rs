//! `workflow util`: completion scripts.

use clap::CommandFactory as _;
use clap_complete::Shell;
use contract::Exit;

use crate::{args::Arguments, output};

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "workflow", &mut script);
    output::result(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
