//! What can go wrong in a fleet?

use contract::{Exit, Failure};
use state_store::StoreError;
use thiserror::Error;

/// A fault of one of the roles.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The items could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sums over the items were not understood.
    #[error(
        "the counts of the work items on the target have an unexpected form; perhaps another \
         version of Argosy wrote them: continue with that version"
    )]
    Totals,
    /// Another run changes an item at each attempt.
    #[error(
        "the work item of {item} keeps changing, because another run works on it; wait until that \
         run has ended, or stop it with `workflow stop`, and then run `workflow resume`"
    )]
    Contended {
        /// The item, for people.
        item: String,
    },
    /// The record of the run, or the step that uses the fleet, says so.
    #[error(transparent)]
    Step(#[from] Failure),
    /// The process is asked to stop.
    #[error("stopped by a signal; the item in progress was given back")]
    Interrupted,
    /// Signals cannot be watched.
    #[error("watching for the signals that stop this process")]
    Signals(#[source] std::io::Error),
    /// A task of this process ended without a result.
    #[error("the task that worked on an item ended without a result")]
    Aborted(#[source] tokio::task::JoinError),
    /// An item was given back, to be tried again.
    #[error("{item}: {reason}")]
    GivenBack {
        /// The item, for people.
        item: String,
        /// Why.
        reason: String,
        /// The code of the cause.
        exit: Exit,
    },
    /// There are no items, and there is work.
    #[error(
        "there are no work items of this group: its state on the target was removed; submit the \
         migration again"
    )]
    NotPrepared,
    /// The ledgers of the items contradict each other.
    #[error("the ledger of the group does not add up: {ledger}")]
    Ledger {
        /// The sums.
        ledger: String,
    },
    /// Items failed.
    #[error("{summary}:\n{}", reasons.join("\n"))]
    ItemsFailed {
        /// How many of how many.
        summary: String,
        /// Why, a line each.
        reasons: Vec<String>,
    },
    /// Nothing moves, and workers have left reasons.
    #[error(
        "no worker continues, and the last ones gave up:\n{}\nfix the cause and run `workflow \
         resume`; it continues where it stopped",
        reasons.join("\n")
    )]
    Stuck {
        /// What the workers left behind, a line each.
        reasons: Vec<String>,
    },
    /// The fleet of workers has failed before its work was done.
    #[error("{0}")]
    GaveUp(String),
}

impl FleetError {
    /// Returns the code that a step ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Step(failure) => failure.exit,
            Self::GivenBack { exit, .. } => *exit,
            Self::Contended { .. } => Exit::Temporary,
            Self::Interrupted => Exit::Interrupted,
            Self::NotPrepared => Exit::NotFound,
            Self::Totals
            | Self::Signals(_)
            | Self::Aborted(_)
            | Self::Ledger { .. }
            | Self::ItemsFailed { .. }
            | Self::Stuck { .. }
            | Self::GaveUp(_) => Exit::Failed,
        }
    }

    /// Returns whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        self.exit() == Exit::Temporary
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        Self::of(error.exit(), &error)
    }
}
