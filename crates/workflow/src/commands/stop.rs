//! `workflow stop`: end a migration before its end.

use contract::Exit;
use engine::Shutdown;
use runs::{Backend, Stopped};
use serde_json::json;

use crate::{
    args::{Format, Stop},
    output::{self, failure},
};

/// Runs `workflow stop`.
pub(crate) fn run(backend: &dyn Backend, flags: &Stop, format: Format) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.name)?;
    let shutdown = if flags.terminate { Shutdown::Terminate } else { Shutdown::Stop };
    // What somebody ended by other means may have left a fleet behind.
    let may_be_left = !run.is_complete || shutdown == Shutdown::Terminate;
    let stopped = if may_be_left { backend.stop(&run, shutdown)? } else { Stopped::default() };
    if run.is_complete && stopped.fleets.is_empty() {
        let phase = run.phase.as_str();
        let message = format!("workflow `{}` has ended already ({phase})", run.name);
        return Err(failure(Exit::Conflict, message));
    }
    for line in stopped.lines() {
        output::message(&line);
    }
    if format == Format::Json {
        let fleets = &stopped.fleets;
        output::json(&json!({ "name": run.name, "uid": run.uid, "endedFleets": fleets }))?;
    }
    output::hint(&format!("workflow status {}", run.name));
    Ok(Exit::Done)
}
