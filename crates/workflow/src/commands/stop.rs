//! `workflow stop`: end a migration before its end.

use engine::Shutdown;
use serde_json::json;
use step_api::Exit;

use crate::{
    args::{Format, Stop},
    backend::Backend,
    output::{self, failure},
    view::text::phase_name,
};

/// Runs `workflow stop`.
pub(crate) fn run(backend: &dyn Backend, flags: &Stop, format: Format) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.name)?;
    if run.is_complete {
        let phase = phase_name(run.phase);
        let message = format!("workflow `{}` has ended already ({phase})", run.name);
        return Err(failure(Exit::Conflict, message));
    }
    let shutdown = if flags.terminate { Shutdown::Terminate } else { Shutdown::Stop };
    backend.stop(&run, shutdown)?;
    output::tell(match shutdown {
        Shutdown::Stop => "stopping: running steps end, then the cleanup runs",
        Shutdown::Terminate => "terminating: running steps end, no cleanup runs",
    });
    if format == Format::Json {
        output::json(&json!({ "name": run.name, "uid": run.uid }))?;
    }
    output::hint(&format!("workflow status {}", run.name));
    Ok(Exit::Done)
}
