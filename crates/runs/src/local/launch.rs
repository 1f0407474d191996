//! Starts the engine of a run as a process of its own, which outlives this one.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use cli_support::StateDir;
use engine::Store;

/// How often to check whether the engine has started.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Starts `workflow engine-run UID` in a process group of its own, so that Ctrl-C here does not
/// reach it, and waits until it has locked the run.
pub(super) async fn engine(state: &StateDir, store: &Store, uid: &str) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("finding this program")?;
    let folder = store.run_folder(uid);
    fs_err::create_dir_all(&folder)?;
    let log =
        fs_err::OpenOptions::new().create(true).append(true).open(folder.join("engine.log"))?;
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
        .context("starting the engine")?;
    loop {
        if store.is_engine_alive(uid)? {
            return Ok(());
        }
        // A short run may have ended already.
        if child.try_wait()?.is_some() {
            let ended = store.run_by_uid(uid)?.is_complete();
            return if ended { Ok(()) } else { Err(died(&folder)) };
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn died(folder: &std::path::Path) -> anyhow::Error {
    let path = folder.join("engine.log");
    let log = fs_err::read_to_string(&path).unwrap_or_default();
    let Some(last) = log.lines().last() else {
        return anyhow::anyhow!(
            "the engine did not start and could not write the reason to {}; check whether the \
             disk of the state directory is full, then run `workflow resume`",
            path.display()
        );
    };
    anyhow::anyhow!(
        "the engine did not start: {last} (see {}); fix that, then run `workflow resume`",
        path.display()
    )
}
