//! A run at one moment: what was compiled and what happened, joined, and what to type next.

use argo::{NodePhase, WorkflowStatus};
use engine::{Gate, GateState};
use runs::{Branch, Known, Sight, Trouble, workflow_flag};
use serde_json::Value;

use super::text::Header;

/// One look at a run.
pub(crate) struct Look {
    /// The workflow's name.
    pub(crate) name: String,
    /// What runs it.
    pub(crate) engine: &'static str,
    /// Phases and nodes.
    pub(crate) status: WorkflowStatus,
    /// The tree.
    pub(crate) branches: Vec<Branch>,
    /// The gates.
    pub(crate) gates: Vec<Gate>,
    /// Why it cannot go on by itself.
    pub(crate) trouble: Option<Trouble>,
    /// What else is to be known.
    pub(crate) notes: Vec<String>,
}

impl Look {
    /// Makes it of what an engine showed of the workflow.
    pub(crate) fn of(name: &str, engine: &'static str, sight: Sight) -> Self {
        let Sight { status, outline, progress, gates, trouble, notes, cleanup_held: _ } = sight;
        let known = Known { outline: &outline, status: &status, progress: &progress };
        let branches = runs::tree(&known);
        Self { name: name.to_owned(), engine, status, branches, gates, trouble, notes }
    }

    /// Returns the gates that wait for a person.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.state == GateState::Waiting)
    }

    /// Prints header and tree.
    pub(crate) fn text(&self) -> String {
        super::text::render(&self.header(), &self.branches)
    }

    /// Returns the object of `--output json`.
    pub(crate) fn json(&self) -> Value {
        super::json::workflow(&self.header(), &self.branches, &self.gates)
    }

    fn header(&self) -> Header<'_> {
        let Self { name, engine, status, trouble, notes, branches: _, gates: _ } = self;
        let warning = trouble.as_ref().map(|trouble| trouble.message.as_str());
        Header { name, engine, status, warning, notes }
    }

    /// Returns what to type next.
    pub(crate) fn next_command(&self) -> String {
        let name = &self.name;
        if let Some(trouble) = &self.trouble {
            return trouble.command.clone();
        }
        if let Some(gate) = self.waiting().next() {
            let flag = workflow_flag(name);
            return format!("workflow approve step {}{flag}", gate.name);
        }
        match self.status.phase {
            NodePhase::Failed | NodePhase::Error => {
                format!(
                    "workflow log all{}, and once the cause is mended: workflow resume {name}",
                    workflow_flag(name)
                )
            }
            NodePhase::Succeeded => "console clusters cat-indices --refresh".to_owned(),
            _ => format!("watch -n 2 workflow status {name}"),
        }
    }
}
