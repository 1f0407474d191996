//! What are all the problems, and with which exit code does the step end?

use cluster::ClusterError;
use contract::{Exit, Failure, exit::exit_of};

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Failure>,
}

impl Problems {
    /// Adds a failed request.
    pub(crate) fn cluster(&mut self, error: ClusterError) {
        self.add(error.into());
    }

    /// Adds a failure.
    pub(crate) fn failure(&mut self, failure: Failure) {
        self.add(failure);
    }

    /// Adds an error of any kind, with all of its causes.
    pub(crate) fn fault(&mut self, error: &anyhow::Error) {
        self.add(Failure::new(exit_of(error), text_of(error)));
    }

    /// Adds a contradiction in the configuration.
    pub(crate) fn invalid(&mut self, message: String) {
        self.add(Failure::new(Exit::Invalid, message));
    }

    /// Adds a pair of versions that cannot be migrated.
    pub(crate) fn unsupported(&mut self, reason: String) {
        self.add(Failure::new(Exit::Invalid, reason));
    }

    fn add(&mut self, mut failure: Failure) {
        // It was retried before; the user should see it now.
        if failure.exit == Exit::Temporary {
            failure.exit = Exit::Failed;
        }
        if !self.found.iter().any(|other| other.message == failure.message) {
            self.found.push(failure);
        }
    }

    /// Returns an error with all problems if there are any.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        let Some(first) = self.found.first() else { return Ok(()) };
        let exit = if self.found.iter().all(|failure| failure.exit == first.exit) {
            first.exit
        } else {
            Exit::Failed
        };
        if self.found.len() == 1 {
            return Err(Failure::new(exit, first.message.clone()));
        }
        let mut message = format!("{} problems, and nothing was written:", self.found.len());
        for failure in &self.found {
            message.push_str("\n- ");
            message.push_str(&failure.message.replace('\n', "\n  "));
        }
        Err(Failure::new(exit, message))
    }
}

/// Joins an error and its causes, without a cause that only repeats the text before it.
fn text_of(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn all_problems_are_reported_together() {
        let mut problems = Problems::default();
        problems.invalid("one".to_owned());
        problems.fault(&anyhow!("inner").context("inner"));
        problems.fault(&anyhow!("inner").context(Failure::new(Exit::Temporary, "busy")));
        let failure = problems.into_result().expect_err("problems");
        assert_eq!(
            failure.message,
            "3 problems, and nothing was written:\n- one\n- inner\n- busy: inner"
        );
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn one_problem_keeps_its_code_unless_it_is_temporary() {
        let mut problems = Problems::default();
        problems.invalid("one".to_owned());
        assert_eq!(problems.into_result().expect_err("a problem").exit, Exit::Invalid);
        let mut problems = Problems::default();
        problems.fault(&Failure::new(Exit::Temporary, "busy").into());
        assert_eq!(problems.into_result().expect_err("a problem").exit, Exit::Failed);
        Problems::default().into_result().expect("no problem");
    }
}
