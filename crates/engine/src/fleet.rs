//! Which Jobs has a run, and how many workers does each have?

use std::collections::BTreeMap;

use argo::NodePhase;

use crate::{
    job,
    node::{Node, Pause, Work},
    state::RunState,
};

/// A Job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// The node's id, as [`crate::Store::change_job`] takes it.
    pub node: String,
    /// The node's display name.
    pub display_name: String,
    /// How far the node is.
    pub phase: NodePhase,
    /// Labels of its workers.
    pub labels: BTreeMap<String, String>,
    /// How many workers there should be.
    pub parallelism: u32,
    /// How many run.
    pub active: u32,
    /// How many ended well.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// Whether it is paused.
    pub pause: Pause,
}

/// Returns the Jobs of a run, those made first before the others.
pub(crate) fn fleets(state: &RunState) -> Vec<Fleet> {
    let mut nodes: Vec<&Node> = state.nodes.values().collect();
    nodes.sort_by_key(|node| (node.started_at, &node.name));
    nodes.into_iter().filter_map(fleet).collect()
}

fn fleet(node: &Node) -> Option<Fleet> {
    let Work::Job { manifest, .. } = &node.pod.as_ref()?.work else { return None };
    let plan = job::read(manifest).ok()?;
    Some(Fleet {
        node: node.id.clone(),
        display_name: node.display_name.clone(),
        phase: node.phase,
        labels: plan.labels,
        parallelism: node.job.parallelism.unwrap_or(plan.parallelism),
        active: u32::try_from(node.processes.len()).unwrap_or(u32::MAX),
        succeeded: node.job.succeeded,
        failed: node.job.failed,
        pause: node.job.pause,
    })
}
