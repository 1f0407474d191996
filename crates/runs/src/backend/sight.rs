//! What was seen of a run at one moment.

use std::collections::BTreeMap;

use argo::WorkflowStatus;
use contract::Progress;
use engine::Gate;

use crate::model::Outline;

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Phases and nodes, as Argo has them.
    pub status: WorkflowStatus,
    /// What was compiled: tasks, gates, their order.
    pub outline: Outline,
    /// How far running steps are, by node id.
    pub progress: BTreeMap<String, Progress>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Why it cannot go on by itself, if it cannot.
    pub trouble: Option<Trouble>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Why the cleanup of a run that is ending cannot begin, if it cannot.
    pub cleanup_held: Option<String>,
}

/// Why a run cannot go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// What to type.
    pub command: String,
}
