//! What an engine knows of a run.

use std::collections::BTreeMap;

use argo::WorkflowStatus;
use contract::progress::Progress;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outline::Outline;
use crate::gates::Gate;

/// Why a run cannot continue by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// The command that helps.
    pub command: String,
}

/// What an engine knows of a run.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Phases and nodes, as Argo has them.
    pub status: WorkflowStatus,
    /// Tasks and gates in their order, as the manifests have them.
    pub outline: Outline,
    /// How much of each running step is done, by node id.
    pub progress: BTreeMap<String, Progress>,
    /// Why the pods of nodes cannot start or continue, by node id.
    pub blocked: BTreeMap<String, String>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Why the run cannot continue by itself.
    pub trouble: Option<Trouble>,
    /// Other facts that a person should know.
    pub notes: Vec<String>,
    /// Why the cleanup of a run that is ending cannot start.
    pub cleanup_blocked: Option<String>,
}

/// Reads a time of Argo's.
pub(super) fn time(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}
