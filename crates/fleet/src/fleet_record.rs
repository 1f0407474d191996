//! Has the run that owns the items ended, and has its fleet given up?

use contract::Failure;

/// What is recorded of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetState {
    /// The run has ended, or another run took its group over.
    pub run_has_ended: bool,
    /// Why the fleet gave up although not all is done ([`FleetRecord::give_up`]).
    pub gave_up: Option<String>,
}

/// The record of a fleet and its run. The library that decides what the run may fill stores it.
pub trait FleetRecord: Send + Sync {
    /// Reads the record; `None` if there is none.
    fn read(&self) -> impl Future<Output = Result<Option<FleetState>, Failure>> + Send;

    /// Records that the run works again. Fails if it must not.
    fn resume(&self) -> impl Future<Output = Result<(), Failure>>;

    /// Records why the fleet gave up.
    fn give_up(&self, reason: &str) -> impl Future<Output = Result<(), Failure>>;
}
