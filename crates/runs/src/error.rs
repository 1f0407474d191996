//! Errors that end a command with an exit code.

use contract::{Exit, Failure};

/// Returns an error with an exit code.
pub(crate) fn failure(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Failure::new(exit, message).into()
}
