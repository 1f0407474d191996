//! Results on standard output, everything else on standard error; one exit code.

use std::{io, process::ExitCode};

use clap::ValueEnum;
use serde::Serialize;
use step_api::{Exit, Failure, exit::exit_of};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// Prints a result, with a newline at its end.
pub fn result(text: &str) -> anyhow::Result<()> {
    write_to(&mut anstream::stdout().lock(), text)
}

/// Prints a long result that holds no colours, as it is.
pub fn plain(text: &str) -> anyhow::Result<()> {
    write_to(&mut io::stdout().lock(), text)
}

/// Prints a result as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    result(&serde_json::to_string_pretty(value)?)
}

/// Tells the user something that is not a result: progress, a hint, an error.
pub fn tell(text: &str) {
    // Nothing is left to be done when standard error is closed.
    write_to(&mut anstream::stderr().lock(), text).ok();
}

/// Tells the user what to type next.
pub fn hint(command: &str) {
    tell(&format!("Hint: {command}"));
}

fn write_to(stream: &mut impl io::Write, text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stream, "{text}{end}").and_then(|()| stream.flush()) {
        // Whoever reads has read enough, as in `workflow status | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints an error once and returns the code to end with.
pub fn exit_code(ended: anyhow::Result<Exit>) -> ExitCode {
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&format!("error: {error:#}"));
            exit_of(&error).into()
        }
    }
}

/// Makes an error that ends the program with `exit`.
pub fn failure(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Failure::new(exit, message).into()
}
