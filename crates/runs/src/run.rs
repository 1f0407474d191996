//! A run of a workflow, and the reports about starting, stopping and resuming it.

use argo::NodePhase;
use generator::Output;
use jiff::Timestamp;

use crate::gates::Decision;

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

/// What [`Runs::stop`](crate::Runs::stop) did.
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

/// What [`Runs::resume`](crate::Runs::resume) did.
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
