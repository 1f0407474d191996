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
//! A node that `when` skipped goes too: it did nothing, and the condition may be another now. A
//! DAG or steps template whose annotation says that it is tried again whole goes with everything
//! in it, for its later steps go on from what the first ones write.

use std::collections::{BTreeMap, BTreeSet};

use argo::{NodePhase, NodeType};

use crate::{
    node::{Attempt, Node, Part},
    program::Program,
    state::{Reopening, RunState},
};

/// The annotation of a template that says how a failed run goes on with it.
const RETRY: &str = "argosy.dev/retry";
/// Its only value: nothing in it stays.
const WHOLE: &str = "whole";

/// Decides what a run needs to be gone on with after it failed.
pub(crate) fn plan<'a>(program: &'a Program, state: &'a RunState) -> Reopening {
    let mut members: BTreeMap<Option<&str>, Vec<&Node>> = BTreeMap::new();
    for node in state.nodes.values() {
        members.entry(node.boundary.as_deref()).or_default().push(node);
    }
    let whole = program
        .templates
        .iter()
        .map(|callable| &callable.template)
        .filter(|template| {
            let annotations = template.metadata.as_ref().map(|metadata| &metadata.annotations);
            annotations.and_then(|found| found.get(RETRY)).is_some_and(|word| word == WHOLE)
        })
        .map(|template| template.name.as_str())
        .collect();
    let mut plan =
        Plan { state, whole, members, removed: BTreeSet::new(), revived: BTreeSet::new() };
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
        .filter(|node| {
            let boundary = node.boundary.as_ref();
            boundary.is_none_or(|boundary| !reopening.removed.contains(boundary))
        })
        .collect();
    if failed.iter().any(|node| node.part == Part::Main) {
        failed.retain(|node| node.part == Part::Main);
    }
    failed.sort_by_key(|node| (node.started_at, &node.name));
    failed.into_iter().map(|node| node.display_name.clone()).collect()
}

struct Plan<'a> {
    state: &'a RunState,
    /// The names of the templates that are tried again whole.
    whole: BTreeSet<&'a str>,
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
            let is_over = node.phase == NodePhase::Succeeded || settled.contains(node.id.as_str());
            // A try goes or stays with its retry node.
            if !is_over && node.attempt == Attempt::Only && node.part == Part::Main {
                self.decide(node);
            }
        }
    }

    fn decide(&mut self, node: &'a Node) {
        match node.kind {
            NodeType::Dag | NodeType::Steps if self.whole.contains(node.template.as_str()) => {
                self.remove_whole(node);
            }
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
        let tries: Vec<&Node> = node.children.iter().filter_map(|id| state.nodes.get(id)).collect();
        match tries.last() {
            Some(last)
                if matches!(last.kind, NodeType::Dag | NodeType::Steps)
                    && !self.whole.contains(last.template.as_str()) =>
            {
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

#[cfg(test)]
mod tests {
    use argo::yaml;

    use super::*;
    use crate::{
        operate::operate,
        state::{ConfigMapKey, Entry, GateAnswer, RunIdentity, Shutdown, Verdict},
    };

    const WORKFLOW: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  entrypoint: main
  onExit: run
  templates:
    - name: run
      container: {image: sh, command: ["true"]}
    - {name: tried, retryStrategy: {limit: "1"}, container: {image: sh, command: ["true"]}}
    - {name: again, retryStrategy: {limit: "1"}, dag: {tasks: [{name: x, template: run}, {name: y, template: run}]}}
    - name: main
      dag:
        tasks:
          - {name: a, template: run}
          - {name: b, template: tried}
          - {name: c, template: groups}
          - {name: d, template: again}
          - {name: e, template: run, depends: b}
          - {name: f, template: run, depends: b.Failed}
    - name: groups
      steps:
        - - {name: kept, template: run}
          - {name: tolerated, template: run, continueOn: {failed: true}}
        - - {name: failing, template: run}
          - {name: fine, template: run}
"#;

    /// Runs it with pods that end at once: those of these display names fail.
    fn run(program: &Program, state: &mut RunState, failing: &[&str]) -> Vec<Entry> {
        let at = state.identity.created_at;
        let mut entries = operate(program, state, at).entries;
        while !state.is_complete() {
            let open = state.nodes.values().find(|node| node.pod.is_some() && !node.is_fulfilled());
            let open = open.expect("something runs");
            let fails = failing.contains(&open.display_name.as_str());
            let phase = if fails { NodePhase::Failed } else { NodePhase::Succeeded };
            let entry = Entry::PhaseChanged { node: open.id.clone(), phase, message: None, at };
            state.apply(&entry);
            entries.push(entry);
            entries.extend(operate(program, state, at).entries);
        }
        entries
    }

    fn begin() -> (Program, RunState) {
        let value = yaml::read_value(WORKFLOW).expect("YAML");
        let manifests = crate::read::read(&[value]).expect("manifests");
        let created_at = "2026-11-20T10:00:00Z".parse().expect("a time");
        let identity = RunIdentity { name: "w".to_owned(), uid: "u1".to_owned(), created_at };
        (crate::program::check(&manifests).expect("a program"), RunState::new(identity))
    }

    fn names<'a>(state: &'a RunState, ids: &BTreeSet<String>) -> Vec<&'a str> {
        let mut names: Vec<&str> = ids.iter().map(|id| state.nodes[id].name.as_str()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_did_not_succeed_goes_and_what_holds_the_rest_runs_again() {
        let (program, mut state) = begin();
        run(&program, &mut state, &["b(0)", "b(1)", "tolerated", "failing", "y"]);
        assert_eq!(state.phase, NodePhase::Failed);
        let nodes = plan(&program, &state);
        let removed = ["w.b", "w.b(0)", "w.b(1)", "w.c[1].failing", "w.d(1).y", "w.e", "w.onExit"];
        assert_eq!(names(&state, &nodes.removed), removed);
        assert_eq!(names(&state, &nodes.revived), ["w", "w.c", "w.c[1]", "w.d", "w.d(1)"]);
        assert_eq!(tried_again(&state, &nodes), ["b", "failing", "y"]);

        let entry = Entry::RunReopened { nodes, at: state.identity.created_at };
        state.apply(&entry);
        let made: Vec<String> = run(&program, &mut state, &[])
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::NodeCreated { node } if node.pod.is_some() => Some(node.name),
                _ => None,
            })
            .collect();
        assert_eq!(made, ["w.b(0)", "w.c[1].failing", "w.d(1).y", "w.e", "w.onExit"]);
        assert_eq!(state.phase, NodePhase::Succeeded);
    }

    #[test]
    fn of_a_run_whose_exit_handler_failed_only_that_is_tried_again() {
        let (program, mut state) = begin();
        run(&program, &mut state, &["w.onExit"]);
        assert_eq!(state.phase, NodePhase::Failed);
        let nodes = plan(&program, &state);
        assert_eq!((names(&state, &nodes.removed), nodes.revived.len()), (vec!["w.onExit"], 0));
        assert_eq!(tried_again(&state, &nodes), ["w.onExit"]);
    }

    #[test]
    fn rejections_and_the_wish_to_end_are_forgotten_and_approvals_are_not() {
        let (program, mut state) = begin();
        let at = state.identity.created_at;
        let key = |key: &str| ConfigMapKey { name: "m".to_owned(), key: key.to_owned() };
        for (gate, verdict) in [("yes", Verdict::Approved), ("no", Verdict::Rejected)] {
            let answer = GateAnswer { verdict, by: "ann".to_owned(), at, reason: None };
            let (gate, entry) = (gate.to_owned(), Some(key(gate)));
            state.apply(&Entry::GateAnswered { gate, answer, nodes: Vec::new(), entry });
        }
        state.apply(&Entry::ShutdownRequested { shutdown: Shutdown::Stop, at });
        let (phase, message) = (NodePhase::Failed, Some("stopped".to_owned()));
        state.apply(&Entry::RunEnded { phase, message, at });
        state.apply(&Entry::RunReopened { nodes: plan(&program, &state), at });
        assert_eq!(state.answers.keys().collect::<Vec<_>>(), ["yes"]);
        assert_eq!(state.config_map_entries.keys().collect::<Vec<_>>(), [&key("yes")]);
        assert_eq!((state.shutdown, state.phase), (None, NodePhase::Running));
        assert_eq!((state.message, state.finished_at), (None, None));
    }
}
