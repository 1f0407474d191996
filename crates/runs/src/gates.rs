//! Gates: where a run waits for a person, and what the person decided.

use argo::convention::decisions;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
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

/// Approved or rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The run continues.
    Approved,
    /// The run fails.
    Rejected,
}

impl Verdict {
    /// Returns the word for it, as the ConfigMap of decisions has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => decisions::APPROVED,
            Self::Rejected => decisions::REJECTED,
        }
    }
}

/// What a person decided at a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Approved or rejected.
    pub verdict: Verdict,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// The result of [`Gates::decide`](crate::Gates::decide).
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

/// Returns a time without its fraction of a second.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    let whole = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Trunc);
    at.round(whole).unwrap_or(at)
}
