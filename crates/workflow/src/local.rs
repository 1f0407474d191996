//! The state of runs on this machine, with this machine's clock.

use engine::{Clock, RunRecord, Store, StoreError};
use jiff::Timestamp;
use session::StateDir;
use step_api::Exit;

use crate::output;

/// Opens the state directory.
pub(crate) fn open(state: &StateDir) -> anyhow::Result<Store> {
    Store::open(state.path(), Clock::new(Timestamp::now)).map_err(error)
}

/// Returns the newest run of a name.
pub(crate) fn run(store: &Store, name: &str) -> anyhow::Result<RunRecord> {
    store.run(name).map_err(error)
}

/// Returns the newest run of a name, if it has not ended.
pub(crate) fn live_run(store: &Store, name: &str) -> anyhow::Result<Option<RunRecord>> {
    match store.run(name) {
        Ok(run) => Ok(Some(run).filter(|run| !run.is_complete())),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(other) => Err(error(other)),
    }
}

/// Gives an error of the store its exit code.
pub(crate) fn error(error: StoreError) -> anyhow::Error {
    let exit = match &error {
        StoreError::NotFound(_) => Exit::NotFound,
        StoreError::Conflict { .. }
        | StoreError::EngineAlive { .. }
        | StoreError::NotFailed { .. }
        | StoreError::Superseded { .. } => Exit::Conflict,
        StoreError::Refused(_) | StoreError::Submission(_) => Exit::Invalid,
        StoreError::Files(_)
        | StoreError::Database(_)
        | StoreError::Journal(_)
        | StoreError::Version(_)
        | StoreError::Stored { .. } => Exit::Failed,
    };
    let message = format!("{:#}", anyhow::Error::new(error));
    output::failure(exit, message)
}
