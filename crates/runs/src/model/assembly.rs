//! From a tree to the list of nodes, each with what is shown of it.

use std::{collections::BTreeMap, ops::Bound};

use argo::{NodePhase, NodeStatus, NodeType};

use super::{
    node::{NodeState, NodeValue, RunNode, StepCounts},
    observation::{Observation, time},
    plain::plain,
    tree::Branch,
};
use crate::{
    commands::workflow_flag,
    gates::{Gate, GateState},
    logs::is_at_or_below,
    run::Run,
};

/// Makes the nodes, each before the nodes below it. The first one is the workflow.
pub(super) fn nodes(
    run: &Run,
    phase: NodePhase,
    next_command: &str,
    observation: &Observation,
    branches: &[Branch],
) -> Vec<RunNode> {
    let Observation { status, gates, .. } = observation;
    let by_name = status.nodes.values().map(|node| (node.name.as_str(), node)).collect();
    let root = RunNode {
        name: run.name.clone(),
        display_name: run.name.clone(),
        kind: NodeType::Dag,
        phase,
        state: NodeState::of(NodeType::Dag, phase),
        message: status.message.as_deref().map(plain),
        started_at: time(status.started_at.as_ref()),
        finished_at: time(status.finished_at.as_ref()),
        commands: vec![next_command.to_owned()],
        subtree_end: 1,
        ..RunNode::default()
    };
    let mut assembly = Assembly { workflow: &run.name, gates, by_name, nodes: vec![root] };
    for branch in branches {
        assembly.push(branch, 1, 0);
    }
    count(&mut assembly.nodes);
    assembly.nodes
}

struct Assembly<'a> {
    workflow: &'a str,
    gates: &'a [Gate],
    by_name: BTreeMap<&'a str, &'a NodeStatus>,
    nodes: Vec<RunNode>,
}

impl Assembly<'_> {
    fn push(&mut self, branch: &Branch, depth: usize, parent: usize) {
        let position = self.nodes.len();
        let node = self.by_name.get(branch.name.as_str()).copied();
        let (requests, outputs) = self.values(branch);
        self.nodes.push(RunNode {
            name: branch.name.clone(),
            display_name: plain(&branch.title),
            kind: branch.kind,
            phase: branch.phase,
            state: NodeState::of(branch.kind, branch.phase),
            message: branch.message.as_deref().map(plain),
            waiting: branch.waiting.clone(),
            progress: branch.progress.clone(),
            retries: branch.retries,
            started_at: node.and_then(|node| time(node.started_at.as_ref())),
            finished_at: node.and_then(|node| time(node.finished_at.as_ref())),
            commands: self.commands(branch, node),
            depth,
            parent: Some(parent),
            subtree_end: position + 1,
            counts: StepCounts::default(),
            requests,
            outputs,
        });
        for below in &branch.branches {
            self.push(below, depth + 1, position);
        }
        let end = self.nodes.len();
        for above in [position, 0] {
            if let Some(node) = self.nodes.get_mut(above) {
                node.subtree_end = end;
            }
        }
    }

    /// Returns what a step was given and what it returned, with the processes that it consists of.
    /// The attempts of one process have the same request and mostly the same answer, so equal values
    /// are listed once.
    fn values(&self, branch: &Branch) -> (Vec<NodeValue>, Vec<NodeValue>) {
        let (mut requests, mut outputs) = (Vec::new(), Vec::new());
        if !branch.branches.is_empty() {
            return (requests, outputs);
        }
        let name = branch.name.as_str();
        let nodes = self
            .by_name
            .range::<str, _>((Bound::Included(name), Bound::Unbounded))
            .take_while(|(other, _)| other.starts_with(name))
            .filter(|(other, _)| is_at_or_below(name, other));
        for (other, node) in nodes {
            let process = (*other != name).then(|| plain(&node.display_name));
            let add = |values: &mut Vec<NodeValue>, parameter: &argo::Parameter, process| {
                let Some(value) = parameter.value.as_ref().filter(|value| !value.is_empty()) else {
                    return;
                };
                if !values.iter().any(|known| known.value == *value) {
                    let name = plain(&parameter.name);
                    values.push(NodeValue { name, process, value: value.clone() });
                }
            };
            for parameter in node.inputs.iter().flat_map(|inputs| &inputs.parameters) {
                if parameter.name == "request" {
                    add(&mut requests, parameter, process.clone());
                }
            }
            // A step that was tried again is one process, whichever attempt returned the value.
            let process = process.filter(|_| branch.retries == 0);
            for parameter in node.outputs.iter().flat_map(|outputs| &outputs.parameters) {
                add(&mut outputs, parameter, process.clone());
            }
        }
        (requests, outputs)
    }

    fn commands(&self, branch: &Branch, node: Option<&NodeStatus>) -> Vec<String> {
        let flag = workflow_flag(self.workflow);
        let is_this = |gate: &&Gate| branch.kind == NodeType::Suspend && gate.name == branch.title;
        if let Some(gate) = self.gates.iter().find(is_this) {
            return match gate.state {
                GateState::Waiting => ["approve", "reject"]
                    .map(|verb| format!("workflow {verb} step {}{flag}", gate.name))
                    .to_vec(),
                GateState::Pending => {
                    vec![format!("workflow approve step {} --pre-approve{flag}", gate.name)]
                }
                _ => Vec::new(),
            };
        }
        let mut commands = Vec::new();
        let inputs = node.and_then(|node| node.inputs.as_ref());
        let input = |name: &str| {
            let parameters = inputs.iter().flat_map(|inputs| &inputs.parameters);
            let mut values = parameters.filter(|input| input.name == name);
            values.find_map(|input| input.value.as_deref()).filter(|value| !value.is_empty())
        };
        if let Some(task) = input("task") {
            let group = input("group").map(|group| format!(" --label group={group}"));
            let group = group.unwrap_or_default();
            commands.push(format!("workflow log filter --task {task}{group}{flag}"));
        }
        if branch.phase.is_failure() && branch.branches.is_empty() {
            commands.push(format!("workflow resume {}", self.workflow));
        }
        commands
    }
}

/// Counts the steps and gates below each node.
fn count(nodes: &mut [RunNode]) {
    for position in 0..nodes.len() {
        let Some(node) = nodes.get(position) else { continue };
        if position == 0 || !node.is_leaf(position) {
            continue;
        }
        let (state, mut above) = (node.state, node.parent);
        while let Some(parent) = above.and_then(|above| nodes.get_mut(above)) {
            parent.counts.add(state);
            above = parent.parent;
        }
    }
}
