//! A person's answer to a gate, on a cluster.
//!
//! The node is changed first, under a test that it still waits: that decides who of two was
//! first. Then the answer is written down in the ConfigMap of decisions; should that fail, the
//! node's message still says who and why. A gate that is not reached yet is answered in the
//! ConfigMap alone, and looked after for a moment: Argo may have read the old entry just before.

use std::time::Duration;

use argo::{NodePhase, convention::decisions};
use engine::{DecisionOutcome, Gate, GateState, Verdict};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    fault::Fault,
    gates::{self, Record, record_key},
    kind::Kind,
    nodes::{self, Kept},
    objects,
    server::{Server, text},
    sight::Seen,
};
use crate::backend::{Answer, Run};

/// How long a gate that was answered beforehand is looked after, and how often.
const AFTERCARE: (u32, Duration) = (5, Duration::from_millis(300));
/// Tries of a change that others may be faster at.
const TRIES: u32 = 8;

/// Answers a gate.
pub(super) async fn decide(
    server: &Server,
    run: &Run,
    gate: &str,
    answer: &Answer,
) -> anyhow::Result<DecisionOutcome> {
    for _ in 0..TRIES {
        let seen = Seen::look(server, run).await?;
        let Some(stands) = seen.gates().into_iter().find(|known| known.name == gate) else {
            return Ok(DecisionOutcome::Unknown);
        };
        match (stands.state, answer.verdict) {
            (GateState::Waiting, _) => {
                if resume(server, &seen, gate, answer).await? {
                    write_down(server, run, gate, answer, false).await?;
                    return Ok(DecisionOutcome::Recorded);
                }
            }
            (GateState::Pending, Verdict::Approved) => {
                write_down(server, run, gate, answer, true).await?;
                return look_after(server, run, gate, answer).await;
            }
            _ => return Ok(DecisionOutcome::NotWaiting(stands)),
        }
    }
    let seen = Seen::look(server, run).await?;
    let stands = seen.gates().into_iter().find(|known| known.name == gate);
    Ok(stands.map_or(DecisionOutcome::Unknown, DecisionOutcome::NotWaiting))
}

/// Waits until a gate that was answered in advance will surely not ask.
async fn look_after(
    server: &Server,
    run: &Run,
    gate: &str,
    answer: &Answer,
) -> anyhow::Result<DecisionOutcome> {
    let (looks, pause) = AFTERCARE;
    for _ in 0..looks {
        tokio::time::sleep(pause).await;
        let seen = Seen::look(server, run).await?;
        let is_waiting = |known: &Gate| known.name == gate && known.state == GateState::Waiting;
        if seen.gates().iter().any(is_waiting) && resume(server, &seen, gate, answer).await? {
            return Ok(DecisionOutcome::Recorded);
        }
    }
    Ok(DecisionOutcome::ApprovedInAdvance)
}

/// Ends the nodes that wait at a gate; returns whether they did wait.
async fn resume(server: &Server, seen: &Seen, gate: &str, answer: &Answer) -> anyhow::Result<bool> {
    let name = text(&seen.workflow, "/metadata/name");
    let waiting = gates::waiting_nodes(&seen.status, gate);
    let at = server.now();
    let done = match nodes::kept(&seen.workflow) {
        Kept::Plain => {
            let operations = operations(&waiting, answer, at);
            server.operate(Kind::Workflow, name, &operations).await
        }
        Kept::Packed => {
            let mut changed = seen.nodes.clone();
            for id in &waiting {
                end_node(&mut changed, id, answer, at);
            }
            let patch = json!({
                "metadata": { "resourceVersion": text(&seen.workflow, "/metadata/resourceVersion") },
                "status": { "compressedNodes": nodes::pack(&changed)? },
            });
            server.merge(Kind::Workflow, name, &patch).await
        }
        Kept::Elsewhere => return Ok(false),
    };
    match done {
        Ok(_) => Ok(true),
        // Somebody was faster; the next look says who.
        Err(Fault::Refused { .. } | Fault::Conflict { .. }) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Returns the operations that end nodes which wait.
fn operations(waiting: &[String], answer: &Answer, at: Timestamp) -> Value {
    let mut operations = Vec::new();
    for id in waiting {
        let path = |field: &str| format!("/status/nodes/{id}/{field}");
        let add = |field: &str, value: String| json!({ "op": "add", "path": path(field), "value": value });
        operations
            .push(json!({ "op": "test", "path": path("phase"), "value": NodePhase::Running }));
        operations.push(add("phase", phase(answer.verdict).to_owned()));
        operations.push(add("finishedAt", seconds(at)));
        operations.push(add("message", message(answer)));
    }
    Value::Array(operations)
}

fn end_node(nodes: &mut Map<String, Value>, id: &str, answer: &Answer, at: Timestamp) {
    if let Some(node) = nodes.get_mut(id).and_then(Value::as_object_mut) {
        node.insert("phase".to_owned(), phase(answer.verdict).into());
        node.insert("finishedAt".to_owned(), seconds(at).into());
        node.insert("message".to_owned(), message(answer).into());
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

fn message(answer: &Answer) -> String {
    let Answer { verdict, by, reason } = answer;
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} by {by}{reason}", verdict.as_str())
}

/// Writes an answer down; with `in_advance` so that the gate will not ask.
async fn write_down(
    server: &Server,
    run: &Run,
    gate: &str,
    answer: &Answer,
    in_advance: bool,
) -> anyhow::Result<()> {
    let record = Record::new(answer, Some(&run.uid), server.now());
    let mut data = Map::new();
    data.insert(record_key(gate), record.text().into());
    if in_advance {
        data.insert(gate.to_owned(), answer.verdict.as_str().into());
    }
    let name = decisions::map_name(&run.name);
    let patch = json!({ "data": data });
    match server.merge(Kind::ConfigMap, &name, &patch).await {
        Err(Fault::NotFound { .. }) => {
            let map = objects::decisions(&run.name, &run.uid, &data);
            server.create(Kind::ConfigMap, &map).await?;
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

    fn answer(verdict: Verdict) -> Answer {
        Answer { verdict, by: "ann".to_owned(), reason: Some("looked".to_owned()) }
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
        assert_eq!(operations(&waiting, &answer(Verdict::Approved), noon()), expected);
    }

    #[test]
    fn a_packed_node_gets_the_same() {
        let mut nodes = Map::new();
        nodes.insert("w-1".to_owned(), json!({ "phase": "Running", "type": "Suspend" }));
        end_node(&mut nodes, "w-1", &answer(Verdict::Rejected), noon());
        let expected = json!({
            "type": "Suspend", "phase": "Failed", "finishedAt": "2026-11-20T12:00:00Z",
            "message": "rejected by ann: looked",
        });
        assert_eq!(nodes["w-1"], expected);
    }
}
