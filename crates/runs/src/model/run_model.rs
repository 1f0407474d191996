//! A run at one moment.

use argo::{NodePhase, NodeType};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use super::{
    assembly,
    node::{RunNode, StepCounts},
    observation::{Observation, Trouble, time},
    plain::plain,
    schema,
    tree::{self, Branch},
};
use crate::{
    commands::workflow_flag,
    gates::{Gate, GateState},
    run::Run,
};

/// A run at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunModel {
    /// The name of the workflow.
    pub name: String,
    /// The id of this run; no other run has it.
    pub uid: String,
    /// What runs it.
    pub engine: EngineKind,
    /// The phase, in Argo's words; `Error` while the run cannot continue by itself.
    #[schemars(schema_with = "schema::phase")]
    pub phase: NodePhase,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
    /// What the engine reports about the run as a whole.
    pub message: Option<String>,
    /// Why the run cannot continue by itself.
    pub trouble: Option<Trouble>,
    /// Other facts that a person should know.
    pub notes: Vec<String>,
    /// Why the cleanup of a run that is ending cannot start.
    pub cleanup_blocked: Option<String>,
    /// The command to run next.
    pub next_command: String,
    /// The nodes of the tree, each before the nodes below it; the first one is the workflow.
    pub nodes: Vec<RunNode>,
    /// The gates, in the order of the tree.
    pub gates: Vec<Gate>,
}

/// What runs migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EngineKind {
    /// The embedded engine, on this machine.
    Local,
    /// Argo Workflows, on a Kubernetes cluster.
    Argo,
}

impl EngineKind {
    /// Returns the value of the flag `--engine`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Argo => "argo",
        }
    }
}

impl RunModel {
    /// Joins what an engine knows of a run.
    pub fn new(run: &Run, engine: EngineKind, observation: &Observation) -> Self {
        Self::from_tree(run, engine, observation, &tree::tree(observation))
    }

    /// Makes the model of a tree that exists already.
    pub fn from_tree(
        run: &Run,
        engine: EngineKind,
        observation: &Observation,
        branches: &[Branch],
    ) -> Self {
        let Observation { status, gates, trouble, notes, cleanup_blocked, .. } = observation;
        let phase = if trouble.is_some() { NodePhase::Error } else { status.phase };
        let next_command = next_command(&run.name, status.phase, trouble.as_ref(), gates);
        let nodes = assembly::nodes(run, phase, &next_command, observation, branches);
        let [started_at, finished_at] =
            [&status.started_at, &status.finished_at].map(|at| time(at.as_ref()));
        Self {
            name: run.name.clone(),
            uid: run.uid.clone(),
            engine,
            phase,
            created_at: run.created_at,
            started_at,
            finished_at,
            message: status.message.as_deref().map(plain),
            trouble: trouble.clone(),
            notes: notes.iter().map(|note| plain(note)).collect(),
            cleanup_blocked: cleanup_blocked.clone(),
            next_command,
            nodes,
            gates: gates.clone(),
        }
    }

    /// Returns the JSON schema of the model.
    pub fn schema() -> Schema {
        SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Self>()
    }

    /// Returns whether the run has ended, successfully or not.
    pub fn has_ended(&self) -> bool {
        self.trouble.is_none() && self.phase.is_complete()
    }

    /// Returns the run that the model is about.
    pub fn run(&self) -> Run {
        Run {
            name: self.name.clone(),
            uid: self.uid.clone(),
            created_at: self.created_at,
            phase: self.phase,
            is_complete: self.has_ended(),
        }
    }

    /// Returns the position of the node with a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Returns the numbers of all steps and gates.
    pub fn counts(&self) -> StepCounts {
        self.nodes.first().map(|root| root.counts).unwrap_or_default()
    }

    /// Returns the gate with a name.
    pub fn gate(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// Returns the gate that a node is.
    pub fn gate_of(&self, node: &RunNode) -> Option<&Gate> {
        let is_gate = node.kind == NodeType::Suspend;
        is_gate.then(|| self.gate(&node.display_name)).flatten()
    }

    /// Returns the gates that wait for a decision.
    pub fn waiting_gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.state == GateState::Waiting)
    }
}

/// Returns the command to run next.
fn next_command(name: &str, phase: NodePhase, trouble: Option<&Trouble>, gates: &[Gate]) -> String {
    let flag = workflow_flag(name);
    if let Some(trouble) = trouble {
        return trouble.command.clone();
    }
    if let Some(gate) = gates.iter().find(|gate| gate.state == GateState::Waiting) {
        return format!("workflow approve step {}{flag}", gate.name);
    }
    match phase {
        NodePhase::Failed | NodePhase::Error => format!(
            "workflow log all{flag}, and once you have fixed the cause: workflow resume {name}"
        ),
        NodePhase::Succeeded => "console clusters cat-indices --refresh".to_owned(),
        _ => format!("watch -n 2 workflow status {name}"),
    }
}
