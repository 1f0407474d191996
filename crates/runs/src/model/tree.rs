//! The steps of a run as a tree: those that ran, those that run, and those still to come.
//!
//! The controller makes a node only when a task is reached, so the order and the names come from
//! the templates, and the phases from the nodes. A DAG that is the only DAG at its level (one
//! migration, one group) gets no level of its own: the published tree is flat in that case.

use std::{collections::BTreeMap, ops::Bound};

use argo::{NodePhase, NodeStatus, NodeType, convention::gate};
use contract::progress::Progress;

use super::{
    node::NodeWaiting,
    observation::{Observation, time},
    outline::{OutlineTask, TemplateOutline},
};
use crate::{commands::workflow_flag, logs::is_at_or_below};

/// A node of the tree with the nodes below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Branch {
    /// The path of names from the workflow, as the controller writes it.
    pub name: String,
    /// The name to show; of a gate, the name to type.
    pub title: String,
    /// Argo's type of the node, or the type that it will have.
    pub kind: NodeType,
    /// Its phase.
    pub phase: NodePhase,
    /// Why it has this phase.
    pub message: Option<String>,
    /// What it waits for.
    pub waiting: Option<NodeWaiting>,
    /// How much of a long step is done.
    pub progress: Option<Progress>,
    /// How often it was tried again.
    pub retries: usize,
    /// The nodes below it.
    pub branches: Vec<Self>,
}

/// Makes the branches below the workflow.
pub(super) fn tree(known: &Observation) -> Vec<Branch> {
    let workflow = known.outline.workflow.as_str();
    let by_name = known.status.nodes.values().map(|node| (node.name.as_str(), node)).collect();
    let walk = Walk { known, by_name };
    let over = known.status.phase.is_complete();
    let mut branches = match known.outline.entry().and_then(|place| known.outline.shape(place)) {
        Some(TemplateOutline::Dag(tasks)) => walk.children(tasks, workflow, over),
        // A workflow that we did not compile is shown node by node.
        _ => walk.leaves(workflow),
    };
    // The exit handler of a workflow that succeeded has nothing to do.
    let exit_name = format!("{workflow}.onExit");
    let did_something = walk.below(&exit_name).any(|node| node.kind == NodeType::Pod);
    if let Some(node) = walk.by_name.get(exit_name.as_str())
        && did_something
    {
        branches.push(walk.leaf(&exit_name, "Clean Up After The End", Some(node), NodeType::Steps));
    }
    flattened(branches)
}

struct Walk<'a> {
    known: &'a Observation,
    by_name: BTreeMap<&'a str, &'a NodeStatus>,
}

impl<'a> Walk<'a> {
    /// Makes a branch for each task of a DAG. When the DAG is `over`, what it did not reach it will
    /// never reach.
    fn children(&self, tasks: &[OutlineTask], parent: &str, over: bool) -> Vec<Branch> {
        tasks
            .iter()
            .map(|task| {
                let shape = task.calls.as_ref().and_then(|place| self.known.outline.shape(place));
                self.branch(shape, &format!("{parent}.{}", task.name), &task.name, over)
            })
            .collect()
    }

    fn branch(
        &self,
        shape: Option<&TemplateOutline>,
        name: &str,
        task: &str,
        over: bool,
    ) -> Branch {
        let node = self.by_name.get(name).copied();
        let mut branch = match shape {
            Some(TemplateOutline::Dag(tasks)) => {
                let mut branch = self.leaf(name, task, node, NodeType::Dag);
                let over = over || branch.phase.is_complete();
                branch.branches = self.children(tasks, name, over);
                branch
            }
            Some(TemplateOutline::Gate(gate)) => self.gate(name, gate, node),
            Some(TemplateOutline::Leaf) | None => {
                self.leaf(name, &title(task), node, NodeType::Pod)
            }
        };
        if over && node.is_none() {
            branch.phase = NodePhase::Omitted;
        }
        branch
    }

    /// Makes a branch for each node that does something, in the order they began.
    fn leaves(&self, workflow: &str) -> Vec<Branch> {
        let does = |node: &&NodeStatus| {
            matches!(node.kind, NodeType::Pod | NodeType::Suspend | NodeType::Skipped)
                && !node.name.starts_with(&format!("{workflow}.onExit"))
        };
        let mut nodes: Vec<&NodeStatus> = self.by_name.values().copied().filter(does).collect();
        nodes.sort_by_key(|node| (&node.started_at, &node.name));
        nodes
            .into_iter()
            .map(|node| {
                let branch = self.leaf(&node.name, &node.display_name, Some(node), node.kind);
                let is_gate = node.kind == NodeType::Suspend && node.phase == NodePhase::Running;
                let decision = is_gate.then(|| self.decision(&node.display_name, Some(node)));
                Branch { waiting: decision.or(branch.waiting), ..branch }
            })
            .collect()
    }

    /// A gate is a `steps` node with the suspended node inside: one line, for it is one thing.
    fn gate(&self, name: &str, gate: &str, node: Option<&NodeStatus>) -> Branch {
        let inner_name = gate::waiting_node(name, gate);
        let inner = self.by_name.get(inner_name.as_str()).copied();
        let mut branch = self.leaf(name, gate, inner.or(node), NodeType::Suspend);
        if let (Some(node), Some(inner)) = (node, inner)
            && inner.kind == NodeType::Skipped
            && node.phase == NodePhase::Succeeded
        {
            branch.phase = NodePhase::Succeeded;
            branch.message = Some("approved in advance".to_owned());
        }
        branch.kind = NodeType::Suspend;
        if branch.phase == NodePhase::Running {
            branch.waiting = Some(self.decision(gate, inner.or(node)));
        }
        branch
    }

    /// Returns what a gate waits for.
    fn decision(&self, gate: &str, node: Option<&NodeStatus>) -> NodeWaiting {
        let flag = workflow_flag(&self.known.outline.workflow);
        NodeWaiting::Decision {
            since: node.and_then(|node| time(node.started_at.as_ref())),
            approve: format!("workflow approve step {gate}{flag}"),
            reject: format!("workflow reject step {gate}{flag}"),
        }
    }

    /// Returns what a step waits for that has not ended: what blocks one of its pods, or what one
    /// of its processes reports; of several, the one that has waited longest.
    fn waiting(&self, nodes: &[&NodeStatus]) -> Option<NodeWaiting> {
        let active = || nodes.iter().filter(|node| !node.phase.is_complete());
        let blocked = active().find_map(|node| self.known.blocked.get(&node.id));
        if let Some(reason) = blocked {
            return Some(NodeWaiting::Pod { reason: reason.clone() });
        }
        let progress = active().filter_map(|node| self.known.progress.get(&node.id));
        let waiting = progress.filter_map(|progress| progress.waiting.as_ref());
        waiting.min_by_key(|waiting| waiting.since).cloned().map(NodeWaiting::Request)
    }

    fn leaf(&self, name: &str, title: &str, node: Option<&NodeStatus>, kind: NodeType) -> Branch {
        let below: Vec<&NodeStatus> = self.below(name).collect();
        let message = match node {
            // The steps of a DAG have lines of their own.
            Some(node) if node.phase.is_failure() => {
                reason(&below, kind == NodeType::Dag).or_else(|| node.message.clone())
            }
            // What keeps one process from getting on keeps the step from it; and one that failed,
            // and is not tried again, may be what the others wait for.
            Some(node) if !node.phase.is_complete() => {
                let mut speaking = below
                    .iter()
                    .filter(|node| node.kind == NodeType::Pod && node.message.is_some());
                let held = speaking.clone().find(|node| !node.phase.is_complete());
                let failed =
                    || speaking.find(|node| node.phase.is_failure() && !is_attempt(&node.name));
                held.or_else(failed)
                    .and_then(|node| node.message.clone())
                    .or_else(|| node.message.clone())
            }
            Some(node) => node.message.clone(),
            None => None,
        };
        let progress = below
            .iter()
            .copied()
            .chain(node)
            .filter_map(|node| self.known.progress.get(&node.id))
            .max_by_key(|progress| progress.finest().and_then(|measure| measure.total));
        // The steps of a DAG say for themselves what they wait for.
        let processes: Vec<&NodeStatus> = below.iter().copied().chain(node).collect();
        let waiting = self.waiting(&processes).filter(|_| kind != NodeType::Dag);
        let attempts = below.iter().filter(|node| is_attempt(&node.name)).count();
        let is_retry = node.is_some_and(|node| node.kind == NodeType::Retry);
        Branch {
            name: name.to_owned(),
            title: title.to_owned(),
            kind: node.map_or(kind, |node| node.kind),
            phase: node.map_or(NodePhase::Pending, |node| node.phase),
            message,
            waiting,
            progress: progress.cloned(),
            retries: if is_retry { attempts.saturating_sub(1) } else { 0 },
            branches: Vec::new(),
        }
    }

    /// The nodes below a name, in the order of their names.
    fn below(&self, name: &str) -> impl Iterator<Item = &'a NodeStatus> {
        let above = name.to_owned();
        self.by_name
            .range::<str, _>((Bound::Excluded(name), Bound::Unbounded))
            .map(|(other, node)| (*other, *node))
            // All names that begin alike are next to each other.
            .take_while({
                let above = above.clone();
                move |(other, _)| other.starts_with(&above)
            })
            .filter(move |(other, _)| is_at_or_below(&above, other))
            .map(|(_, node)| node)
    }
}

/// Says why a step failed: what its last process said, and unless that is all that is asked for,
/// what the others said that is not in it. Of the attempts of one process, the last one that said
/// anything counts.
fn reason(below: &[&NodeStatus], only_last: bool) -> Option<String> {
    let mut failed = below
        .iter()
        .rev()
        .filter(|node| node.phase.is_failure() && node.kind == NodeType::Pod)
        .filter_map(|node| Some((process(&node.name), node.message.as_deref()?)));
    let (process, message) = failed.next()?;
    let (mut reported, mut reason) = (vec![process], message.to_owned());
    for (process, message) in failed.filter(|_| !only_last) {
        // An exit code says no more than that it failed, which is seen.
        let is_code = message.trim_start_matches("main: ").starts_with("Error (exit code ");
        if !is_code && !reported.contains(&process) && !reason.contains(message) {
            reported.push(process);
            let name = process.rsplit(['.', ']']).next().unwrap_or(process);
            reason.push_str(&format!("\n{name}: {message}"));
        }
    }
    Some(reason)
}

/// Returns the name of a process, whichever attempt of it this is.
fn process(name: &str) -> &str {
    if is_attempt(name) { name.rsplit_once('(').map_or(name, |(process, _)| process) } else { name }
}

/// The attempts of a node have its name and their number: `initialize(0)`.
fn is_attempt(name: &str) -> bool {
    name.ends_with(')')
}

/// `create-snapshot` is `Create Snapshot` for people.
fn title(task: &str) -> String {
    let words = task.split('-').map(|word| {
        let mut characters = word.chars();
        characters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(characters).collect::<String>()
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Puts the branches of an only DAG in its place.
fn flattened(branches: Vec<Branch>) -> Vec<Branch> {
    let is_dag = |branch: &Branch| !branch.branches.is_empty();
    let only = branches.iter().filter(|branch| is_dag(branch)).count() == 1;
    let mut flat = Vec::with_capacity(branches.len());
    for mut branch in branches {
        branch.branches = flattened(branch.branches);
        if only && is_dag(&branch) {
            flat.append(&mut branch.branches);
        } else {
            flat.push(branch);
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use argo::WorkflowStatus;

    use super::{super::outline::Outline, *};

    const MANIFESTS: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: run}
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - {name: a-to-b, template: a-to-b}
    - name: a-to-b
      dag:
        tasks:
          - {name: initialize, templateRef: {name: step, template: run}}
          - {name: group-1, template: group-1, depends: initialize}
          - {name: cleanup, templateRef: {name: step, template: run}, depends: group-1}
    - name: group-1
      dag:
        tasks:
          - {name: gate-evaluated, template: gate-evaluated}
          - {name: restore-documents, templateRef: {name: step, template: run}, depends: gate-evaluated}
    - name: gate-evaluated
      inputs:
        parameters:
          - name: decision
            valueFrom: {configMapKeyRef: {name: run-decisions, key: gate-1}}
      steps: [[{name: gate-1, template: wait, when: '"{{inputs.parameters.decision}}" != "approved"'}]]
    - {name: wait, suspend: {}}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: step}
spec: {templates: [{name: run, container: {image: step}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: run}
spec: {workflowTemplateRef: {name: run}}
"#;

    fn outline() -> Outline {
        let manifests = argo::yaml::read_all(MANIFESTS).expect("manifests");
        let objects: Vec<_> = manifests
            .iter()
            .map(|manifest| serde_json::to_value(manifest).expect("JSON"))
            .collect();
        Outline::read(&objects)
    }

    fn node(name: &str, kind: NodeType, phase: NodePhase) -> (String, NodeStatus) {
        let node = NodeStatus {
            id: name.to_owned(),
            name: name.to_owned(),
            display_name: name.to_owned(),
            kind,
            phase,
            ..NodeStatus::default()
        };
        (name.to_owned(), node)
    }

    #[test]
    fn one_migration_with_one_group_is_flat_and_shows_what_is_to_come() {
        let outline = outline();
        let status = WorkflowStatus {
            phase: NodePhase::Running,
            nodes: BTreeMap::from([
                node("run.a-to-b.initialize", NodeType::Pod, NodePhase::Succeeded),
                node("run.a-to-b.group-1.gate-evaluated", NodeType::Steps, NodePhase::Running),
                node(
                    "run.a-to-b.group-1.gate-evaluated[0].gate-1",
                    NodeType::Suspend,
                    NodePhase::Running,
                ),
            ]),
            ..WorkflowStatus::default()
        };
        let branches = tree(&Observation { status, outline, ..Observation::default() });
        let seen: Vec<_> =
            branches.iter().map(|branch| (branch.title.as_str(), branch.phase)).collect();
        assert_eq!(
            seen,
            [
                ("Initialize", NodePhase::Succeeded),
                ("gate-1", NodePhase::Running),
                ("Restore Documents", NodePhase::Pending),
                ("Cleanup", NodePhase::Pending),
            ]
        );
        assert!(matches!(branches[1].waiting, Some(NodeWaiting::Decision { .. })));
    }

    #[test]
    fn the_message_of_a_failed_try_stands_at_its_step() {
        let outline = outline();
        let mut first = node("run.a-to-b.initialize(0)", NodeType::Pod, NodePhase::Failed);
        first.1.message = Some("no route to `legacy`".to_owned());
        let status = WorkflowStatus {
            nodes: BTreeMap::from([
                node("run.a-to-b.initialize", NodeType::Retry, NodePhase::Failed),
                first,
                node("run.a-to-b.initialize(1)", NodeType::Pod, NodePhase::Failed),
            ]),
            ..WorkflowStatus::default()
        };
        let branches = tree(&Observation { status, outline, ..Observation::default() });
        assert_eq!(branches[0].message.as_deref(), Some("no route to `legacy`"));
        assert_eq!(branches[0].retries, 1);
    }

    #[test]
    fn a_step_that_failed_says_what_each_of_its_processes_said_once() {
        let outline = outline();
        let step = "run.a-to-b.group-1.restore-documents";
        let failed = |name: &str, message: &str| {
            let mut node = node(&format!("{step}{name}"), NodeType::Pod, NodePhase::Failed);
            node.1.message = Some(message.to_owned());
            node
        };
        let says = |workers: &str| {
            let status = WorkflowStatus {
                phase: NodePhase::Failed,
                nodes: BTreeMap::from([
                    node("run.a-to-b.group-1", NodeType::Dag, NodePhase::Failed),
                    node(step, NodeType::Steps, NodePhase::Failed),
                    failed("[1].fleet.workers", workers),
                    failed("[1].fleet.give-up(0)", "2 of 3 shards are not done"),
                    failed("[1].follow(0)", "no route to `new`"),
                    failed("[1].follow(1)", "2 of 3 shards are not done; run `workflow resume`"),
                ]),
                ..WorkflowStatus::default()
            };
            let outline = outline.clone();
            let branches = tree(&Observation { status, outline, ..Observation::default() });
            let restore = branches.into_iter().find(|branch| branch.title == "Restore Documents");
            restore.and_then(|branch| branch.message).unwrap_or_default()
        };
        let follow = "2 of 3 shards are not done; run `workflow resume`";
        assert_eq!(says("main: Error (exit code 64)"), follow);
        let expected = format!("{follow}\nworkers: image `x` cannot be pulled");
        assert_eq!(says("image `x` cannot be pulled"), expected);
    }

    #[test]
    fn a_fleet_that_failed_is_told_at_the_step_that_still_waits_for_it() {
        let outline = outline();
        let step = "run.a-to-b.group-1.restore-documents";
        let mut fleet = node(&format!("{step}[1].workers"), NodeType::Pod, NodePhase::Error);
        fleet.1.message = Some("jobs.batch is forbidden".to_owned());
        let status = WorkflowStatus {
            phase: NodePhase::Running,
            nodes: BTreeMap::from([
                node("run.a-to-b.group-1.gate-evaluated", NodeType::Steps, NodePhase::Succeeded),
                node(step, NodeType::Steps, NodePhase::Running),
                node(&format!("{step}[1].follow"), NodeType::Retry, NodePhase::Running),
                node(&format!("{step}[1].follow(0)"), NodeType::Pod, NodePhase::Running),
                fleet,
            ]),
            ..WorkflowStatus::default()
        };
        let branches = tree(&Observation { status, outline, ..Observation::default() });
        let restore = branches.iter().find(|branch| branch.title == "Restore Documents");
        let message = restore.and_then(|branch| branch.message.as_deref());
        assert_eq!(message, Some("jobs.batch is forbidden"));
    }
}
