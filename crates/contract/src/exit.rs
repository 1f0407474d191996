//! Exit codes and the errors that carry them.
//!
//! The same contract holds for the command lines and for the step programs, so a script, Argo's
//! `retryStrategy` and the embedded engine read one table.

use std::{error::Error, fmt, process::ExitCode};

/// The meaning of an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and what was asked holds.
    Done,
    /// Ran and failed: trying again does not help until something is changed.
    Failed,
    /// Wrong usage or invalid configuration.
    Invalid,
    /// Something named does not exist.
    NotFound,
    /// Something exists already, or changed meanwhile.
    Conflict,
    /// Not permitted.
    NotPermitted,
    /// Timed out; it still runs.
    TimedOut,
    /// A temporary fault (network, busy server): a step that exits so is tried again.
    Temporary,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// Returns the number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::NotFound => 3,
            Self::Conflict => 4,
            Self::NotPermitted => 5,
            Self::TimedOut => 6,
            Self::Temporary => 75,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that knows its exit code; put it into an `anyhow` chain with `.context(..)` or return
/// it as it is.
#[derive(Debug)]
pub struct Failure {
    /// The exit code to end with.
    pub exit: Exit,
    /// What happened and what to do, in one or more lines.
    pub message: String,
}

impl Failure {
    /// Makes a failure of `exit` with a message for the user.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Makes a failure of `exit` with the text of an error and of its causes.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self { exit, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Failure {}

/// Returns the exit code of an error chain: that of its outermost [`Failure`], else
/// [`Exit::Failed`].
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Failure>())
        .map_or(Exit::Failed, |failure| failure.exit)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_keeps_its_code_under_context() {
        let error = Err::<(), _>(Failure::new(Exit::Temporary, "busy"))
            .context("sending a bulk request")
            .expect_err("an error");
        assert_eq!(exit_of(&error), Exit::Temporary);
        let error = Err::<(), _>(std::io::Error::other("no"))
            .context(Failure::new(Exit::Invalid, "bad request"))
            .expect_err("an error");
        assert_eq!(exit_of(&error), Exit::Invalid);
        assert_eq!(exit_of(&anyhow::anyhow!("plain")), Exit::Failed);
    }
}
