//! `workflow status`: how much of a run is done, and what does it wait for?

use cli_support::output;
use contract::Exit;
use runs::{Backend, Run};
use serde_json::json;

use crate::{
    args::{Format, Status},
    view::text,
};

/// Runs `workflow status`.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Status,
    format: Format,
) -> anyhow::Result<Exit> {
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let runs = match named {
        Some(name) => vec![backend.get(name).await?],
        None if flags.all => backend.list().await?,
        None => running_or_newest(backend).await?,
    };
    let mut models = Vec::with_capacity(runs.len());
    for run in &runs {
        models.push(backend.model(run).await?);
    }
    match (format, models.as_slice()) {
        (Format::Json, [model]) if !flags.all => output::json(model)?,
        (Format::Json, models) => output::json(&json!({ "workflows": models }))?,
        (Format::Text, []) => {
            output::message("no workflow is running, and none ran before");
            output::hint("workflow submit");
        }
        (Format::Text, models) => {
            let now = backend.now();
            for (position, model) in models.iter().enumerate() {
                let space = if position == 0 { "" } else { "\n" };
                output::result(&format!("{space}{}", text::render(model, now)))?;
            }
            if let [model] = models {
                output::hint(&model.next_command);
            }
        }
    }
    Ok(Exit::Done)
}

/// Returns the runs that are running; if there are none, the newest one.
async fn running_or_newest(backend: &dyn Backend) -> anyhow::Result<Vec<Run>> {
    let runs = backend.list().await?;
    let newest = runs.iter().max_by_key(|run| run.created_at).cloned();
    let running: Vec<Run> = runs.into_iter().filter(|run| !run.is_complete).collect();
    Ok(if running.is_empty() { newest.into_iter().collect() } else { running })
}
