//! `workflow resume`: continue a migration that stopped or failed.

use cli_support::output;
use contract::Exit;
use runs::Backend;
use serde_json::json;

use crate::args::{Format, Named};

/// Runs `workflow resume`.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Named,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.get(&flags.name).await?;
    let name = &run.name;
    output::message(&backend.resume(&run).await?.sentence(name));
    if format == Format::Json {
        output::json(&json!({ "name": name, "uid": run.uid }))?;
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}
