//! Which gates does a run have, and what is the state of each?

use argo::{NodePhase, NodeType, convention::decisions::Verdict};
use contract::{
    gate::{Gate, GateState},
    time::whole_seconds,
};

use crate::{
    node::Node,
    program::{GatePlace, Program},
    state::{ConfigMapKey, GateDecision, RunState},
};

/// Returns the gates of a run, in the order of its templates.
pub(crate) fn gates(program: &Program, state: &RunState) -> Vec<Gate> {
    program.gates().iter().map(|place| gate(program, place, state)).collect()
}

/// Returns the ids of the nodes that wait at a gate.
pub(crate) fn waiting_nodes(name: &str, state: &RunState) -> Vec<String> {
    suspended(name, state).map(|node| node.id.clone()).collect()
}

/// Returns the ConfigMap entry from which the gate reads a decision made in advance.
pub(crate) fn decision_entry(place: &GatePlace, state: &RunState) -> Option<ConfigMapKey> {
    let key = place.decision.as_ref()?;
    let own = |text: &str| text.replace("{{workflow.name}}", &state.identity.name);
    Some(ConfigMapKey { name: own(&key.name), key: own(&key.key) })
}

fn suspended<'a>(name: &'a str, state: &'a RunState) -> impl Iterator<Item = &'a Node> {
    state.nodes.values().filter(move |node| {
        node.kind == NodeType::Suspend && node.display_name == name && !node.is_fulfilled()
    })
}

fn gate(program: &Program, place: &GatePlace, state: &RunState) -> Gate {
    let name = place.name.clone();
    let decision = state.decisions.get(&name);
    let at_state =
        |state: GateState, decision: Option<&GateDecision>, reason: Option<String>| Gate {
            name: name.clone(),
            state,
            by: decision.map(|decision| decision.by.clone()),
            at: decision.map(|decision| whole_seconds(decision.at)),
            reason: decision.map_or(reason, |decision| decision.reason.clone()),
        };
    if suspended(&name, state).next().is_some() {
        return at_state(GateState::Waiting, None, None);
    }
    let node = state.nodes.values().find(|node| {
        node.display_name == name && matches!(node.kind, NodeType::Suspend | NodeType::Skipped)
    });
    let approved = decision.filter(|decision| decision.verdict == Verdict::Approved);
    if let Some(node) = node {
        let message = node.message.clone();
        return match (node.kind, node.phase) {
            (NodeType::Suspend, NodePhase::Succeeded) => {
                at_state(GateState::Approved, decision, message)
            }
            (NodeType::Suspend, _) if decision.is_some() => {
                at_state(GateState::Rejected, decision, message)
            }
            (NodeType::Skipped, NodePhase::Skipped)
                if is_approved_in_advance(program, place, state) =>
            {
                at_state(GateState::Approved, approved, Some("approved in advance".to_owned()))
            }
            _ => at_state(GateState::Skipped, None, message),
        };
    }
    if is_passed_over(place, state) {
        return at_state(GateState::Skipped, None, None);
    }
    if is_approved_in_advance(program, place, state) {
        return at_state(GateState::Approved, approved, Some("approved in advance".to_owned()));
    }
    at_state(GateState::Pending, None, None)
}

/// Returns whether the run ended before the gate, or omitted the task that leads to it.
fn is_passed_over(place: &GatePlace, state: &RunState) -> bool {
    let is_left_out = |node: &Node| {
        place.callers.contains(&node.display_name)
            && matches!(node.phase, NodePhase::Omitted | NodePhase::Skipped)
    };
    state.is_complete() || state.nodes.values().any(is_left_out)
}

fn is_approved_in_advance(program: &Program, place: &GatePlace, state: &RunState) -> bool {
    let entry = decision_entry(place, state);
    let written = entry.as_ref().and_then(|entry| program.config_map_entry(entry, state));
    written.is_some_and(|word| word == Verdict::Approved.as_str())
}
