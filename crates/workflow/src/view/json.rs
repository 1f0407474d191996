//! A run as JSON: one object for one workflow.

use runs::Branch;
use serde::Serialize;
use serde_json::{Value, json};

use super::text::Header;

/// Makes the object of `workflow status --output json`.
pub(crate) fn workflow(header: &Header<'_>, branches: &[Branch], gates: &impl Serialize) -> Value {
    let Header { name, engine, status, warning, notes } = *header;
    let mut flat = Vec::new();
    push_nodes(branches, &mut flat);
    let notes = notes.join("; ");
    let message = warning.or(status.message.as_deref());
    json!({
        "name": name,
        "engine": engine,
        "phase": super::phase(status, warning).as_str(),
        "startedAt": status.started_at,
        "finishedAt": status.finished_at,
        "message": message.or_else(|| Some(notes.as_str()).filter(|notes| !notes.is_empty())),
        "nodes": flat,
        "gates": gates,
    })
}

fn push_nodes(branches: &[Branch], nodes: &mut Vec<Value>) {
    for branch in branches {
        nodes.push(json!({
            "name": branch.name,
            "displayName": branch.title,
            "type": branch.kind,
            "phase": branch.phase.as_str(),
            "message": branch.message,
            "progress": branch.progress,
        }));
        push_nodes(&branch.branches, nodes);
    }
}
