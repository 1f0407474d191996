//! `workflow status`: how far is it, and what is waited for?

use std::collections::BTreeMap;

use argo::{NodePhase, WorkflowStatus};
use engine::{Gate, GateState, RunRecord, Store};
use serde_json::{Value, json};
use session::StateDir;
use step_api::Exit;

use crate::{
    args::{Format, Status},
    failure, local, output,
    view::{
        self,
        text::Header,
        tree::{Branch, Known},
    },
};

/// Runs `workflow status`.
pub(crate) fn run(state: &StateDir, flags: &Status, format: Format) -> anyhow::Result<Exit> {
    let store = local::open(state)?;
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let runs = match named {
        Some(name) => vec![local::run(&store, name)?],
        None if flags.all => store.runs()?,
        None => running_or_newest(&store)?,
    };
    let looks = runs.iter().map(|run| Look::at(&store, run)).collect::<anyhow::Result<Vec<_>>>()?;
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
fn running_or_newest(store: &Store) -> anyhow::Result<Vec<RunRecord>> {
    let runs = store.runs()?;
    let newest = runs.iter().max_by_key(|run| run.created_at).cloned();
    let running: Vec<RunRecord> = runs.into_iter().filter(|run| !run.is_complete()).collect();
    Ok(if running.is_empty() { newest.into_iter().collect() } else { running })
}

/// One look at a run.
pub(crate) struct Look {
    /// The workflow's name.
    pub(crate) name: String,
    /// Phases and nodes.
    pub(crate) status: WorkflowStatus,
    /// The tree.
    pub(crate) branches: Vec<Branch>,
    /// The gates.
    pub(crate) gates: Vec<Gate>,
    /// What is wrong beside what the status says.
    pub(crate) warning: Option<String>,
}

impl Look {
    /// Looks at a run.
    pub(crate) fn at(store: &Store, run: &RunRecord) -> anyhow::Result<Self> {
        let RunRecord { uid, name, .. } = run;
        // The order matters: an engine that ends between the two looks leaves a complete run.
        let alive = store.is_engine_alive(uid)?;
        let known = store.status(uid)?;
        let mut status = known.status;
        let is_dead = !alive && !status.phase.is_complete();
        let warning = is_dead.then(|| {
            format!("its engine is not running; nothing is lost: run `workflow resume {name}`")
        });
        explain_failures(store, uid, &mut status)?;
        let manifests = store.manifests(uid)?;
        let branches = view::tree::tree(&Known {
            manifests: &manifests,
            status: &status,
            progress: &known.progress,
        });
        Ok(Self { name: name.clone(), status, branches, gates: store.gates(uid)?, warning })
    }

    /// Returns the gates that wait for a person.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.state == GateState::Waiting)
    }

    /// Prints header and tree.
    pub(crate) fn text(&self) -> String {
        let Self { name, status, branches, warning, gates: _ } = self;
        let header = Header { name, status, warning: warning.as_deref() };
        view::text::render(&header, branches)
    }

    /// Returns the object of `--output json`.
    pub(crate) fn json(&self) -> Value {
        let Self { name, status, branches, gates, warning } = self;
        view::json::workflow(name, status, warning.as_deref(), branches, gates)
    }

    /// Returns what to type next.
    pub(crate) fn next_command(&self) -> String {
        let name = &self.name;
        if self.warning.is_some() {
            return format!("workflow resume {name}");
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

/// Returns the flag that names the workflow, where it is not the default one.
pub(crate) fn workflow_flag(name: &str) -> String {
    if name == crate::args::DEFAULT_WORKFLOW {
        String::new()
    } else {
        format!(" --workflow-name {name}")
    }
}

/// Puts what a failed step said in the place of its exit code.
fn explain_failures(store: &Store, uid: &str, status: &mut WorkflowStatus) -> anyhow::Result<()> {
    if !status.nodes.values().any(|node| node.phase.is_failure()) {
        return Ok(());
    }
    let mut logs = BTreeMap::new();
    for file in store.log_files(uid)? {
        logs.entry(file.node.clone()).or_insert_with(Vec::new).push(file.path);
    }
    for node in status.nodes.values_mut().filter(|node| node.phase.is_failure()) {
        let said =
            logs.get(&node.id).into_iter().flatten().find_map(|log| failure::last_error(log));
        if let Some(said) = said {
            node.message = Some(said);
        }
    }
    Ok(())
}
