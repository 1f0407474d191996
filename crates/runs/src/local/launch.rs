//! Starts the engine of a run as a process of its own, which outlives this one.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use cli_support::StateDir;
use engine::Store;

use super::error::LocalError;
use crate::error::BackendError;

/// How often to check whether the engine has started.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Starts `workflow engine-run UID` in a process group of its own, so that Ctrl-C here does not
/// reach it, and waits until it has locked the run.
pub(super) async fn engine(state: &StateDir, store: &Store, uid: &str) -> Result<(), BackendError> {
    let program = std::env::current_exe().map_err(LocalError::Program)?;
    let folder = store.run_folder(uid);
    fs_err::create_dir_all(&folder).map_err(LocalError::Files)?;
    let log = fs_err::OpenOptions::new().create(true).append(true).open(folder.join("engine.log"));
    let log = log.map_err(LocalError::Files)?;
    let (log, _) = log.into_parts();
    let mut child = Command::new(program)
        .arg("--state-dir")
        .arg(state.path())
        .arg("engine-run")
        .arg(uid)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(LocalError::Start)?;
    loop {
        if store.is_engine_alive(uid)? {
            return Ok(());
        }
        // A short run may have ended already.
        if child.try_wait().map_err(LocalError::Files)?.is_some() {
            let ended = store.run_by_uid(uid)?.is_complete();
            return if ended { Ok(()) } else { Err(died(&folder).into()) };
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn died(folder: &Path) -> LocalError {
    let log = folder.join("engine.log");
    let text = fs_err::read_to_string(&log).unwrap_or_default();
    match text.lines().last() {
        Some(last) => LocalError::EngineDied { last: last.to_owned(), log },
        None => LocalError::EngineSilent { log },
    }
}
