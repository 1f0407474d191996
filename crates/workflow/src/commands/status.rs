//! `workflow status`: how far is it, and what is waited for?

use contract::Exit;
use runs::{Backend, Run};
use serde_json::{Value, json};

use crate::{
    args::{Format, Status},
    output,
    view::look::Look,
};

/// Runs `workflow status`.
pub(crate) fn run(backend: &dyn Backend, flags: &Status, format: Format) -> anyhow::Result<Exit> {
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let runs = match named {
        Some(name) => vec![backend.run(name)?],
        None if flags.all => backend.runs()?,
        None => running_or_newest(backend)?,
    };
    let looks = runs.iter().map(|run| look(backend, run)).collect::<anyhow::Result<Vec<_>>>()?;
    match (format, looks.as_slice()) {
        (Format::Json, [look]) if !flags.all => output::json(&look.json())?,
        (Format::Json, looks) => {
            let workflows: Vec<Value> = looks.iter().map(Look::json).collect();
            output::json(&json!({ "workflows": workflows }))?;
        }
        (Format::Text, []) => {
            output::message("no workflow runs, and none ran before");
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

/// Looks at a run.
pub(crate) fn look(backend: &dyn Backend, run: &Run) -> anyhow::Result<Look> {
    Ok(Look::of(&run.name, backend.word(), backend.look(run)?))
}
