//! `workflow stop`: end a migration before its end.

use engine::{RunRecord, Shutdown, Store};
use serde_json::json;
use session::StateDir;
use step_api::Exit;

use crate::{
    args::{Format, Stop},
    launch, local,
    output::{self, failure},
};

/// Runs `workflow stop`.
pub(crate) fn run(state: &StateDir, flags: &Stop, format: Format) -> anyhow::Result<Exit> {
    let store = local::open(state)?;
    let run = local::run(&store, &flags.name)?;
    if run.is_complete() {
        let message = format!("workflow `{}` has ended already ({})", run.name, run.phase);
        return Err(failure(Exit::Conflict, message));
    }
    let shutdown = if flags.terminate { Shutdown::Terminate } else { Shutdown::Stop };
    request(state, &store, &run, shutdown)?;
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

/// Asks for the end of a run; a run whose engine died gets one again, to end it in good order.
pub(crate) fn request(
    state: &StateDir,
    store: &Store,
    run: &RunRecord,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    store.request_stop(&run.uid, shutdown).map_err(local::error)?;
    if !store.is_engine_alive(&run.uid)? {
        launch::engine(state, store, &run.uid)?;
    }
    Ok(())
}
