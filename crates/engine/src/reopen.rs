//! What of a run that failed is tried again, and what stays?
//!
//! ```text
//!   w         DAG        Failed     Running again
//!   |-- a     Pod        Succeeded  stays
//!   |-- b     Retry      Failed     goes, with its tries; it is made again
//!   |-- c     Steps      Failed     Running again
//!   |   |-- [0]          Succeeded  stays, and what is in it
//!   |   `-- [1]          Failed     Running again
//!   |       `-- d  Pod   Failed     goes
//!   `-- e     Pod        Omitted    goes
//!   w.onExit  ...        any        goes, and what is in it
//! ```
//!
//! A node that `when` skipped goes too: it did nothing, and the condition may be another now.

use std::collections::{BTreeMap, BTreeSet};

use argo::{NodePhase, NodeType};

use crate::{
    node::{Attempt, Node, Part},
    state::{Reopening, RunState},
};

/// Decides what a run needs to be gone on with after it failed.
pub(crate) fn plan(state: &RunState) -> Reopening {
    let mut members: BTreeMap<Option<&str>, Vec<&Node>> = BTreeMap::new();
    for node in state.nodes.values() {
        members.entry(node.boundary.as_deref()).or_default().push(node);
    }
    let mut plan = Plan { state, members, removed: BTreeSet::new(), revived: BTreeSet::new() };
    plan.go_through(None);
    let exit = state.nodes.values().filter(|node| node.part == Part::Exit);
    plan.removed.extend(exit.map(|node| node.id.as_str()));
    let owned = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
    Reopening { removed: owned(plan.removed), revived: owned(plan.revived) }
}

/// Returns the display names of what failed and is tried again, in the order it was made.
pub(crate) fn tried_again(state: &RunState, reopening: &Reopening) -> Vec<String> {
    let mut failed: Vec<&Node> = reopening
        .removed
        .iter()
        .filter_map(|id| state.nodes.get(id))
        .filter(|node| node.phase.is_failure() && node.attempt == Attempt::Only)
        .collect();
    if failed.iter().any(|node| node.part == Part::Main) {
        failed.retain(|node| node.part == Part::Main);
    }
    failed.sort_by_key(|node| (node.started_at, &node.name));
    failed.into_iter().map(|node| node.display_name.clone()).collect()
}

struct Plan<'a> {
    state: &'a RunState,
    /// The nodes by the DAG or steps node that they belong to.
    members: BTreeMap<Option<&'a str>, Vec<&'a Node>>,
    removed: BTreeSet<&'a str>,
    revived: BTreeSet<&'a str>,
}

impl<'a> Plan<'a> {
    /// Decides about the members of a DAG or steps node that is Running again.
    fn go_through(&mut self, boundary: Option<&'a str>) {
        let members = self.members.get(&boundary).cloned().unwrap_or_default();
        // What a group tolerated when it succeeded is over.
        let settled: BTreeSet<&str> = members
            .iter()
            .filter(|node| is_group(node) && node.phase == NodePhase::Succeeded)
            .flat_map(|group| group.children.iter().map(String::as_str))
            .collect();
        for node in members {
            let is_over =
                node.phase == NodePhase::Succeeded || settled.contains(node.id.as_str());
            // A try goes or stays with its retry node.
            if !is_over && node.attempt == Attempt::Only && node.part == Part::Main {
                self.decide(node);
            }
        }
    }

    fn decide(&mut self, node: &'a Node) {
        match node.kind {
            NodeType::Dag | NodeType::Steps => {
                self.revived.insert(&node.id);
                self.go_through(Some(&node.id));
            }
            NodeType::StepGroup | NodeType::TaskGroup => {
                self.revived.insert(&node.id);
            }
            NodeType::Retry => self.decide_retry(node),
            NodeType::Pod | NodeType::Suspend | NodeType::Skipped => {
                self.removed.insert(&node.id);
            }
        }
    }

    /// The last try of a DAG or steps holds what succeeded in it, so it goes on; a try of a pod
    /// holds nothing, and the count begins anew.
    fn decide_retry(&mut self, node: &'a Node) {
        let state = self.state;
        let tries: Vec<&Node> =
            node.children.iter().filter_map(|id| state.nodes.get(id)).collect();
        match tries.last() {
            Some(last) if matches!(last.kind, NodeType::Dag | NodeType::Steps) => {
                self.revived.insert(&node.id);
                self.decide(last);
            }
            _ => {
                self.removed.insert(&node.id);
                for one in tries {
                    self.remove_whole(one);
                }
            }
        }
    }

    fn remove_whole(&mut self, node: &'a Node) {
        self.removed.insert(&node.id);
        for inner in self.members.get(&Some(node.id.as_str())).cloned().unwrap_or_default() {
            self.remove_whole(inner);
        }
    }
}

fn is_group(node: &Node) -> bool {
    matches!(node.kind, NodeType::StepGroup | NodeType::TaskGroup)
}
