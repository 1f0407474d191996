//! What is a node? One call of a template in a run, as the journal keeps it.

use std::collections::BTreeMap;

use argo::{Container, NodePhase, NodeType, Outputs, container::Volume};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One call of a template in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Unique in the run.
    pub id: String,
    /// The path of names from the root, as in `run.a[0].b(1)`.
    pub name: String,
    /// The last part of the name.
    pub display_name: String,
    /// What kind of node it is.
    pub kind: NodeType,
    /// How far it is.
    pub phase: NodePhase,
    /// The name of the template.
    pub template: String,
    /// The id of the DAG or steps node it belongs to.
    pub boundary: Option<String>,
    /// Ids of the nodes that follow.
    pub children: Vec<String>,
    /// Ids of the last nodes of this one, when it is a DAG or steps: those that later nodes follow.
    pub outbound: Vec<String>,
    /// When it was created.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it has that phase.
    pub message: Option<String>,
    /// Its inputs, in the order of the template.
    pub inputs: Vec<(String, String)>,
    /// Its outputs.
    pub outputs: Outputs,
    /// Whether it belongs to the exit handler.
    pub part: Part,
    /// Whether it is one of the attempts of a retry node.
    pub attempt: Attempt,
    /// The process or Job that it runs.
    pub pod: Option<Pod>,
    /// Its processes that were started and whose end is not recorded, by worker.
    pub processes: BTreeMap<u32, ProcessRecord>,
    /// The state of the Job.
    pub job: JobState,
}

impl Node {
    /// Returns whether nothing more will happen to it.
    pub(crate) fn is_fulfilled(&self) -> bool {
        self.phase.is_complete()
    }
}

/// The part of a run that a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// What the run is for.
    Main,
    /// The exit handler.
    Exit,
}

/// Whether a node is one of several attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attempt {
    /// It is the only one.
    Only,
    /// It is a child of a retry node.
    Retried,
}

/// What a node of type Pod runs: everything is substituted; secrets are still references.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pod {
    /// The name that the pod has in a cluster.
    pub name: String,
    /// What runs.
    pub work: Work,
    /// Its volumes.
    pub volumes: Vec<Volume>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Files to read as output parameters.
    pub output_files: Vec<OutputFile>,
    /// What is kept of the standard output.
    pub capture: Capture,
    /// Seconds after which it is ended.
    pub deadline_seconds: Option<u64>,
}

/// What a pod runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// One process.
    Container(Box<Container>),
    /// A Job: several processes of one kind.
    Job {
        /// The manifest, as YAML text.
        manifest: String,
        /// The node succeeds when this holds.
        success: Option<String>,
        /// The node fails when this holds.
        failure: Option<String>,
    },
}

/// A file that becomes an output parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputFile {
    /// The parameter.
    pub name: String,
    /// The file, as the container sees it.
    pub path: String,
    /// The value when there is no file.
    pub default: Option<String>,
    /// The name under `workflow.outputs.parameters`.
    pub global_name: Option<String>,
}

/// What is kept of a process's standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Capture {
    /// Only the log.
    Log,
    /// The log, and the text as `outputs.result`.
    Result,
}

/// A process that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// Its number, which is also that of its group.
    pub pid: u32,
    /// When it was started.
    pub started_at: Timestamp,
}

/// How far a Job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobState {
    /// Workers that were started.
    pub started: u32,
    /// Workers that succeeded.
    pub succeeded: u32,
    /// Workers that failed.
    pub failed: u32,
    /// When the last of them failed.
    pub last_failure: Option<Timestamp>,
}
