//! The text that a step prints when it ends.

use crate::exit::Failure;

/// The text that a step prints for people when it is done.
pub trait Summary {
    /// Returns the summary, without a trailing newline.
    fn summary(&self) -> String;

    /// Returns why the step failed although it has an answer; most answers are not failures.
    fn failure(&self) -> Option<Failure> {
        None
    }
}
