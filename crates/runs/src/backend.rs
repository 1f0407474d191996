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
use contract::Exit;
use futures::stream::BoxStream;
use generator::Steps;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    error::failure,
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
    async fn list(&self) -> anyhow::Result<Vec<Run>>;

    /// Returns the newest run of a workflow.
    async fn find(&self, name: &str) -> anyhow::Result<Option<Run>>;

    /// Returns the newest run of a workflow, which must exist.
    async fn get(&self, name: &str) -> anyhow::Result<Run> {
        self.find(name).await?.ok_or_else(|| {
            let message =
                format!("there is no run `{name}`; `workflow status --all` lists the runs");
            failure(Exit::NotFound, message)
        })
    }

    /// Returns what is known of a run.
    async fn model(&self, run: &Run) -> anyhow::Result<RunModel>;

    /// Returns the model of the newest run of a workflow: immediately, after every change, and at
    /// the latest after `interval`. An error is an item too, after which the stream continues. It
    /// does not end with the run, because a run can be resumed and a workflow submitted again.
    fn watch(&self, name: &str, interval: Duration) -> BoxStream<'_, anyhow::Result<RunModel>>;

    /// Returns the manifests of a run, as they are stored where it runs.
    async fn manifests(&self, run: &Run) -> anyhow::Result<Vec<Value>>;

    /// Starts a run. Another run of that name is not replaced, unless it is the previous run.
    async fn submit(&self, submission: &Submission<'_>) -> anyhow::Result<Run>;

    /// Ends a run before its end. Of a run that has ended, [`StopMode::Terminate`] ends the workers
    /// that remain.
    async fn stop(&self, run: &Run, mode: StopMode) -> anyhow::Result<StopReport>;

    /// Continues a run that stopped or failed.
    async fn resume(&self, run: &Run) -> anyhow::Result<ResumeReport>;
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
    ) -> anyhow::Result<DecisionOutcome>;
}

/// Reads the logs of runs.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Sends the lines of the logs of a run. Returns when there are no more, or when the receiver
    /// is dropped.
    async fn logs(&self, run: &Run, query: &LogQuery, events: LogSender) -> anyhow::Result<()>;
}

/// Migration files by session, and credentials by the name that migration files use.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// Returns what the steps of a migration run as.
    fn steps(&self) -> Steps;

    /// Returns what messages call the migration file of a session.
    fn session_location(&self, session: &str) -> anyhow::Result<String>;

    /// Reads the migration file of a session.
    async fn session(&self, session: &str) -> anyhow::Result<Option<String>>;

    /// Stores the migration file of a session. A file with passwords is readable by the user alone.
    async fn save_session(
        &self,
        session: &str,
        text: &str,
        has_passwords: bool,
    ) -> anyhow::Result<()>;

    /// Deletes the migration file of a session; returns whether there was one.
    async fn delete_session(&self, session: &str) -> anyhow::Result<bool>;

    /// Returns the names of the credentials that were stored by [`Self::save_credentials`].
    async fn credentials(&self) -> anyhow::Result<Vec<String>>;

    /// Returns whether there are credentials of that name, also if something else stored them.
    async fn has_credentials(&self, name: &str) -> anyhow::Result<bool>;

    /// Reads an entry of credentials, as in `password`.
    async fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>>;

    /// Stores credentials. They replace all entries that had the same name.
    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()>;

    /// Deletes credentials; returns whether there were any.
    async fn delete_credentials(&self, name: &str) -> anyhow::Result<bool>;
}

/// Removes what workflows leave behind.
#[async_trait]
pub trait Reset: Send + Sync {
    /// Returns what can be removed, in the order in which it may be removed.
    async fn removables(&self) -> anyhow::Result<Vec<Removable>>;

    /// Removes something; a run of it must have ended.
    async fn remove(&self, removable: &Removable) -> anyhow::Result<()>;
}
