//! What a person or a script sees of a run: a tree made of the manifests and the status.
//!
//! [`runs::tree`] joins what was compiled (so that steps not yet reached are there) with what
//! happened; [`text`], [`gate`] and [`json`] print it, [`snapshot`] gives it node by node. All of it is
//! pure.

pub(crate) mod answer;
pub(crate) mod gate;
pub(crate) mod json;
pub(crate) mod log_line;
pub(crate) mod look;
pub(crate) mod plain;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod snapshot;
pub(crate) mod text;

use argo::{NodePhase, WorkflowStatus};

/// Returns the phase to show. It is never better than the truth: with a warning (a dead engine),
/// nothing runs.
pub(crate) fn phase(status: &WorkflowStatus, warning: Option<&str>) -> NodePhase {
    if warning.is_some() { NodePhase::Error } else { status.phase }
}
