//! `workflow status`: how far is it, and what is waited for?

use argo::{NodePhase, WorkflowStatus};
use engine::{Gate, GateState};
use serde_json::{Value, json};
use step_api::Exit;

use crate::{
    args::{Format, Status},
    backend::{Backend, Run, Sight, Trouble},
    output,
    view::{
        self,
        text::Header,
        tree::{Branch, Known},
        workflow_flag,
    },
};

/// Runs `workflow status`.
pub(crate) fn run(backend: &dyn Backend, flags: &Status, format: Format) -> anyhow::Result<Exit> {
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let runs = match named {
        Some(name) => vec![backend.run(name)?],
        None if flags.all => backend.runs()?,
        None => running_or_newest(backend)?,
    };
    let looks =
        runs.iter().map(|run| Look::at(backend, run)).collect::<anyhow::Result<Vec<_>>>()?;
    match (format, looks.as_slice()) {
        (Format::Json, [look]) if !flags.all => output::json(&look.json())?,
        (Format::Json, looks) => {
            let workflows: Vec<Value> = looks.iter().map(Look::json).collect();
            output::json(&json!({ "workflows": workflows }))?;
        }
        (Format::Text, []) => {
            output::tell("no workflow runs, and none ran before");
            output::hint("workflow submit");
        }
        (Format::Text, looks) => {
            for (position, look) in looks.iter().enumerate() {
                let space = if position == 0 { "" } else { "\n" };
                output::result(&format!("{space}{}", look.text()))?;
            }
            if let [look] = looks {
                output::hint(&look.next_command());
            }
        }
    }
    Ok(Exit::Done)
}

/// What runs; when nothing does, what ran last.
fn running_or_newest(backend: &dyn Backend) -> anyhow::Result<Vec<Run>> {
    let runs = backend.runs()?;
    let newest = runs.iter().max_by_key(|run| run.created_at).cloned();
    let running: Vec<Run> = runs.into_iter().filter(|run| !run.is_complete).collect();
    Ok(if running.is_empty() { newest.into_iter().collect() } else { running })
}

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
    /// Looks at a run.
    pub(crate) fn at(backend: &dyn Backend, run: &Run) -> anyhow::Result<Self> {
        let Sight { status, outline, progress, gates, trouble, notes, cleanup_held: _ } =
            backend.look(run)?;
        let known = Known { outline: &outline, status: &status, progress: &progress };
        let branches = view::tree::tree(&known);
        let (name, engine) = (run.name.clone(), backend.word());
        Ok(Self { name, engine, status, branches, gates, trouble, notes })
    }

    /// Returns the gates that wait for a person.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.state == GateState::Waiting)
    }

    /// Prints header and tree.
    pub(crate) fn text(&self) -> String {
        view::text::render(&self.header(), &self.branches)
    }

    /// Returns the object of `--output json`.
    pub(crate) fn json(&self) -> Value {
        view::json::workflow(&self.header(), &self.branches, &self.gates)
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
