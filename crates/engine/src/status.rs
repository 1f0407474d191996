//! What does a run look like from outside? Its state as Argo's status.

use std::collections::BTreeMap;

use argo::{Inputs, NodeStatus, Parameter, WorkflowStatus};
use contract::time::whole_seconds;
use jiff::Timestamp;

use crate::{journal::NodeProgress, node::Node, state::RunState};

/// Returns the status of a run.
pub(crate) fn workflow_status(
    state: &RunState,
    reports: &BTreeMap<String, NodeProgress>,
) -> WorkflowStatus {
    let nodes = state
        .nodes
        .values()
        .map(|node| (node.id.clone(), node_status(node, reports.get(&node.id))))
        .collect();
    WorkflowStatus {
        phase: state.phase,
        started_at: state.started_at.map(time_text),
        finished_at: state.finished_at.map(time_text),
        message: state.message.clone(),
        nodes,
    }
}

/// Writes a time as Argo does: RFC 3339, UTC, whole seconds.
pub(crate) fn time_text(time: Timestamp) -> String {
    whole_seconds(time).to_string()
}

fn node_status(node: &Node, report: Option<&NodeProgress>) -> NodeStatus {
    let parameters: Vec<Parameter> =
        node.inputs.iter().map(|(name, value)| Parameter::new(name, value)).collect();
    let has_outputs = !node.outputs.parameters.is_empty()
        || node.outputs.result.is_some()
        || node.outputs.exit_code.is_some();
    NodeStatus {
        id: node.id.clone(),
        name: node.name.clone(),
        display_name: node.display_name.clone(),
        kind: node.kind,
        phase: node.phase,
        template_name: (!node.template.is_empty()).then(|| node.template.clone()),
        boundary_id: node.boundary.clone(),
        children: node.children.clone(),
        started_at: Some(time_text(node.started_at)),
        finished_at: node.finished_at.map(time_text),
        message: node.message.clone(),
        progress: report.and_then(|report| report.count.clone()),
        inputs: (!parameters.is_empty()).then_some(Inputs { parameters }),
        outputs: has_outputs.then(|| node.outputs.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_that_have_passed() {
        let time: Timestamp = "2026-11-20T10:00:59.999999999Z".parse().expect("a time");
        assert_eq!(time_text(time), "2026-11-20T10:00:59Z");
    }
}
