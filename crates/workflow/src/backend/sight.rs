//! What was seen of a run at one moment.

use std::collections::BTreeMap;

use argo::WorkflowStatus;
use contract::Progress;
use engine::Gate;

use crate::view::outline::Outline;

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    /// Phases and nodes, as Argo has them.
    pub(crate) status: WorkflowStatus,
    /// What was compiled: tasks, gates, their order.
    pub(crate) outline: Outline,
    /// How far running steps are, by node id.
    pub(crate) progress: BTreeMap<String, Progress>,
    /// The gates.
    pub(crate) gates: Vec<Gate>,
    /// Why it cannot go on by itself, if it cannot.
    pub(crate) trouble: Option<Trouble>,
    /// What else a person should know.
    pub(crate) notes: Vec<String>,
    /// Why the cleanup of a run that is ending cannot begin, if it cannot.
    pub(crate) cleanup_held: Option<String>,
}

/// Why a run cannot go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What is wrong.
    pub(crate) message: String,
    /// What to type.
    pub(crate) command: String,
}
