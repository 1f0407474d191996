//! The processes of a run: the workers of its Jobs, and the logs of all.

use super::{Store, error::StoreError};
use crate::{
    logs::{self, LogFile},
    worker_jobs::{self, WorkerJob},
};

impl Store {
    /// Returns the Jobs of a run, in the order in which their nodes were created.
    pub fn worker_jobs(&self, uid: &str) -> Result<Vec<WorkerJob>, StoreError> {
        let (state, _) = self.load(uid)?;
        Ok(worker_jobs::worker_jobs(&state))
    }

    /// Returns the log files of a run, in the order in which their nodes were created.
    pub fn log_files(&self, uid: &str) -> Result<Vec<LogFile>, StoreError> {
        let (state, _) = self.load(uid)?;
        Ok(logs::files(&self.run_folder(uid), &state)?)
    }
}
