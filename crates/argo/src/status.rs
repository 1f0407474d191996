//! What does a run look like? Argo's node status, shared by the embedded engine and the cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::io::{Inputs, Outputs};

/// The status of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStatus {
    /// How far it is.
    #[serde(default)]
    pub phase: NodePhase,
    /// When it started (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Why it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The nodes by id.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeStatus>,
}

/// The status of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Unique in the run.
    pub id: String,
    /// The path of names from the root, as in `run.a.b(0)`.
    pub name: String,
    /// The last part of the name.
    pub display_name: String,
    /// What kind of node it is.
    #[serde(rename = "type")]
    pub kind: NodeType,
    /// How far it is.
    pub phase: NodePhase,
    /// The template it runs, if it is one of the same object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_name: Option<String>,
    /// The id of the DAG or steps node it belongs to.
    #[serde(default, rename = "boundaryID", skip_serializing_if = "Option::is_none")]
    pub boundary_id: Option<String>,
    /// Ids of the nodes that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
    /// When it started (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Why it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `N/M`, as the step told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// What it was called with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
}

/// What kind of node it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeType {
    /// A process.
    #[default]
    Pod,
    /// A group of steps that run at once.
    StepGroup,
    /// A `steps` template.
    Steps,
    /// A DAG template.
    #[serde(rename = "DAG")]
    Dag,
    /// A task that was expanded by `withItems` and the like.
    TaskGroup,
    /// A node that is tried again; its children are the tries.
    Retry,
    /// A node that did not run, because of `when` or `depends`.
    Skipped,
    /// A gate.
    Suspend,
}

/// How far a node or a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodePhase {
    /// Waits for a place to run.
    #[default]
    #[serde(alias = "")]
    Pending,
    /// Runs.
    Running,
    /// Did what was asked.
    Succeeded,
    /// Was not needed.
    Skipped,
    /// Did not do what was asked.
    Failed,
    /// Could not be run.
    Error,
    /// Was not reached.
    Omitted,
}

impl NodePhase {
    /// Returns whether nothing more will happen.
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Returns whether it ended badly.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}
