//! `workflow resume`: go on with a migration that stopped or failed.

use contract::Exit;
use runs::Backend;
use serde_json::json;

use crate::{
    args::{Format, Named},
    output,
};

/// Runs `workflow resume`.
pub(crate) fn run(backend: &dyn Backend, flags: &Named, format: Format) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.name)?;
    let name = &run.name;
    output::message(&backend.resume(&run)?.sentence(name));
    if format == Format::Json {
        output::json(&json!({ "name": name, "uid": run.uid }))?;
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}
