//! What is known about a run? The entries of its journal, and the state that they fold to.
//!
//! ```text
//!   operate ------+
//!   processes ----+--> Entry, Entry, Entry, ... --- apply ---> RunState
//!   people -------+         (append only)
//! ```
//!
//! A complete node does not change: an entry that would change its phase is ignored, so an engine
//! that has not seen a decision yet cannot undo it. Only resuming a run that has ended changes its
//! complete nodes, and no engine works on the run then.

use std::collections::{BTreeMap, BTreeSet};

use argo::{NodePhase, Outputs, convention::decisions::Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::node::{Node, Part, ProcessRecord};

/// Which run this is; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunIdentity {
    /// The Workflow's name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// When it was submitted.
    pub created_at: Timestamp,
}

/// How a run is ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shutdown {
    /// The exit handler still runs.
    Stop,
    /// Nothing more runs.
    Terminate,
}

impl Shutdown {
    /// Returns the word as Argo writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "Stop",
            Self::Terminate => "Terminate",
        }
    }
}

/// A person's decision about a gate, with who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GateDecision {
    /// The decision.
    pub verdict: Verdict,
    /// Who decided.
    pub by: String,
    /// When it was made.
    pub at: Timestamp,
    /// Why, if a reason was given.
    pub reason: Option<String>,
}

/// An entry of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ConfigMapKey {
    /// The ConfigMap.
    pub name: String,
    /// The key.
    pub key: String,
}

/// How resuming changes the nodes of a failed run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePlan {
    /// Nodes that did not succeed: they are removed, and created again.
    pub removed: BTreeSet<String>,
    /// Nodes that contain kept nodes: they are Running again.
    pub revived: BTreeSet<String>,
}

/// How one process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProcessEnd {
    /// By itself, with this exit code (128 + signal when a signal ended it).
    Exited(i32),
    /// The engine ended it, or died with it: it counts neither as success nor as failure.
    Lost,
}

/// One entry of a run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Entry {
    /// The run began.
    RunStarted {
        /// When.
        at: Timestamp,
    },
    /// The run ended.
    RunEnded {
        /// Its phase.
        phase: NodePhase,
        /// Why.
        message: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A failed run was resumed: this clears rejections and the stop request.
    // Stored under its old name.
    #[serde(rename = "runReopened")]
    RunResumed {
        /// How its nodes change.
        nodes: ResumePlan,
        /// When.
        at: Timestamp,
    },
    /// A node was created.
    NodeCreated {
        /// The node.
        node: Box<Node>,
    },
    /// A node follows another.
    ChildAdded {
        /// The earlier node.
        parent: String,
        /// The later node.
        child: String,
    },
    /// The last nodes of a DAG or steps node are known: those that later nodes follow.
    OutboundSet {
        /// The DAG or steps node.
        node: String,
        /// The nodes.
        outbound: Vec<String>,
    },
    /// The phase or the message of a node changed.
    PhaseChanged {
        /// The node.
        node: String,
        /// The phase.
        phase: NodePhase,
        /// The message; `None` leaves it as it is.
        message: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A node has outputs.
    OutputsSet {
        /// The node.
        node: String,
        /// The outputs.
        outputs: Outputs,
    },
    /// An output became a parameter of the whole run.
    Exported {
        /// The name under `workflow.outputs.parameters`.
        name: String,
        /// The value.
        value: String,
    },
    /// A process of a node was started.
    ProcessStarted {
        /// The node.
        node: String,
        /// Which worker of a Job; 0 for a container.
        worker: u32,
        /// The process.
        process: ProcessRecord,
    },
    /// A process of a node ended.
    ProcessEnded {
        /// The node.
        node: String,
        /// Which worker.
        worker: u32,
        /// How.
        end: ProcessEnd,
        /// When.
        at: Timestamp,
    },
    /// A person decided about a gate.
    // Stored under its old name, and so is the decision.
    #[serde(rename = "gateAnswered")]
    GateDecided {
        /// The gate's name.
        gate: String,
        /// The decision.
        #[serde(rename = "answer")]
        decision: GateDecision,
        /// The nodes that waited for it; none when it was made in advance.
        nodes: Vec<String>,
        /// The entry from which later calls of the gate read the decision.
        entry: Option<ConfigMapKey>,
    },
    /// A person asked for the end of the run.
    ShutdownRequested {
        /// How.
        shutdown: Shutdown,
        /// When.
        at: Timestamp,
    },
}

/// Everything known about a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunState {
    /// Which run.
    pub identity: RunIdentity,
    /// How far it is.
    pub phase: NodePhase,
    /// Why it has that phase.
    pub message: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The nodes by id.
    pub nodes: BTreeMap<String, Node>,
    /// How it was asked to end.
    pub shutdown: Option<Shutdown>,
    /// Entries of a ConfigMap that were written since the run was submitted.
    pub config_map_entries: BTreeMap<ConfigMapKey, String>,
    /// The latest decision about each gate, by the gate's name.
    pub decisions: BTreeMap<String, GateDecision>,
    /// Parameters of the whole run that are outputs of nodes.
    pub exported: BTreeMap<String, String>,
}

impl RunState {
    /// Returns the state of a run that has no journal yet.
    pub(crate) fn new(identity: RunIdentity) -> Self {
        Self {
            identity,
            phase: NodePhase::Pending,
            message: None,
            started_at: None,
            finished_at: None,
            nodes: BTreeMap::new(),
            shutdown: None,
            config_map_entries: BTreeMap::new(),
            decisions: BTreeMap::new(),
            exported: BTreeMap::new(),
        }
    }

    /// Returns whether the run has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.phase.is_complete()
    }

    /// Returns whether new work of this part may not start because the run is being ended.
    pub(crate) fn is_ending(&self, part: Part) -> bool {
        match self.shutdown {
            None => false,
            Some(Shutdown::Stop) => part == Part::Main,
            Some(Shutdown::Terminate) => true,
        }
    }

    /// Applies one entry.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::RunStarted { at } => {
                self.phase = NodePhase::Running;
                self.started_at = Some(*at);
            }
            Entry::RunEnded { phase, message, at } => {
                self.phase = *phase;
                self.message.clone_from(message);
                self.finished_at = Some(*at);
            }
            Entry::RunResumed { nodes, at: _ } => self.resume(nodes),
            Entry::NodeCreated { node } => {
                self.nodes.entry(node.id.clone()).or_insert_with(|| Node::clone(node));
            }
            Entry::ChildAdded { parent, child } => self.change(parent, |node| {
                if !node.children.contains(child) {
                    node.children.push(child.clone());
                }
            }),
            Entry::OutboundSet { node, outbound } => {
                self.change(node, |node| node.outbound.clone_from(outbound));
            }
            Entry::PhaseChanged { node, phase, message, at } => {
                self.change(node, |node| set_phase(node, *phase, message.as_ref(), *at));
            }
            Entry::OutputsSet { node, outputs } => {
                self.change(node, |node| node.outputs.clone_from(outputs));
            }
            Entry::Exported { name, value } => {
                self.exported.insert(name.clone(), value.clone());
            }
            Entry::ProcessStarted { node, worker, process } => self.change(node, |node| {
                node.processes.insert(*worker, process.clone());
                node.job.started += 1;
            }),
            Entry::ProcessEnded { node, worker, end, at } => self.change(node, |node| {
                node.processes.remove(worker);
                match end {
                    ProcessEnd::Exited(0) => node.job.succeeded += 1,
                    ProcessEnd::Exited(_) => {
                        node.job.failed += 1;
                        node.job.last_failure = Some(*at);
                    }
                    ProcessEnd::Lost => {}
                }
            }),
            Entry::GateDecided { gate, decision, nodes, entry } => {
                self.decide(gate, decision, nodes, entry.as_ref());
            }
            Entry::ShutdownRequested { shutdown, at: _ } => {
                // Terminate is stronger; a later stop does not weaken it.
                if self.shutdown != Some(Shutdown::Terminate) {
                    self.shutdown = Some(*shutdown);
                }
            }
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id) {
            change(node);
        }
    }

    fn resume(&mut self, ResumePlan { removed, revived }: &ResumePlan) {
        self.nodes.retain(|id, _| !removed.contains(id));
        for node in self.nodes.values_mut() {
            node.children.retain(|id| !removed.contains(id));
            node.outbound.retain(|id| !removed.contains(id));
            if revived.contains(&node.id) {
                node.phase = NodePhase::Running;
                node.message = None;
                node.finished_at = None;
                node.outputs = Outputs::default();
                node.outbound.clear();
            }
        }
        // The rejected gates wait again.
        self.decisions.retain(|_, decision| decision.verdict != Verdict::Rejected);
        self.config_map_entries.retain(|_, word| word != Verdict::Rejected.as_str());
        self.shutdown = None;
        self.phase = NodePhase::Running;
        self.message = None;
        self.finished_at = None;
    }

    fn decide(
        &mut self,
        gate: &str,
        decision: &GateDecision,
        nodes: &[String],
        entry: Option<&ConfigMapKey>,
    ) {
        let phase = match decision.verdict {
            Verdict::Approved => NodePhase::Succeeded,
            Verdict::Rejected => NodePhase::Failed,
        };
        let word = decision.verdict.as_str();
        let message = match &decision.reason {
            Some(reason) => format!("{word} by {}: {reason}", decision.by),
            None => format!("{word} by {}", decision.by),
        };
        for id in nodes {
            self.change(id, |node| set_phase(node, phase, Some(&message), decision.at));
        }
        if let Some(key) = entry {
            self.config_map_entries.insert(key.clone(), word.to_owned());
        }
        self.decisions.insert(gate.to_owned(), decision.clone());
    }
}

fn set_phase(node: &mut Node, phase: NodePhase, message: Option<&String>, at: Timestamp) {
    if node.is_fulfilled() {
        return;
    }
    node.phase = phase;
    if let Some(message) = message {
        node.message = (!message.is_empty()).then(|| message.clone());
    }
    if phase.is_complete() {
        node.finished_at = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_stored_under_the_names_of_earlier_versions() {
        let at = Timestamp::UNIX_EPOCH;
        let decision =
            GateDecision { verdict: Verdict::Approved, by: "ann".to_owned(), at, reason: None };
        let (gate, nodes) = ("g".to_owned(), vec!["n".to_owned()]);
        let decided = Entry::GateDecided { gate, decision, nodes, entry: None };
        let resumed = Entry::RunResumed { nodes: ResumePlan::default(), at };
        let stored = [
            json!({
                "what": "gateAnswered",
                "gate": "g",
                "answer": {
                    "verdict": Verdict::Approved,
                    "by": "ann",
                    "at": "1970-01-01T00:00:00Z",
                    "reason": null,
                },
                "nodes": ["n"],
                "entry": null,
            }),
            json!({
                "what": "runReopened",
                "nodes": { "removed": [], "revived": [] },
                "at": "1970-01-01T00:00:00Z",
            }),
        ];
        for (entry, stored) in [decided, resumed].into_iter().zip(stored) {
            assert_eq!(serde_json::to_value(&entry).expect("JSON"), stored);
            assert_eq!(serde_json::from_value::<Entry>(stored).expect("an entry"), entry);
        }
    }
}
