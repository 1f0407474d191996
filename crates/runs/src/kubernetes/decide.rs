//! A person's decision at a gate, on a cluster.
//!
//! The node is changed first, under a test that it still waits: of two people, one is first. Then
//! the decision is recorded in the ConfigMap of decisions. If that fails, the message of the node
//! still says who decided and why. A gate that the run has not reached is decided in the ConfigMap
//! alone, and checked a few times afterwards: Argo may have read the old entry just before.

use std::time::Duration;

use argo::{NodePhase, convention::decisions};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    fault::Fault,
    gates::{self, DecisionRecord, record_key},
    nodes::{self, NodeStorage},
    objects,
    observe::RunObjects,
    server::{Server, text},
};
use crate::{
    error::BackendError,
    gates::{Decision, DecisionOutcome, Gate, GateState, Verdict},
    object_kind::ObjectKind,
    run::Run,
};

/// How often, and at which interval, a gate is checked that was approved in advance.
const CONFIRMATIONS: u32 = 5;
const CONFIRMATION_INTERVAL: Duration = Duration::from_millis(300);
/// Attempts at a change that another process may make first.
const MAX_ATTEMPTS: u32 = 8;

/// Decides at a gate.
pub(super) async fn decide(
    server: &Server,
    run: &Run,
    gate: &str,
    decision: &Decision,
) -> Result<DecisionOutcome, BackendError> {
    for _ in 0..MAX_ATTEMPTS {
        let run_objects = RunObjects::read(server, run).await?;
        let Some(found) = run_objects.gates().into_iter().find(|known| known.name == gate) else {
            return Ok(DecisionOutcome::Unknown);
        };
        match (found.state, decision.verdict) {
            (GateState::Waiting, _) => {
                if resume(server, &run_objects, gate, decision).await? {
                    record(server, run, gate, decision, false).await?;
                    return Ok(DecisionOutcome::Recorded);
                }
            }
            (GateState::Pending, Verdict::Approved) => {
                record(server, run, gate, decision, true).await?;
                return confirm(server, run, gate, decision).await;
            }
            _ => return Ok(DecisionOutcome::NotWaiting(found)),
        }
    }
    let run_objects = RunObjects::read(server, run).await?;
    let found = run_objects.gates().into_iter().find(|known| known.name == gate);
    Ok(found.map_or(DecisionOutcome::Unknown, DecisionOutcome::NotWaiting))
}

/// Waits until it is certain that a gate which was approved in advance will not wait.
async fn confirm(
    server: &Server,
    run: &Run,
    gate: &str,
    decision: &Decision,
) -> Result<DecisionOutcome, BackendError> {
    for _ in 0..CONFIRMATIONS {
        tokio::time::sleep(CONFIRMATION_INTERVAL).await;
        let run_objects = RunObjects::read(server, run).await?;
        let is_waiting = |known: &Gate| known.name == gate && known.state == GateState::Waiting;
        if run_objects.gates().iter().any(is_waiting)
            && resume(server, &run_objects, gate, decision).await?
        {
            return Ok(DecisionOutcome::Recorded);
        }
    }
    Ok(DecisionOutcome::ApprovedInAdvance)
}

/// Ends the nodes that wait at a gate; returns whether they were still waiting.
async fn resume(
    server: &Server,
    run_objects: &RunObjects,
    gate: &str,
    decision: &Decision,
) -> Result<bool, BackendError> {
    let name = text(&run_objects.workflow, "/metadata/name");
    let waiting = gates::waiting_nodes(&run_objects.status, gate);
    let at = server.now();
    let done = match nodes::storage(&run_objects.workflow) {
        NodeStorage::Plain => {
            let operations = operations(&waiting, decision, at);
            server.patch(ObjectKind::Workflow, name, &operations).await
        }
        NodeStorage::Compressed => {
            let mut changed = run_objects.nodes.clone();
            for id in &waiting {
                end_node(&mut changed, id, decision, at);
            }
            let patch = json!({
                "metadata": { "resourceVersion": text(&run_objects.workflow, "/metadata/resourceVersion") },
                "status": { "compressedNodes": nodes::pack(&changed)? },
            });
            server.merge(ObjectKind::Workflow, name, &patch).await
        }
        NodeStorage::Offloaded => return Ok(false),
    };
    match done {
        Ok(_) => Ok(true),
        // Another process was faster; the next reading says which decision it made.
        Err(Fault::Refused { .. } | Fault::Conflict { .. }) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Returns the operations that end nodes which wait.
fn operations(waiting: &[String], decision: &Decision, at: Timestamp) -> Value {
    let mut operations = Vec::new();
    for id in waiting {
        let path = |field: &str| format!("/status/nodes/{id}/{field}");
        let add = |field: &str, value: String| json!({ "op": "add", "path": path(field), "value": value });
        operations
            .push(json!({ "op": "test", "path": path("phase"), "value": NodePhase::Running }));
        operations.push(add("phase", phase(decision.verdict).to_owned()));
        operations.push(add("finishedAt", seconds(at)));
        operations.push(add("message", message(decision)));
    }
    Value::Array(operations)
}

fn end_node(nodes: &mut Map<String, Value>, id: &str, decision: &Decision, at: Timestamp) {
    if let Some(node) = nodes.get_mut(id).and_then(Value::as_object_mut) {
        node.insert("phase".to_owned(), phase(decision.verdict).into());
        node.insert("finishedAt".to_owned(), seconds(at).into());
        node.insert("message".to_owned(), message(decision).into());
    }
}

fn phase(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => NodePhase::Succeeded.as_str(),
        Verdict::Rejected => NodePhase::Failed.as_str(),
    }
}

/// Writes a time as Argo does.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn message(decision: &Decision) -> String {
    let Decision { verdict, by, reason } = decision;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} by {by}{reason}", verdict.as_str())
}

/// Records a decision; with `in_advance` in such a way that the gate will not wait.
async fn record(
    server: &Server,
    run: &Run,
    gate: &str,
    decision: &Decision,
    in_advance: bool,
) -> Result<(), BackendError> {
    let entry = DecisionRecord::new(decision, Some(&run.uid), server.now());
    let mut data = Map::new();
    data.insert(record_key(gate), entry.text().into());
    if in_advance {
        data.insert(gate.to_owned(), decision.verdict.as_str().into());
    }
    let name = decisions::map_name(&run.name);
    let patch = json!({ "data": data });
    match server.merge(ObjectKind::ConfigMap, &name, &patch).await {
        Err(Fault::NotFound { .. }) => {
            let map = objects::decisions(&run.name, &run.uid, &data);
            server.create(ObjectKind::ConfigMap, &map).await?;
        }
        written => {
            written?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verdict: Verdict) -> Decision {
        Decision { verdict, by: "ann".to_owned(), reason: Some("looked".to_owned()) }
    }

    fn noon() -> Timestamp {
        "2026-11-20T12:00:00.123Z".parse().expect("a time")
    }

    #[test]
    fn a_node_is_ended_only_while_it_waits() {
        let expected = json!([
            { "op": "test", "path": "/status/nodes/w-1/phase", "value": "Running" },
            { "op": "add", "path": "/status/nodes/w-1/phase", "value": "Succeeded" },
            { "op": "add", "path": "/status/nodes/w-1/finishedAt", "value": "2026-11-20T12:00:00Z" },
            { "op": "add", "path": "/status/nodes/w-1/message", "value": "approved by ann: looked" },
        ]);
        let waiting = ["w-1".to_owned()];
        assert_eq!(operations(&waiting, &decision(Verdict::Approved), noon()), expected);
    }

    #[test]
    fn a_packed_node_gets_the_same() {
        let mut nodes = Map::new();
        nodes.insert("w-1".to_owned(), json!({ "phase": "Running", "type": "Suspend" }));
        end_node(&mut nodes, "w-1", &decision(Verdict::Rejected), noon());
        let expected = json!({
            "type": "Suspend", "phase": "Failed", "finishedAt": "2026-11-20T12:00:00Z",
            "message": "rejected by ann: looked",
        });
        assert_eq!(nodes["w-1"], expected);
    }
}
