//! Runs of migrations: submitting, finding, watching, stopping and resuming them.

use std::time::Duration;

use argo::NodePhase;
use async_trait::async_trait;
use contract::Exit;
use futures::stream::BoxStream;
use generator::Output;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    error::failure,
    gates::Decision,
    model::{EngineKind, RunModel},
};

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

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The name of the workflow.
    pub name: String,
    /// The id of the run; no other run has it.
    pub uid: String,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Its phase.
    pub phase: NodePhase,
    /// Whether it has ended.
    pub is_complete: bool,
}

/// What to run.
pub struct Submission<'a> {
    /// The name of the workflow.
    pub name: &'a str,
    /// The compiled migration file.
    pub compiled: &'a Output,
    /// The decision at every gate, if they are approved in advance.
    pub approval: Option<&'a Decision>,
    /// The run of that name that the caller knows of; it has ended, and is replaced.
    pub previous: Option<&'a Run>,
}

/// How a run is ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// The running steps end, then the cleanup runs.
    Stop,
    /// The running steps end, and no cleanup runs.
    Terminate,
}

/// What [`Runs::stop`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// How the run was asked to end; `None` if it had ended or had not started.
    pub requested: Option<StopMode>,
    /// Descriptions of the fleets of workers that were ended too.
    pub fleets: Vec<String>,
    /// Other facts that a person should know.
    pub remarks: Vec<String>,
}

impl StopReport {
    /// Returns the report in lines for a person.
    pub fn lines(&self) -> Vec<String> {
        let Self { requested, fleets, remarks } = self;
        let requested = requested.map(|mode| match mode {
            StopMode::Stop => "stopping: running steps end, then the cleanup runs".to_owned(),
            StopMode::Terminate => "terminating: running steps end, no cleanup runs".to_owned(),
        });
        let fleets = (!fleets.is_empty()).then(|| format!("ended: {}", fleets.join(", ")));
        requested.into_iter().chain(fleets).chain(remarks.iter().cloned()).collect()
    }
}

/// What [`Runs::resume`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeReport {
    /// Nothing: the run is running.
    AlreadyRunning,
    /// The run continues where it stopped.
    Continued,
    /// The run had failed; these steps are tried again.
    Retried(Vec<String>),
}

impl ResumeReport {
    /// Returns the report as a sentence about the workflow of that name.
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Self::AlreadyRunning => format!("workflow `{name}` is running already"),
            Self::Continued => format!("workflow `{name}` continues where it stopped"),
            Self::Retried(steps) => {
                let steps = match steps.as_slice() {
                    [] => "the steps that had not started".to_owned(),
                    steps => steps.join(", "),
                };
                format!(
                    "workflow `{name}` continues; what succeeded is kept, and this is tried again: \
                     {steps}"
                )
            }
        }
    }
}
