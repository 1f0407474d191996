//! Which nodes of a failed run are run again when it is resumed, and which are kept?
//!
//! ```text
//!   w         DAG        Failed     Running again
//!   |-- a     Pod        Succeeded  kept
//!   |-- b     Retry      Failed     removed with its attempts; created again
//!   |-- c     Steps      Failed     Running again
//!   |   |-- [0]          Succeeded  kept, with everything in it
//!   |   `-- [1]          Failed     Running again
//!   |       `-- d  Pod   Failed     removed
//!   `-- e     Pod        Omitted    removed
//!   w.onExit  ...        any        removed, with everything in it
//! ```
//!
//! A node that `when` skipped is removed too: it did nothing, and the condition may have changed. A
//! DAG or steps template with the annotation [`WHOLE`] is removed with everything in it, because
//! its later steps read what the first ones write.
//!
//! The status is Argo's, so the same plan serves a run on a cluster: there, the removed nodes are
//! taken out of the Workflow's status, and the controller creates them again.

use std::collections::{BTreeMap, BTreeSet};

use argo::{NodePhase, NodeStatus, NodeType, WorkflowStatus, convention::resume::WHOLE};

use crate::{
    program::Program,
    state::{ResumePlan, RunState},
    status::workflow_status,
};

/// Plans how the failed run `workflow` is resumed; `whole` are the names of the templates that run
/// again as a whole. Also returns the display names of the failed nodes that run again, in the
/// order in which they began.
pub fn plan(
    status: &WorkflowStatus,
    workflow: &str,
    whole: &BTreeSet<String>,
) -> (ResumePlan, Vec<String>) {
    let nodes = &status.nodes;
    let mut members: BTreeMap<Option<&str>, Vec<&NodeStatus>> = BTreeMap::new();
    for node in nodes.values() {
        members.entry(node.boundary_id.as_deref()).or_default().push(node);
    }
    let attempts = nodes.values().flat_map(|node| attempts(status, node));
    let attempts = attempts.map(|node| node.id.as_str()).collect();
    let (exit, resuming) = (format!("{workflow}.onExit"), ResumePlan::default());
    let mut plan = Plan { status, whole, members, attempts, exit, resuming };
    plan.plan_members(None);
    let of_exit = nodes.values().filter(|node| plan.is_exit(node)).map(|node| node.id.clone());
    let of_exit: Vec<String> = of_exit.collect();
    plan.resuming.removed.extend(of_exit);
    let again = plan.tried_again();
    (plan.resuming, again)
}

/// Plans it for a run of this engine.
pub(crate) fn plan_of(program: &Program, state: &RunState) -> (ResumePlan, Vec<String>) {
    let templates = program.templates.iter().map(|callable| &callable.template);
    let whole = templates
        .filter(|template| {
            let annotations = template.metadata.as_ref().map(|metadata| &metadata.annotations);
            annotations.and_then(|found| found.get(WHOLE.0)).is_some_and(|word| word == WHOLE.1)
        })
        .map(|template| template.name.clone())
        .collect();
    plan(&workflow_status(state, &BTreeMap::new()), &state.identity.name, &whole)
}

/// Returns the attempts of a retried node, the last one at the end.
fn attempts<'a>(
    status: &'a WorkflowStatus,
    node: &'a NodeStatus,
) -> impl Iterator<Item = &'a NodeStatus> {
    let children = if node.kind == NodeType::Retry { node.children.as_slice() } else { &[] };
    let is_attempt = |child: &&NodeStatus| {
        child.name.strip_prefix(node.name.as_str()).is_some_and(|rest| rest.starts_with('('))
    };
    children.iter().filter_map(|id| status.nodes.get(id)).filter(is_attempt)
}

struct Plan<'a> {
    status: &'a WorkflowStatus,
    /// The names of the templates that run again as a whole.
    whole: &'a BTreeSet<String>,
    /// The nodes by the DAG or steps node that they belong to.
    members: BTreeMap<Option<&'a str>, Vec<&'a NodeStatus>>,
    /// The attempts of retry nodes, which are kept or removed with those.
    attempts: BTreeSet<&'a str>,
    /// The name of the exit handler's node.
    exit: String,
    resuming: ResumePlan,
}

impl<'a> Plan<'a> {
    /// Decides about the members of a DAG or steps node that is Running again.
    fn plan_members(&mut self, boundary: Option<&str>) {
        let members = self.members.get(&boundary).cloned().unwrap_or_default();
        // A failure that a group tolerated when it succeeded is not repeated.
        let settled: BTreeSet<&str> = members
            .iter()
            .filter(|node| is_group(node) && node.phase == NodePhase::Succeeded)
            .flat_map(|group| group.children.iter().map(String::as_str))
            .collect();
        for node in members {
            let id = node.id.as_str();
            let is_over = node.phase == NodePhase::Succeeded || settled.contains(id);
            if !is_over && !self.attempts.contains(id) && !self.is_exit(node) {
                self.decide(node);
            }
        }
    }

    fn decide(&mut self, node: &'a NodeStatus) {
        match node.kind {
            NodeType::Dag | NodeType::Steps if self.is_whole(node) => self.remove_whole(node),
            NodeType::Dag | NodeType::Steps => {
                self.resuming.revived.insert(node.id.clone());
                self.plan_members(Some(&node.id));
            }
            NodeType::StepGroup | NodeType::TaskGroup => {
                self.resuming.revived.insert(node.id.clone());
            }
            NodeType::Retry => self.decide_retry(node),
            NodeType::Pod | NodeType::Suspend | NodeType::Skipped => {
                self.resuming.removed.insert(node.id.clone());
            }
        }
    }

    /// The last attempt of a DAG or steps contains what succeeded in it, so it continues; an attempt of a
    /// pod contains nothing, so the count of attempts starts again.
    fn decide_retry(&mut self, node: &'a NodeStatus) {
        let attempts: Vec<&NodeStatus> = attempts(self.status, node).collect();
        match attempts.last() {
            Some(last)
                if matches!(last.kind, NodeType::Dag | NodeType::Steps) && !self.is_whole(last) =>
            {
                self.resuming.revived.insert(node.id.clone());
                self.decide(last);
            }
            _ => {
                self.resuming.removed.insert(node.id.clone());
                for one in attempts {
                    self.remove_whole(one);
                }
            }
        }
    }

    fn remove_whole(&mut self, node: &NodeStatus) {
        self.resuming.removed.insert(node.id.clone());
        for inner in self.members.get(&Some(node.id.as_str())).cloned().unwrap_or_default() {
            self.remove_whole(inner);
        }
    }

    fn is_whole(&self, node: &NodeStatus) -> bool {
        node.template_name.as_ref().is_some_and(|name| self.whole.contains(name))
    }

    fn is_exit(&self, node: &NodeStatus) -> bool {
        let below = node.name.strip_prefix(self.exit.as_str());
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '(']))
    }

    /// Returns the nodes that failed by themselves, not because of a node in them; those of the
    /// exit handler only if no other failed.
    fn tried_again(&self) -> Vec<String> {
        let removed = &self.resuming.removed;
        let mut failed: Vec<&NodeStatus> = removed
            .iter()
            .filter_map(|id| self.status.nodes.get(id))
            .filter(|node| node.phase.is_failure() && !self.attempts.contains(node.id.as_str()))
            .filter(|node| {
                let boundary = node.boundary_id.as_ref();
                boundary.is_none_or(|boundary| !removed.contains(boundary))
            })
            .collect();
        if failed.iter().any(|node| !self.is_exit(node)) {
            failed.retain(|node| !self.is_exit(node));
        }
        failed.sort_by_key(|node| (&node.started_at, &node.name));
        failed.into_iter().map(|node| node.display_name.clone()).collect()
    }
}

fn is_group(node: &NodeStatus) -> bool {
    matches!(node.kind, NodeType::StepGroup | NodeType::TaskGroup)
}

#[cfg(test)]
mod tests {
    use argo::{convention::decisions::Verdict, yaml};

    use super::*;
    use crate::{
        operate::operate,
        state::{ConfigMapKey, Entry, GateDecision, RunIdentity, Shutdown},
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

    /// Runs it with pods that end immediately; those with these display names fail.
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
        (crate::check::check(&manifests).expect("a program"), RunState::new(identity))
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
        let (nodes, again) = plan_of(&program, &state);
        let removed = ["w.b", "w.b(0)", "w.b(1)", "w.c[1].failing", "w.d(1).y", "w.e", "w.onExit"];
        assert_eq!(names(&state, &nodes.removed), removed);
        assert_eq!(names(&state, &nodes.revived), ["w", "w.c", "w.c[1]", "w.d", "w.d(1)"]);
        assert_eq!(again, ["b", "failing", "y"]);

        let entry = Entry::RunResumed { nodes, at: state.identity.created_at };
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
        let (nodes, again) = plan_of(&program, &state);
        assert_eq!((names(&state, &nodes.removed), nodes.revived.len()), (vec!["w.onExit"], 0));
        assert_eq!(again, ["w.onExit"]);
    }

    #[test]
    fn rejections_and_the_wish_to_end_are_forgotten_and_approvals_are_not() {
        let (program, mut state) = begin();
        let at = state.identity.created_at;
        let key = |key: &str| ConfigMapKey { name: "m".to_owned(), key: key.to_owned() };
        for (gate, verdict) in [("yes", Verdict::Approved), ("no", Verdict::Rejected)] {
            let decision = GateDecision { verdict, by: "ann".to_owned(), at, reason: None };
            let (gate, entry) = (gate.to_owned(), Some(key(gate)));
            state.apply(&Entry::GateDecided { gate, decision, nodes: Vec::new(), entry });
        }
        state.apply(&Entry::ShutdownRequested { shutdown: Shutdown::Stop, at });
        let (phase, message) = (NodePhase::Failed, Some("stopped".to_owned()));
        state.apply(&Entry::RunEnded { phase, message, at });
        state.apply(&Entry::RunResumed { nodes: plan_of(&program, &state).0, at });
        assert_eq!(state.decisions.keys().collect::<Vec<_>>(), ["yes"]);
        assert_eq!(state.config_map_entries.keys().collect::<Vec<_>>(), [&key("yes")]);
        assert_eq!((state.shutdown, state.phase), (None, NodePhase::Running));
        assert_eq!((state.message, state.finished_at), (None, None));
    }
}
