//! A run as JSON: one object for one workflow.

use argo::WorkflowStatus;
use serde::Serialize;
use serde_json::{Value, json};
use step_api::Progress;

use super::{text, tree::Branch};

/// Makes the object of `workflow status --output json`.
pub(crate) fn workflow(
    name: &str,
    status: &WorkflowStatus,
    warning: Option<&str>,
    branches: &[Branch],
    gates: &impl Serialize,
) -> Value {
    let mut nodes = Vec::new();
    push_nodes(branches, &mut nodes);
    json!({
        "name": name,
        "engine": "local",
        "phase": text::phase_name(super::phase(status, warning)),
        "startedAt": status.started_at,
        "finishedAt": status.finished_at,
        "message": warning.or(status.message.as_deref()),
        "nodes": nodes,
        "gates": gates,
    })
}

fn push_nodes(branches: &[Branch], nodes: &mut Vec<Value>) {
    for branch in branches {
        nodes.push(json!({
            "name": branch.name,
            "displayName": branch.title,
            "type": branch.kind,
            "phase": text::phase_name(branch.phase),
            "message": branch.message,
            "progress": branch.progress.as_ref().map(progress),
        }));
        push_nodes(&branch.branches, nodes);
    }
}

fn progress(progress: &Progress) -> Value {
    let Progress { shards, documents, bytes, rate, eta_seconds } = progress;
    json!({
        "shards": shards,
        "documents": documents,
        "bytes": bytes,
        "rate": rate,
        "etaSeconds": eta_seconds,
    })
}
