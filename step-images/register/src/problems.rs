//! How are the problems reported?

use contract::{Exit, Failure};

/// The number of problems that a message lists.
const MAX_LISTED: usize = 50;

/// Returns the failure that lists the problems, but no more than a person reads.
pub(crate) fn failure(problems: &[String]) -> Failure {
    let mut lines: Vec<String> =
        problems.iter().take(MAX_LISTED).map(|problem| format!("- {problem}")).collect();
    if problems.len() > MAX_LISTED {
        lines.push(format!("- and {} more of this kind", problems.len() - MAX_LISTED));
    }
    let message = format!(
        "the migration cannot continue; no index of the target was touched:\n{}",
        lines.join("\n")
    );
    Failure::new(Exit::Failed, message)
}
