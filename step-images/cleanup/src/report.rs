//! What did the cleanup do, and which runs did it find?

use contract::RunId;
use step::Context;

/// What was done so far.
#[derive(Debug)]
pub(crate) struct CleanupReport {
    /// A line each.
    pub(crate) actions: Vec<String>,
    /// The runs whose state was removed, this one and earlier ones of the same migration.
    pub(crate) runs: Vec<RunId>,
    /// The runs whose state was left, because they may be in progress.
    pub(crate) left: Vec<RunId>,
}

impl CleanupReport {
    pub(crate) fn of_this_run(context: &Context) -> Self {
        Self { actions: Vec::new(), runs: vec![context.run.clone()], left: Vec::new() }
    }

    pub(crate) fn add_run(&mut self, run: &RunId) {
        if !self.runs.contains(run) {
            self.runs.push(run.clone());
        }
    }
}
