//! The nodes of a run one by one, for `show` and `manage`: the tree of `workflow status`, flat and in
//! its order, with what only the detail of a node shows.

use std::{collections::BTreeMap, ops::Bound};

use argo::{NodePhase, NodeStatus, NodeType, WorkflowStatus};
use contract::Progress;
use engine::{Gate, GateState};
use jiff::Timestamp;
use runs::{Branch, Run, Trouble, is_at_or_below, workflow_flag};

use super::{look::Look, plain::plain, text};

/// A run at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The run.
    pub(crate) run: Run,
    /// What runs it.
    pub(crate) engine: &'static str,
    /// How far the run is; never better than the truth.
    pub(crate) phase: NodePhase,
    /// Why it cannot go on by itself.
    pub(crate) trouble: Option<Trouble>,
    /// What else is to be known.
    pub(crate) notes: Vec<String>,
    /// The nodes, parents before their children; the first one is the workflow itself.
    pub(crate) nodes: Vec<Node>,
}

/// A line of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Who it is: the path of names from the root.
    pub(crate) name: String,
    /// What people call it.
    pub(crate) title: String,
    /// Its line in the tree, as `workflow status` prints it.
    pub(crate) line: String,
    /// What it is to a person.
    pub(crate) standing: Standing,
    /// How far it is, in Argo's words.
    pub(crate) phase: NodePhase,
    /// Why it is so.
    pub(crate) message: Option<String>,
    /// How far a long step is.
    pub(crate) progress: Option<Progress>,
    /// How often it was tried again.
    pub(crate) retries: usize,
    /// When it began.
    pub(crate) started_at: Option<Timestamp>,
    /// When it ended.
    pub(crate) finished_at: Option<Timestamp>,
    /// What it gave: a heading and the text, which is JSON mostly.
    pub(crate) outputs: Vec<(String, String)>,
    /// The gate that it is.
    pub(crate) gate: Option<Gate>,
    /// What to type about it, beside the keys here.
    pub(crate) commands: Vec<String>,
    /// How many nodes are above it.
    pub(crate) depth: usize,
    /// Where the node above it is; the first node has none.
    pub(crate) parent: Option<usize>,
    /// Where what is below it ends.
    pub(crate) end: usize,
    /// How the steps and gates below it stand.
    pub(crate) tally: Tally,
}

/// What a node is to a person who looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Not reached.
    Pending,
    /// At work.
    Running,
    /// A gate that waits for a person.
    Waiting,
    /// Ended badly.
    Failed,
    /// Ended well.
    Done,
    /// Was not needed, or will not be reached any more.
    Skipped,
}

/// How many steps and gates stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All of them.
    pub(crate) total: usize,
    /// Those that ended well.
    pub(crate) done: usize,
    /// Gates that wait.
    pub(crate) waiting: usize,
    /// Those that ended badly.
    pub(crate) failed: usize,
    /// Those that were not needed, or will not be reached any more.
    pub(crate) skipped: usize,
}

impl Tally {
    fn add(&mut self, standing: Standing) {
        self.total += 1;
        match standing {
            Standing::Done => self.done += 1,
            Standing::Skipped => self.skipped += 1,
            Standing::Waiting => self.waiting += 1,
            Standing::Failed => self.failed += 1,
            Standing::Pending | Standing::Running => {}
        }
    }

    /// Says it in words: `3/7 done, 1 waiting`.
    pub(crate) fn phrase(&self) -> String {
        let mut phrase = format!("{}/{} done", self.done, self.total);
        let others =
            [(self.waiting, "waiting"), (self.failed, "failed"), (self.skipped, "skipped")];
        for (count, word) in others.into_iter().filter(|(count, _)| *count > 0) {
            phrase.push_str(&format!(", {count} {word}"));
        }
        phrase
    }
}

impl Node {
    /// Returns whether nothing is below it.
    pub(crate) fn is_leaf(&self, position: usize) -> bool {
        self.end == position + 1
    }

    /// Returns whether a person has to look: a gate waits, or a step failed.
    pub(crate) fn needs_a_person(&self) -> bool {
        matches!(self.standing, Standing::Waiting | Standing::Failed)
    }
}

impl Snapshot {
    /// Makes it from a look at a run.
    pub(crate) fn of(run: Run, look: &Look) -> Self {
        let Look { name, engine, status, branches, gates, trouble, notes } = look;
        let warning = trouble.as_ref().map(|trouble| trouble.message.as_str());
        let phase = super::phase(status, warning);
        let by_name = status.nodes.values().map(|node| (node.name.as_str(), node)).collect();
        let mut walk = Walk { workflow: name, gates, by_name, nodes: Vec::new() };
        walk.push_root(phase, status, &look.next_command());
        for branch in branches {
            walk.push(branch, 1, 0);
        }
        count(&mut walk.nodes);
        let notes = notes.iter().map(|said| plain(said)).collect();
        Self { run, engine, phase, trouble: trouble.clone(), notes, nodes: walk.nodes }
    }

    /// Returns where the node of a name is.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Returns how all steps and gates stand.
    pub(crate) fn tally(&self) -> Tally {
        self.nodes.first().map(|root| root.tally).unwrap_or_default()
    }

    /// Returns the node of a gate.
    pub(crate) fn gate(&self, name: &str) -> Option<&Gate> {
        self.nodes.iter().filter_map(|node| node.gate.as_ref()).find(|gate| gate.name == name)
    }
}

struct Walk<'a> {
    workflow: &'a str,
    gates: &'a [Gate],
    by_name: BTreeMap<&'a str, &'a NodeStatus>,
    nodes: Vec<Node>,
}

impl Walk<'_> {
    fn push_root(&mut self, phase: NodePhase, status: &WorkflowStatus, next: &str) {
        let name = self.workflow.to_owned();
        let root = Branch {
            name: name.clone(),
            title: name.clone(),
            kind: NodeType::Dag,
            phase,
            message: None,
            progress: None,
            retries: 0,
            branches: Vec::new(),
        };
        self.nodes.push(Node {
            title: name.clone(),
            line: text::line(&root),
            standing: standing(&root),
            phase,
            message: status.message.as_deref().map(plain),
            progress: None,
            retries: 0,
            started_at: time(status.started_at.as_ref()),
            finished_at: time(status.finished_at.as_ref()),
            outputs: Vec::new(),
            gate: None,
            commands: vec![next.to_owned()],
            depth: 0,
            parent: None,
            end: 1,
            tally: Tally::default(),
            name,
        });
    }

    fn push(&mut self, branch: &Branch, depth: usize, parent: usize) {
        let position = self.nodes.len();
        let node = self.node(branch);
        let gate = (branch.kind == NodeType::Suspend)
            .then(|| self.gates.iter().find(|gate| gate.name == branch.title).cloned())
            .flatten();
        self.nodes.push(Node {
            name: branch.name.clone(),
            title: plain(&branch.title),
            line: plain(&text::line(branch)),
            standing: standing(branch),
            phase: branch.phase,
            message: branch.message.as_deref().map(plain),
            progress: branch.progress.clone(),
            retries: branch.retries,
            started_at: node.and_then(|node| time(node.started_at.as_ref())),
            finished_at: node.and_then(|node| time(node.finished_at.as_ref())),
            outputs: self.outputs(branch),
            commands: self.commands(branch, gate.as_ref(), node),
            gate,
            depth,
            parent: Some(parent),
            end: position + 1,
            tally: Tally::default(),
        });
        for below in &branch.branches {
            self.push(below, depth + 1, position);
        }
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(position) {
            node.end = end;
        }
        if let Some(root) = self.nodes.first_mut() {
            root.end = end;
        }
    }

    fn node(&self, branch: &Branch) -> Option<&NodeStatus> {
        self.by_name.get(branch.name.as_str()).copied()
    }

    /// What a step gave, and the processes that it is made of. A step that is tried again gives
    /// what its last try gave, so the same thing is said once.
    fn outputs(&self, branch: &Branch) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        if !branch.branches.is_empty() {
            return found;
        }
        let name = branch.name.as_str();
        let nodes = self
            .by_name
            .range::<str, _>((Bound::Included(name), Bound::Unbounded))
            .take_while(|(other, _)| other.starts_with(name))
            .filter(|(other, _)| is_at_or_below(name, other));
        for (other, node) in nodes {
            for parameter in node.outputs.iter().flat_map(|outputs| &outputs.parameters) {
                let Some(value) = &parameter.value else { continue };
                if value.is_empty() || found.iter().any(|(_, known)| known == value) {
                    continue;
                }
                let heading = if *other == name || branch.retries > 0 {
                    parameter.name.clone()
                } else {
                    format!("{} of {}", parameter.name, node.display_name)
                };
                found.push((plain(&heading), value.clone()));
            }
        }
        found
    }

    fn commands(
        &self,
        branch: &Branch,
        gate: Option<&Gate>,
        node: Option<&NodeStatus>,
    ) -> Vec<String> {
        let flag = workflow_flag(self.workflow);
        if let Some(gate) = gate {
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
        let called_with = |name: &str| {
            let parameters = inputs.iter().flat_map(|inputs| &inputs.parameters);
            let mut values = parameters.filter(|input| input.name == name);
            values.find_map(|input| input.value.as_deref()).filter(|value| !value.is_empty())
        };
        if let Some(task) = called_with("task") {
            let group = called_with("group").map(|group| format!(" --label group={group}"));
            let group = group.unwrap_or_default();
            commands.push(format!("workflow log filter --task {task}{group}{flag}"));
        }
        if branch.phase.is_failure() && branch.branches.is_empty() {
            commands.push(format!("workflow resume {}", self.workflow));
        }
        commands
    }
}

/// Counts what is below each node.
fn count(nodes: &mut [Node]) {
    for position in 0..nodes.len() {
        let Some(node) = nodes.get(position) else { continue };
        if position == 0 || !node.is_leaf(position) {
            continue;
        }
        let (standing, mut above) = (node.standing, node.parent);
        while let Some(parent) = above.and_then(|above| nodes.get_mut(above)) {
            parent.tally.add(standing);
            above = parent.parent;
        }
    }
}

fn standing(branch: &Branch) -> Standing {
    match branch.phase {
        NodePhase::Pending => Standing::Pending,
        NodePhase::Running if branch.is_waiting_gate() => Standing::Waiting,
        NodePhase::Running => Standing::Running,
        NodePhase::Succeeded => Standing::Done,
        NodePhase::Failed | NodePhase::Error => Standing::Failed,
        NodePhase::Skipped | NodePhase::Omitted => Standing::Skipped,
    }
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}
