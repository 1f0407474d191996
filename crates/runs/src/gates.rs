//! Gates: where a run waits for a person, and what the person decided.

pub use argo::convention::decisions::Verdict;
pub use contract::gate::{DecisionOutcome, Gate, GateState};

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
