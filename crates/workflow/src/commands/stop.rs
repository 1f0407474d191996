//! `workflow stop`: end a migration before its end.

use cli_support::output::{self, failure};
use contract::Exit;
use runs::{Backend, StopMode, StopReport};
use serde_json::json;

use crate::args::{Format, Stop};

/// Runs `workflow stop`.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Stop,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.get(&flags.name).await?;
    let mode = if flags.terminate { StopMode::Terminate } else { StopMode::Stop };
    // A run that was ended by other means may have left a fleet behind.
    let may_be_left = !run.is_complete || mode == StopMode::Terminate;
    let report = if may_be_left { backend.stop(&run, mode).await? } else { StopReport::default() };
    if run.is_complete && report.fleets.is_empty() {
        let phase = run.phase.as_str();
        let message = format!("workflow `{}` has ended already ({phase})", run.name);
        return Err(failure(Exit::Conflict, message));
    }
    for line in report.lines() {
        output::message(&line);
    }
    if format == Format::Json {
        let fleets = &report.fleets;
        output::json(&json!({ "name": run.name, "uid": run.uid, "endedFleets": fleets }))?;
    }
    output::hint(&format!("workflow status {}", run.name));
    Ok(Exit::Done)
}
