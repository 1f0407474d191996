//! What does a run look like? Argo's node status, shared by the embedded engine and the cluster.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

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
    /// Why it has that phase.
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
    /// Why it has that phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `N/M`, as the step reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Its inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
}

/// What kind of node it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeType {
    /// A process.
    #[default]
    Pod,
    /// A group of steps that run concurrently.
    StepGroup,
    /// A `steps` template.
    Steps,
    /// A DAG template.
    #[serde(rename = "DAG")]
    Dag,
    /// A task that was expanded by `withItems` and the like.
    TaskGroup,
    /// A node that is tried again; its children are the attempts.
    Retry,
    /// A node that did not run, because of `when` or `depends`.
    Skipped,
    /// A gate.
    Suspend,
}

/// How far a node or a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodePhase {
    /// Waits to be started.
    #[default]
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

/// A word that is no phase of this version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a phase that this version knows")]
pub struct UnknownPhase(pub String);

impl NodePhase {
    /// All phases.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Skipped,
        Self::Failed,
        Self::Error,
        Self::Omitted,
    ];

    /// Returns Argo's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Omitted => "Omitted",
        }
    }

    /// Returns whether nothing more will happen.
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Returns whether it ended badly.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl fmt::Display for NodePhase {
    fn fmt(&self, output: &mut fmt::Formatter<'_>) -> fmt::Result {
        output.pad(self.as_str())
    }
}

impl FromStr for NodePhase {
    type Err = UnknownPhase;

    /// Reads Argo's word. What has no phase yet is pending: Argo leaves the field empty then.
    fn from_str(word: &str) -> Result<Self, UnknownPhase> {
        if word.is_empty() {
            return Ok(Self::Pending);
        }
        let known = Self::ALL.into_iter().find(|phase| phase.as_str() == word);
        known.ok_or_else(|| UnknownPhase(word.to_owned()))
    }
}

impl Serialize for NodePhase {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for NodePhase {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_read_back_from_its_word() {
        for phase in NodePhase::ALL {
            assert_eq!(phase.as_str().parse(), Ok(phase));
            let json = serde_json::to_string(&phase).expect("JSON");
            assert_eq!(json, format!("\"{phase}\""));
            assert_eq!(serde_json::from_str::<NodePhase>(&json).expect("a phase"), phase);
        }
        assert_eq!("".parse(), Ok(NodePhase::Pending));
    }

    #[test]
    fn a_word_that_is_no_phase_is_an_error() {
        assert_eq!("Paused".parse::<NodePhase>(), Err(UnknownPhase("Paused".to_owned())));
        let error = serde_json::from_str::<NodePhase>("\"Paused\"").expect_err("an error");
        assert!(error.to_string().starts_with("`Paused` is not a phase"), "{error}");
    }
}
