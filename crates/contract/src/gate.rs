//! The gates of a run, as people and programs see them: the same for both engines.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A gate of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The name to show and to type.
    pub name: String,
    /// Whether it waits, or how it was passed.
    pub state: GateState,
    /// Who decided.
    pub by: Option<String>,
    /// When, in whole seconds as all times of a run.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// The state of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateState {
    /// The run has not reached it.
    Pending,
    /// The run waits for a decision.
    Waiting,
    /// A person approved it, perhaps in advance.
    Approved,
    /// A person rejected it.
    Rejected,
    /// The run passed it or ended without asking.
    Skipped,
}

/// The outcome of a decision about a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionOutcome {
    /// The gate waited; the run continues or fails.
    Recorded,
    /// The run has not reached the gate, and will not wait there.
    ApprovedInAdvance,
    /// The gate does not take this decision; this is its state.
    NotWaiting(Gate),
    /// There is no gate of that name.
    Unknown,
}
