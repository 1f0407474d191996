//! The ConfigMap of decisions: one entry a gate, by the gate's name.

use serde::{Deserialize, Serialize};

/// What the name of the ConfigMap adds to the name of its workflow.
pub const SUFFIX: &str = "-decisions";

/// The decision that lets a run pass a gate.
pub const APPROVED: &str = "approved";
/// The decision that fails a gate.
pub const REJECTED: &str = "rejected";
/// What a gate reads when no decision was written.
pub(crate) const PENDING: &str = "pending";

/// A person's decision about a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The run continues.
    Approved,
    /// The gate fails, and the run with it.
    Rejected,
}

impl Verdict {
    /// Returns the decision as the ConfigMap has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => APPROVED,
            Self::Rejected => REJECTED,
        }
    }
}

/// Returns the name of the ConfigMap of a workflow's decisions.
pub fn map_name(workflow: &str) -> String {
    format!("{workflow}{SUFFIX}")
}
