//! What an engine offers: one interface for each interest, and all of them together.
//!
//! ```text
//!  Runs            submit, find, watch, stop, resume
//!  Gates           decide
//!  Logs            read the lines of steps
//!  Configuration   migration files and credentials between commands
//!  Reset           remove what workflows leave behind
//! ```

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use generator::Steps;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    error::BackendError,
    gates::{Decision, DecisionOutcome},
    logs::{LogQuery, LogSender},
    model::{EngineKind, RunModel},
    reset::Removable,
    run::{ResumeReport, Run, StopMode, StopReport, Submission},
};

/// An engine that runs migrations: all of its interfaces in one object.
pub trait Backend: Runs + Gates + Logs + Configuration + Reset {}

impl<T: Runs + Gates + Logs + Configuration + Reset> Backend for T {}

/// Starts, finds, watches and ends runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Returns which engine this is.
    fn engine(&self) -> EngineKind;

    /// Returns the present time, by the clock of what runs the migrations.
    fn now(&self) -> Timestamp;

    /// Returns all runs, the newest first.
    async fn list(&self) -> Result<Vec<Run>, BackendError>;

    /// Returns the newest run of a workflow.
    async fn find(&self, name: &str) -> Result<Option<Run>, BackendError>;

    /// Returns the newest run of a workflow, which must exist.
    async fn get(&self, name: &str) -> Result<Run, BackendError> {
        let found = self.find(name).await?;
        found.ok_or_else(|| BackendError::NotFound { name: name.to_owned() })
    }

    /// Returns what is known of a run.
    async fn model(&self, run: &Run) -> Result<RunModel, BackendError>;

    /// Returns the model of the newest run of a workflow: immediately, after every change, and at
    /// the latest after `interval`. An error is an item too, after which the stream continues. It
    /// does not end with the run, because a run can be resumed and a workflow submitted again.
    fn watch(
        &self,
        name: &str,
        interval: Duration,
    ) -> BoxStream<'_, Result<RunModel, BackendError>>;

    /// Returns the manifests of a run, as they are stored where it runs.
    async fn manifests(&self, run: &Run) -> Result<Vec<Value>, BackendError>;

    /// Starts a run. Another run of that name is not replaced, unless it is the previous run.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Run, BackendError>;

    /// Ends a run before its end. Of a run that has ended, [`StopMode::Terminate`] ends the workers
    /// that remain.
    async fn stop(&self, run: &Run, mode: StopMode) -> Result<StopReport, BackendError>;

    /// Continues a run that stopped or failed.
    async fn resume(&self, run: &Run) -> Result<ResumeReport, BackendError>;
}

/// Decides at gates.
#[async_trait]
pub trait Gates: Send + Sync {
    /// Returns the name of the user of this process, as the engine knows it.
    async fn process_user(&self) -> String;

    /// Decides at a gate. If two people decide concurrently, one of them gets
    /// [`DecisionOutcome::NotWaiting`].
    async fn decide(
        &self,
        run: &Run,
        gate: &str,
        decision: &Decision,
    ) -> Result<DecisionOutcome, BackendError>;
}

/// Reads the logs of runs.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Sends the lines of the logs of a run. Returns when there are no more, or when the receiver
    /// is dropped.
    async fn logs(
        &self,
        run: &Run,
        query: &LogQuery,
        events: LogSender,
    ) -> Result<(), BackendError>;
}

/// Migration files by session, and credentials by the name that migration files use.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// Returns what the steps of a migration run as.
    fn steps(&self) -> Steps;

    /// Returns what messages call the migration file of a session.
    fn session_location(&self, session: &str) -> Result<String, BackendError>;

    /// Reads the migration file of a session.
    async fn session(&self, session: &str) -> Result<Option<String>, BackendError>;

    /// Stores the migration file of a session. A file with passwords is readable by the user alone.
    async fn save_session(
        &self,
        session: &str,
        text: &str,
        has_passwords: bool,
    ) -> Result<(), BackendError>;

    /// Deletes the migration file of a session; returns whether there was one.
    async fn delete_session(&self, session: &str) -> Result<bool, BackendError>;

    /// Returns the names of the credentials that were stored by [`Self::save_credentials`].
    async fn credentials(&self) -> Result<Vec<String>, BackendError>;

    /// Returns whether there are credentials of that name, also if something else stored them.
    async fn has_credentials(&self, name: &str) -> Result<bool, BackendError>;

    /// Reads an entry of credentials, as in `password`.
    async fn credential(&self, name: &str, key: &str) -> Result<Option<String>, BackendError>;

    /// Stores credentials. They replace all entries that had the same name.
    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), BackendError>;

    /// Deletes credentials; returns whether there were any.
    async fn delete_credentials(&self, name: &str) -> Result<bool, BackendError>;
}

/// Removes what workflows leave behind.
#[async_trait]
pub trait Reset: Send + Sync {
    /// Returns what can be removed, in the order in which it may be removed.
    async fn removables(&self) -> Result<Vec<Removable>, BackendError>;

    /// Removes something; a run of it must have ended.
    async fn remove(&self, removable: &Removable) -> Result<(), BackendError>;
}
