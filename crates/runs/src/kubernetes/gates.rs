//! Which gates does a run on a cluster have, and which state is each in?
//!
//! The nodes say whether a gate waits, and the ConfigMap of decisions who decided:
//!
//! ```text
//! data:
//!   metadata-evaluated-a-b: approved            approved in advance: Argo reads this
//!   metadata-evaluated-a-b.answer: '{"run": ..., "verdict": "approved", "by": ..., "at": ...}'
//! ```

use std::collections::BTreeMap;

use argo::{
    NodePhase, NodeStatus, NodeType, WorkflowStatus,
    convention::decisions::{APPROVED, REJECTED},
};
use contract::time::whole_seconds;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    gates::{Decision, Gate, GateState},
    model::{GatePlace, Outline},
};

/// A decision, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DecisionRecord {
    /// The uid of the run; absent if the decision was made before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// `approved` or `rejected`.
    verdict: String,
    /// Who decided.
    by: String,
    /// When.
    at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl DecisionRecord {
    /// Makes the record of a decision.
    pub(super) fn new(decision: &Decision, run: Option<&str>, at: Timestamp) -> Self {
        Self {
            run: run.map(str::to_owned),
            verdict: decision.verdict.as_str().to_owned(),
            by: decision.by.clone(),
            at,
            reason: decision.reason.clone(),
        }
    }

    /// Returns the text of the entry.
    pub(super) fn text(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// Returns the key of the record of a gate.
pub(super) fn record_key(gate: &str) -> String {
    format!("{gate}.answer")
}

/// Everything that says something about the gates of a run.
pub(super) struct GateSources<'a> {
    /// The uid of the run.
    pub(super) run: &'a str,
    /// The tasks and gates of the manifests.
    pub(super) outline: &'a Outline,
    /// Phases and nodes.
    pub(super) status: &'a WorkflowStatus,
    /// The entries of the ConfigMap.
    pub(super) decisions: &'a BTreeMap<String, String>,
    /// Whether the run was asked to end: what still waits is about to be ended.
    pub(super) is_ending: bool,
}

/// Returns the gates of a run, in the order in which the tree shows them.
pub(super) fn gates(known: &GateSources<'_>) -> Vec<Gate> {
    let mut places = known.outline.gates();
    // A workflow that was not compiled here can have gates too.
    let mut others: Vec<&NodeStatus> = known
        .status
        .nodes
        .values()
        .filter(|node| node.kind == NodeType::Suspend)
        .filter(|node| !places.iter().any(|place| place.name == node.display_name))
        .collect();
    others.sort_by_key(|node| (&node.started_at, &node.name));
    places.extend(
        others
            .into_iter()
            .map(|node| GatePlace { name: node.display_name.clone(), callers: Vec::new() }),
    );
    places.iter().map(|place| known.gate(place)).collect()
}

/// Returns the ids of the nodes that wait at a gate.
pub(super) fn waiting_nodes(status: &WorkflowStatus, gate: &str) -> Vec<String> {
    let waits = |node: &&NodeStatus| {
        node.kind == NodeType::Suspend
            && node.display_name == gate
            && node.phase == NodePhase::Running
    };
    status.nodes.values().filter(waits).map(|node| node.id.clone()).collect()
}

impl GateSources<'_> {
    fn gate(&self, place: &GatePlace) -> Gate {
        let name = &place.name;
        let record = self.record(name);
        let gate =
            |state: GateState, record: Option<&DecisionRecord>, node: Option<&NodeStatus>| Gate {
                name: name.clone(),
                state,
                by: record.map(|record| record.by.clone()),
                at: record
                    .map(|record| whole_seconds(record.at))
                    .or_else(|| node?.finished_at.as_deref()?.parse().ok()),
                reason: match record {
                    Some(record) => record.reason.clone(),
                    None => node.and_then(|node| node.message.clone()),
                },
            };
        if !waiting_nodes(self.status, name).is_empty() {
            let state = if self.is_ending { GateState::Skipped } else { GateState::Waiting };
            return gate(state, None, None);
        }
        let node = self.status.nodes.values().find(|node| {
            node.display_name == *name && matches!(node.kind, NodeType::Suspend | NodeType::Skipped)
        });
        let says = |verdict: &str| record.as_ref().filter(|record| record.verdict == verdict);
        let in_advance = self.decisions.get(name).is_some_and(|word| word == APPROVED);
        if let Some(node) = node {
            // The record may be of a rejection after which the run was resumed.
            let was_rejected = match &node.message {
                Some(text) => text.starts_with(REJECTED),
                None => says(REJECTED).is_some(),
            };
            return match (node.kind, node.phase) {
                (NodeType::Suspend, NodePhase::Succeeded) => {
                    gate(GateState::Approved, says(APPROVED), Some(node))
                }
                (NodeType::Suspend, _) if was_rejected => {
                    gate(GateState::Rejected, says(REJECTED), Some(node))
                }
                (NodeType::Skipped, NodePhase::Skipped) if in_advance => {
                    let approved = gate(GateState::Approved, says(APPROVED), None);
                    in_advance_by_default(approved)
                }
                _ => gate(GateState::Skipped, None, Some(node)),
            };
        }
        if self.is_passed_over(place) {
            return gate(GateState::Skipped, None, None);
        }
        if in_advance {
            return in_advance_by_default(gate(GateState::Approved, says(APPROVED), None));
        }
        gate(GateState::Pending, None, None)
    }

    /// Returns the record of a gate, if it is about this run.
    fn record(&self, gate: &str) -> Option<DecisionRecord> {
        let record: DecisionRecord =
            serde_json::from_str(self.decisions.get(&record_key(gate))?).ok()?;
        record.run.as_deref().is_none_or(|run| run == self.run).then_some(record)
    }

    /// Returns whether the run ends before the gate, or left out the task that leads to it.
    fn is_passed_over(&self, place: &GatePlace) -> bool {
        let left_out = |node: &NodeStatus| {
            matches!(node.phase, NodePhase::Omitted | NodePhase::Skipped)
                && place.callers.contains(&node.name)
        };
        self.is_ending
            || self.status.phase.is_complete()
            || self.status.nodes.values().any(left_out)
    }
}

fn in_advance_by_default(gate: Gate) -> Gate {
    let reason = gate.reason.or_else(|| Some("approved in advance".to_owned()));
    Gate { reason, ..gate }
}

#[cfg(test)]
mod tests {
    use argo::{TemplateRef, convention::gate};
    use serde_json::json;

    use super::*;

    fn outline() -> Outline {
        let gate = |name: &str| {
            let wait = TemplateRef { name: "g".to_owned(), template: "wait".to_owned() };
            json!(gate::template(name, wait))
        };
        let tasks = json!([{ "name": "a", "template": "one" }, { "name": "b", "template": "two" }]);
        Outline::read(&[json!({
            "kind": "Workflow",
            "metadata": { "name": "w" },
            "spec": {
                "entrypoint": "main",
                "templates": [
                    { "name": "main", "dag": { "tasks": tasks } }, gate("two"), gate("one"),
                ],
            },
        })])
    }

    fn states(nodes: &[NodeStatus], decisions: &[(&str, &str)]) -> Vec<Gate> {
        states_of(nodes, decisions, false)
    }

    fn states_of(nodes: &[NodeStatus], decisions: &[(&str, &str)], is_ending: bool) -> Vec<Gate> {
        let status = WorkflowStatus {
            phase: NodePhase::Running,
            nodes: nodes.iter().map(|node| (node.id.clone(), node.clone())).collect(),
            ..WorkflowStatus::default()
        };
        let decisions: BTreeMap<String, String> =
            decisions.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let outline = outline();
        gates(&GateSources {
            run: "u",
            outline: &outline,
            status: &status,
            decisions: &decisions,
            is_ending,
        })
    }

    fn node(name: &str, kind: NodeType, phase: NodePhase, message: Option<&str>) -> NodeStatus {
        NodeStatus {
            id: format!("w-{name}"),
            name: format!("w.x[0].{name}"),
            display_name: name.to_owned(),
            kind,
            phase,
            message: message.map(str::to_owned),
            ..NodeStatus::default()
        }
    }

    fn brief(gates: &[Gate]) -> Vec<(&str, GateState, Option<&str>, Option<&str>)> {
        gates
            .iter()
            .map(|gate| {
                (gate.name.as_str(), gate.state, gate.by.as_deref(), gate.reason.as_deref())
            })
            .collect()
    }

    #[test]
    fn gates_come_in_the_order_of_the_tree() {
        let gates = states(&[node("one", NodeType::Suspend, NodePhase::Running, None)], &[]);
        assert_eq!(
            brief(&gates),
            [("one", GateState::Waiting, None, None), ("two", GateState::Pending, None, None)]
        );
    }

    #[test]
    fn a_run_that_was_asked_to_end_takes_no_answers() {
        let waiting = node("one", NodeType::Suspend, NodePhase::Running, None);
        let gates = states_of(&[waiting], &[], true);
        let skipped = |name| (name, GateState::Skipped, None, None);
        assert_eq!(brief(&gates), [skipped("one"), skipped("two")]);
    }

    #[test]
    fn who_answered_is_in_the_record_and_a_record_of_another_run_is_not() {
        let succeeded = node("one", NodeType::Suspend, NodePhase::Succeeded, Some("approved by x"));
        let record = |run: &str| {
            let record = json!({
                "run": run, "verdict": "approved", "by": "ann", "at": "2026-11-20T10:00:00Z",
                "reason": "looked",
            });
            record.to_string()
        };
        let mine = states(std::slice::from_ref(&succeeded), &[("one.answer", &record("u"))]);
        assert_eq!(brief(&mine)[0], ("one", GateState::Approved, Some("ann"), Some("looked")));
        let other = states(&[succeeded], &[("one.answer", &record("v"))]);
        assert_eq!(brief(&other)[0], ("one", GateState::Approved, None, Some("approved by x")));
    }

    #[test]
    fn a_gate_that_failed_was_rejected_or_the_run_was_stopped() {
        let rejected = node("one", NodeType::Suspend, NodePhase::Failed, Some("rejected by x: no"));
        let stopped =
            node("two", NodeType::Suspend, NodePhase::Failed, Some("StopReport with ..."));
        // It was rejected before the run was resumed and stopped.
        let record = json!({
            "run": "u", "verdict": "rejected", "by": "ann", "at": "2026-11-20T10:00:00Z",
        });
        let gates = states(&[rejected, stopped], &[("two.answer", &record.to_string())]);
        assert_eq!(
            brief(&gates),
            [
                ("one", GateState::Rejected, None, Some("rejected by x: no")),
                ("two", GateState::Skipped, None, Some("StopReport with ...")),
            ]
        );
    }

    #[test]
    fn an_answer_in_advance_holds_before_and_after_the_gate() {
        let before = states(&[], &[("two", "approved")]);
        assert_eq!(
            brief(&before)[1],
            ("two", GateState::Approved, None, Some("approved in advance"))
        );
        let skipped = node("two", NodeType::Skipped, NodePhase::Skipped, None);
        let after = states(&[skipped], &[("two", "approved")]);
        assert_eq!(before[1].state, after[1].state);
    }

    #[test]
    fn a_gate_behind_an_omitted_task_is_skipped_and_a_foreign_one_is_listed() {
        let mut omitted = node("a", NodeType::Steps, NodePhase::Omitted, None);
        omitted.name = "w.a".to_owned();
        let foreign = node("else", NodeType::Suspend, NodePhase::Running, None);
        let gates = states(&[omitted, foreign], &[]);
        assert_eq!(
            brief(&gates),
            [
                ("one", GateState::Skipped, None, None),
                ("two", GateState::Pending, None, None),
                ("else", GateState::Waiting, None, None),
            ]
        );
    }
}
