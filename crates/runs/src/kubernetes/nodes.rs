//! Where does Argo keep the nodes of a run, and what do they say?
//!
//! ```text
//! status.nodes                      a map, as long as the Workflow is below 1 MB
//! status.compressedNodes            base64 of gzip of that map, above it
//! status.offloadNodeStatusVersion   set: the map is in a database, and only Argo's server reads it
//! ```

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use argo::{NodePhase, NodeStatus, UnknownPhase, WorkflowStatus};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{error::UnpackError, server::text};
use crate::run::Run;

/// The most bytes that compressed nodes may become.
const MAX_BYTES: u64 = 256 << 20;
/// The types of nodes that are shown as they are; any other one is a pod to the tree.
const KNOWN_TYPES: [&str; 8] =
    ["Pod", "StepGroup", "Steps", "DAG", "TaskGroup", "Retry", "Skipped", "Suspend"];

/// Where the nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeStorage {
    /// In the object.
    Plain,
    /// In the object, compressed.
    Compressed,
    /// In Argo's database.
    Offloaded,
}

/// Returns where the nodes of a workflow are.
pub(super) fn storage(workflow: &Value) -> NodeStorage {
    if !text(workflow, "/status/offloadNodeStatusVersion").is_empty() {
        return NodeStorage::Offloaded;
    }
    let packed = text(workflow, "/status/compressedNodes");
    if packed.is_empty() { NodeStorage::Plain } else { NodeStorage::Compressed }
}

/// Returns the nodes of a workflow by id, as Argo wrote them.
pub(super) fn nodes(workflow: &Value) -> Result<Map<String, Value>, UnpackError> {
    match storage(workflow) {
        NodeStorage::Offloaded => Ok(Map::new()),
        NodeStorage::Compressed => unpack(text(workflow, "/status/compressedNodes")),
        NodeStorage::Plain => {
            let nodes = workflow.pointer("/status/nodes").and_then(Value::as_object);
            Ok(nodes.cloned().unwrap_or_default())
        }
    }
}

fn unpack(packed: &str) -> Result<Map<String, Value>, UnpackError> {
    let bytes = STANDARD.decode(packed)?;
    let mut json = Vec::new();
    GzDecoder::new(bytes.as_slice()).take(MAX_BYTES).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Packs nodes as Argo does.
pub(super) fn pack(nodes: &Map<String, Value>) -> Result<String, UnpackError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(nodes)?)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// Reads the status of a workflow with its nodes.
pub(super) fn status(
    workflow: &Value,
    nodes: &Map<String, Value>,
) -> Result<WorkflowStatus, UnknownPhase> {
    let some = |pointer: &str| {
        let found = text(workflow, pointer);
        (!found.is_empty()).then(|| found.to_owned())
    };
    let phase = phase(workflow)?;
    let nodes = nodes
        .iter()
        .filter_map(|(id, value)| {
            let node = node(value).transpose()?;
            Some(node.map(|node| (id.clone(), ended(node, phase))))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(WorkflowStatus {
        phase,
        started_at: some("/status/startedAt"),
        finished_at: some("/status/finishedAt"),
        message: some("/status/message"),
        nodes,
    })
}

/// Returns how far a workflow is.
pub(super) fn phase(workflow: &Value) -> Result<NodePhase, UnknownPhase> {
    text(workflow, "/status/phase").parse()
}

/// Returns the run that a Workflow is.
pub(super) fn run_of(workflow: &Value) -> Result<Run, UnknownPhase> {
    let phase = phase(workflow)?;
    let created = text(workflow, "/metadata/creationTimestamp");
    Ok(Run {
        name: text(workflow, "/metadata/name").to_owned(),
        uid: text(workflow, "/metadata/uid").to_owned(),
        created_at: created.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        phase,
        is_complete: phase.is_complete(),
    })
}

/// Argo leaves what it did not finish as it was when it ends a run; nothing of that still runs.
fn ended(node: NodeStatus, run: NodePhase) -> NodeStatus {
    if !run.is_complete() || node.phase.is_complete() {
        return node;
    }
    let message = node.message.or_else(|| Some("the workflow ended before it did".to_owned()));
    NodeStatus { phase: NodePhase::Failed, message, ..node }
}

/// Reads a node; there is none where Argo wrote something that is no node at all.
fn node(value: &Value) -> Result<Option<NodeStatus>, UnknownPhase> {
    let Some(mut fields) = value.as_object().cloned() else { return Ok(None) };
    text(value, "/phase").parse::<NodePhase>()?;
    for part in ["inputs", "outputs"] {
        if let Some(values) = fields.get_mut(part) {
            *values = json!({ "parameters": parameters(values) });
        }
    }
    let is_known =
        fields.get("type").and_then(Value::as_str).is_some_and(|word| KNOWN_TYPES.contains(&word));
    if !is_known {
        fields.insert("type".to_owned(), "Pod".into());
    }
    Ok(serde_json::from_value(Value::Object(fields)).ok())
}

/// Returns the names and values of a node's parameters: the rest, artifacts among it, may hold what
/// this version does not know.
fn parameters(values: &Value) -> Vec<Value> {
    let all = values.get("parameters").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .map(|parameter| json!({ "name": parameter["name"], "value": parameter["value"] }))
        .collect()
}

#[cfg(test)]
mod tests {
    use argo::{NodeType, Parameter};

    use super::*;

    fn some_nodes() -> Map<String, Value> {
        let node = json!({
            "id": "w-1", "name": "w.a", "displayName": "a", "type": "HTTP", "phase": "Running",
            "startedAt": "2026-11-20T10:00:00Z", "finishedAt": null,
            "inputs": { "artifacts": [{ "name": "x" }] },
            "outputs": {
                "exitCode": "0", "artifacts": [{ "name": "main-logs" }],
                "parameters": [{
                    "name": "answer", "value": "{}", "valueFrom": { "path": "/answer", "new": 1 },
                }],
            },
            "templateScope": "local/w", "progress": "0/1",
        });
        Map::from_iter([("w-1".to_owned(), node)])
    }

    #[test]
    fn packed_nodes_are_read_like_plain_ones() {
        let plain = json!({ "status": { "phase": "Running", "nodes": some_nodes() } });
        let packed = pack(&some_nodes()).expect("packed");
        let packed = json!({ "status": { "phase": "Running", "compressedNodes": packed } });
        assert_eq!(
            (storage(&plain), storage(&packed)),
            (NodeStorage::Plain, NodeStorage::Compressed)
        );
        for workflow in [&plain, &packed] {
            let nodes = nodes(workflow).expect("nodes");
            assert_eq!(nodes, some_nodes());
            let status = status(workflow, &nodes).expect("a status");
            assert_eq!(status.phase, NodePhase::Running);
            assert_eq!(status.nodes["w-1"].kind, NodeType::Pod);
            assert_eq!(status.nodes["w-1"].finished_at, None);
            let outputs = status.nodes["w-1"].outputs.as_ref().expect("outputs");
            assert_eq!(outputs.parameters, [Parameter::new("answer", "{}")]);
        }
    }

    #[test]
    fn in_a_run_that_ended_nothing_runs() {
        let workflow = json!({ "status": { "phase": "Failed" } });
        let status = status(&workflow, &some_nodes()).expect("a status");
        assert_eq!(status.nodes["w-1"].phase, NodePhase::Failed);
        assert!(status.nodes["w-1"].message.is_some());
    }

    #[test]
    fn a_phase_that_is_not_known_is_an_error() {
        let workflow = json!({ "status": { "phase": "Paused" } });
        assert!(status(&workflow, &some_nodes()).is_err());
        let mut nodes = some_nodes();
        nodes["w-1"]["phase"] = json!("Paused");
        let error = status(&json!({}), &nodes).expect_err("an unknown phase");
        assert!(error.to_string().contains("`Paused`"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_nodes_are_errors() {
        for packed in ["%%%", "aGVsbG8=", &STANDARD.encode([0x1f, 0x8b, 8])] {
            let workflow = json!({ "status": { "compressedNodes": packed } });
            assert!(nodes(&workflow).is_err(), "{packed}");
        }
    }

    #[test]
    fn a_status_in_a_database_has_no_nodes_here() {
        let workflow = json!({ "status": { "offloadNodeStatusVersion": "fnv:1" } });
        assert_eq!(storage(&workflow), NodeStorage::Offloaded);
        assert_eq!(nodes(&workflow).expect("nodes"), Map::new());
    }
}
