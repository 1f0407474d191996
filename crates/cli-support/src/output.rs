//! Results on standard output, everything else on standard error; one exit code.

use std::{io, process::ExitCode};

use clap::{Parser, ValueEnum};
use contract::{Exit, Failure};
use serde::Serialize;
use serde_json::json;

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

/// Prints a long result without colours, unchanged.
pub fn plain(text: &str) -> anyhow::Result<()> {
    write_to(&mut io::stdout().lock(), text)
}

/// Prints a result as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    result(&serde_json::to_string_pretty(value)?)
}

/// Prints what is not a result (progress, a hint, an error) on standard error.
pub fn message(text: &str) {
    // When standard error is closed, there is no other place to report it.
    write_to(&mut anstream::stderr().lock(), text).ok();
}

/// Suggests the next command.
pub fn hint(command: &str) {
    message(&format!("Hint: {command}"));
}

fn write_to(stream: &mut impl io::Write, text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stream, "{text}{end}").and_then(|()| stream.flush()) {
        // The reader has enough, as in `workflow status | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Returns the exit code of the program.
pub fn exit_code(exit: Exit) -> ExitCode {
    final_exit(exit).into()
}

/// Prints an error once and returns the exit code of the program. As JSON, the error is the result:
/// `{"error": {"exit": 3, "kind": "not-found", "message": "..."}}`.
pub fn error_code(error: &anyhow::Error, exit: Exit, format: Format) -> ExitCode {
    let (exit, text) = (final_exit(exit), format!("{error:#}"));
    match format {
        Format::Text => message(&format!("error: {text}")),
        Format::Json => print_error_object(exit, &text),
    }
    exit.into()
}

/// Argo and the engine retry a step that fails temporarily; a command line is not retried.
fn final_exit(exit: Exit) -> Exit {
    if exit == Exit::Temporary { Exit::Failed } else { exit }
}

/// Reads the command line. Help and version are printed unchanged; a wrong command line is an
/// error like any other.
pub fn arguments<A: Parser>() -> Result<A, ExitCode> {
    A::try_parse().map_err(|error| {
        let is_error = error.use_stderr();
        let wants_json = || {
            let words: Vec<_> = std::env::args_os().collect();
            let separate = words.windows(2).any(|pair| pair == ["--output", "json"]);
            separate || words.iter().any(|word| word == "--output=json")
        };
        if is_error && wants_json() {
            print_error_object(Exit::Invalid, error.render().to_string().trim_end());
        } else {
            // When the stream is closed, there is no other place to report it.
            error.print().ok();
        }
        if is_error { Exit::Invalid.into() } else { Exit::Done.into() }
    })
}

fn print_error_object(exit: Exit, message: &str) {
    let error = json!({ "exit": exit.code(), "kind": kind(exit), "message": message });
    // When standard output is closed, there is no other place to report it.
    json(&json!({ "error": error })).ok();
}

fn kind(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Failed | Exit::Temporary => "failed",
        Exit::Invalid => "invalid",
        Exit::NotFound => "not-found",
        Exit::Conflict => "conflict",
        Exit::NotPermitted => "not-permitted",
        Exit::TimedOut => "timed-out",
        Exit::Interrupted => "interrupted",
    }
}

/// Makes an error that ends the program with `exit`.
pub fn failure(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Failure::new(exit, message).into()
}
