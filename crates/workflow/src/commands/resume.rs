//! `workflow resume`: go on with a migration that stopped or failed.

use serde_json::json;
use step_api::Exit;

use crate::{
    args::{Format, Named},
    backend::{Backend, Resumed},
    output,
};

/// Runs `workflow resume`.
pub(crate) fn run(backend: &dyn Backend, flags: &Named, format: Format) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.name)?;
    let name = &run.name;
    output::tell(&match backend.resume(&run)? {
        Resumed::Running => format!("workflow `{name}` is running already"),
        Resumed::Continued => format!("workflow `{name}` goes on where it stopped"),
        Resumed::Retried(again) => format!(
            "workflow `{name}` goes on; what succeeded stays, and this is tried again: {}",
            if again.is_empty() { "what had not begun".to_owned() } else { again.join(", ") }
        ),
    });
    if format == Format::Json {
        output::json(&json!({ "name": name, "uid": run.uid }))?;
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}
