//! A step, a gate or a group of them, as a person sees it.

use std::fmt;

use argo::{NodePhase, NodeType};
use contract::{
    numbers::duration,
    progress::{Progress, Waiting},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// A node of the tree of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunNode {
    /// The path of names from the workflow to the node, with a dot between two; unique in a run.
    pub name: String,
    /// The name to show; of a gate, the name to type.
    pub display_name: String,
    /// Argo's type of the node, or the type that it will have.
    #[serde(rename = "type")]
    #[schemars(schema_with = "schema::node_type")]
    pub kind: NodeType,
    /// The phase, in Argo's words.
    #[schemars(schema_with = "schema::phase")]
    pub phase: NodePhase,
    /// The phase and type in one word.
    pub state: NodeState,
    /// Why the node has this phase.
    pub message: Option<String>,
    /// What the node waits for before it can continue.
    pub waiting: Option<NodeWaiting>,
    /// How much of a long step is done.
    pub progress: Option<Progress>,
    /// How often the step was tried again.
    pub retries: usize,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
    /// The commands that are about this node.
    pub commands: Vec<String>,
    /// The number of nodes above it.
    pub depth: usize,
    /// The position of the node above it in the list of nodes; the workflow has none.
    pub parent: Option<usize>,
    /// The position after the last node below it in the list of nodes.
    pub subtree_end: usize,
    /// The steps and gates below it, by state.
    pub counts: StepCounts,
    /// What the step was given. Not part of the JSON, because requests can be large.
    #[serde(skip)]
    pub requests: Vec<NodeValue>,
    /// What the step returned. Not part of the JSON, because answers can be large.
    #[serde(skip)]
    pub outputs: Vec<NodeValue>,
}

impl RunNode {
    /// Returns whether no node is below it; `position` is its place in the list of nodes.
    pub fn is_leaf(&self, position: usize) -> bool {
        self.subtree_end == position + 1
    }

    /// Returns whether a person has to act: a gate waits, or a step failed.
    pub fn needs_attention(&self) -> bool {
        matches!(self.state, NodeState::Waiting | NodeState::Failed)
    }

    /// Returns whether the node is a gate that waits for a decision.
    pub fn is_waiting_gate(&self) -> bool {
        self.state == NodeState::Waiting
    }
}

/// The phase and type of a node in one word.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum NodeState {
    /// Not reached yet.
    #[default]
    Pending,
    /// A step that runs.
    Running,
    /// A gate that waits for a decision.
    Waiting,
    /// Failed.
    Failed,
    /// Succeeded.
    Succeeded,
    /// Not needed, or not reachable any more.
    Skipped,
}

impl NodeState {
    /// Returns the state of a node of this type and phase.
    pub fn of(kind: NodeType, phase: NodePhase) -> Self {
        match phase {
            NodePhase::Pending => Self::Pending,
            NodePhase::Running if kind == NodeType::Suspend => Self::Waiting,
            NodePhase::Running => Self::Running,
            NodePhase::Succeeded => Self::Succeeded,
            NodePhase::Failed | NodePhase::Error => Self::Failed,
            NodePhase::Skipped | NodePhase::Omitted => Self::Skipped,
        }
    }
}

/// What a node waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "for", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NodeWaiting {
    /// A gate waits for a person.
    Decision {
        /// When the gate began to wait.
        since: Option<Timestamp>,
        /// The command that approves it.
        approve: String,
        /// The command that rejects it.
        reject: String,
    },
    /// A step waits for a request to succeed, or for a condition.
    Request(Waiting),
    /// The pod of a step cannot start or continue.
    Pod {
        /// Why, and what to do.
        reason: String,
    },
}

impl NodeWaiting {
    /// Returns one phrase for a person, as of `now`.
    pub fn phrase(&self, now: Timestamp) -> String {
        match self {
            Self::Decision { since, approve, reject } => {
                let time = since.map(|since| {
                    let seconds = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
                    format!(" {}", duration(seconds))
                });
                let time = time.unwrap_or_default();
                format!("waiting{time} for a decision; run `{approve}` or `{reject}`")
            }
            Self::Request(waiting) => waiting.phrase(now),
            Self::Pod { reason } => reason.clone(),
        }
    }
}

/// A value that a step was given or returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeValue {
    /// The name of the parameter.
    pub name: String,
    /// The process that it belongs to, if the step consists of several.
    pub process: Option<String>,
    /// The value, mostly JSON.
    pub value: String,
}

impl NodeValue {
    /// Returns the heading above the value: `answer`, or `answer of prepare`.
    pub fn heading(&self) -> String {
        match &self.process {
            Some(process) => format!("{} of {process}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Numbers of steps and gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCounts {
    /// All of them.
    pub total: usize,
    /// Those that succeeded.
    pub succeeded: usize,
    /// Gates that wait for a decision.
    pub waiting: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that were not needed, or are not reachable any more.
    pub skipped: usize,
}

impl StepCounts {
    /// Counts one more.
    pub(super) fn add(&mut self, state: NodeState) {
        self.total += 1;
        match state {
            NodeState::Succeeded => self.succeeded += 1,
            NodeState::Skipped => self.skipped += 1,
            NodeState::Waiting => self.waiting += 1,
            NodeState::Failed => self.failed += 1,
            NodeState::Pending | NodeState::Running => {}
        }
    }
}

/// `3/7 done, 1 waiting`.
impl fmt::Display for StepCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{} done", self.succeeded, self.total)?;
        let others =
            [(self.waiting, "waiting"), (self.failed, "failed"), (self.skipped, "skipped")];
        for (count, word) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(formatter, ", {count} {word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_says_since_when_it_waits_and_which_commands_answer_it() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let waiting = NodeWaiting::Decision {
            since: Some(at("2026-11-20T10:00:00Z")),
            approve: "workflow approve step g".to_owned(),
            reject: "workflow reject step g".to_owned(),
        };
        assert_eq!(
            waiting.phrase(at("2026-11-20T10:03:20Z")),
            "waiting 3 min 20 s for a decision; run `workflow approve step g` or `workflow reject \
             step g`"
        );
        // A clock that is behind gives no negative times.
        assert!(waiting.phrase(at("2026-11-20T09:00:00Z")).starts_with("waiting 0 s for"));
    }

    #[test]
    fn what_a_node_waits_for_is_one_object_in_json() {
        let pod = NodeWaiting::Pod { reason: "no image".to_owned() };
        let json = serde_json::json!({ "for": "pod", "reason": "no image" });
        assert_eq!(serde_json::to_value(&pod).expect("JSON"), json);
        assert_eq!(serde_json::from_value::<NodeWaiting>(json).expect("read"), pod);
        let request = serde_json::json!({
            "for": "request", "request": "GET /", "lastAnswer": "503",
            "since": "2026-11-20T10:00:00Z",
        });
        let read: NodeWaiting = serde_json::from_value(request.clone()).expect("read");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), request);
    }
}
