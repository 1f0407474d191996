//! Does the run that owns the items still continue, and has its fleet given up?

use contract::Failure;

/// What is recorded of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStatus {
    /// The run has ended, or another run took its place.
    pub has_ended: bool,
    /// Why no worker continues although not all is done ([`RunRecord::abandon`]).
    pub abandoned: Option<String>,
}

/// The record of a run. The library that decides what the run may fill stores it.
pub trait RunRecord: Send + Sync {
    /// Reads the record; `None` if there is none.
    fn status(&self) -> impl Future<Output = Result<Option<RunStatus>, Failure>> + Send;

    /// Records that the run works again. Fails if it must not.
    fn resume(&self) -> impl Future<Output = Result<(), Failure>>;

    /// Records why no worker continues.
    fn abandon(&self, reason: &str) -> impl Future<Output = Result<(), Failure>>;
}
