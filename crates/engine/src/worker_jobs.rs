//! Which Jobs does a run have, and how many workers does each have?

use std::collections::BTreeMap;

use crate::{
    job,
    node::{Node, Work},
    state::RunState,
};

/// A Job of a run, whose pods are workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerJob {
    /// The node's display name.
    pub display_name: String,
    /// Labels of its workers.
    pub labels: BTreeMap<String, String>,
    /// How many workers run.
    pub active: u32,
}

/// Returns the Jobs of a run, in the order in which their nodes were created.
pub(crate) fn worker_jobs(state: &RunState) -> Vec<WorkerJob> {
    let mut nodes: Vec<&Node> = state.nodes.values().collect();
    nodes.sort_by_key(|node| (node.started_at, &node.name));
    nodes.into_iter().filter_map(worker_job).collect()
}

fn worker_job(node: &Node) -> Option<WorkerJob> {
    let Work::Job { manifest, .. } = &node.pod.as_ref()?.work else { return None };
    Some(WorkerJob {
        display_name: node.display_name.clone(),
        labels: job::read(manifest).ok()?.labels,
        active: u32::try_from(node.processes.len()).unwrap_or(u32::MAX),
    })
}
