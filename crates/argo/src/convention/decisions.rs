//! The ConfigMap of decisions: one entry a gate, by the gate's name.

/// What the name of the ConfigMap adds to the name of its workflow.
pub const SUFFIX: &str = "-decisions";

/// The decision that lets a run pass a gate.
pub const APPROVED: &str = "approved";
/// The decision that fails a gate.
pub const REJECTED: &str = "rejected";
/// What a gate reads when no decision was written.
pub const PENDING: &str = "pending";

/// Returns the name of the ConfigMap of a workflow's decisions.
pub fn map_name(workflow: &str) -> String {
    format!("{workflow}{SUFFIX}")
}
