//! Where is what in the state directory?
//!
//! ```text
//! <state>/
//!   argosy.db                     runs, journal, progress (SQLite, write-ahead log): see `store`
//!   secrets/<name>/<key>          see `secrets`
//!   runs/<uid>/                   the folder of a run
//!     engine.lock                 locked while an engine works on the run: see `lock`
//!     logs/<node>.log             a container's log
//!     logs/<node>.<worker>.log    the log of a worker of a Job: see `logs`
//!     <node>/[<worker>/]          the folder of a process: see `prepare`
//!       volumes/<volume>/
//!       argosy/progress.json
//!       argosy/argo-progress
//! ```

use std::path::{Path, PathBuf};

/// The environment variable of every process of a run: the folder of the run. It marks the process
/// and what the process starts, so that leftovers of an engine that died are found.
pub(crate) const RUN_FOLDER_VARIABLE: &str = "ARGOSY_ENGINE_RUN";

/// Returns the database of a state directory.
pub(crate) fn database(state: &Path) -> PathBuf {
    state.join("argosy.db")
}

/// Returns the folder of the secrets of a state directory.
pub(crate) fn secrets(state: &Path) -> PathBuf {
    state.join("secrets")
}

/// Returns the folder of a run.
pub(crate) fn run(state: &Path, uid: &str) -> PathBuf {
    state.join("runs").join(uid)
}

/// Returns the file that an engine locks while it works on the run.
pub(crate) fn engine_lock(run: &Path) -> PathBuf {
    run.join("engine.lock")
}

/// Returns the log of a process: of a container, or of a worker of a Job.
pub(crate) fn log(run: &Path, node: &str, worker: Option<u32>) -> PathBuf {
    let name = match worker {
        Some(worker) => format!("{node}.{worker}.log"),
        None => format!("{node}.log"),
    };
    run.join("logs").join(name)
}

/// Returns the folder of a process: of a container, or of a worker of a Job.
pub(crate) fn process(run: &Path, node: &str, worker: Option<u32>) -> PathBuf {
    let folder = run.join(node);
    match worker {
        Some(worker) => folder.join(worker.to_string()),
        None => folder,
    }
}

/// Returns the folder of the volumes of a process.
pub(crate) fn volumes(process: &Path) -> PathBuf {
    process.join("volumes")
}

/// Returns the folder of the files that the engine gives to a process.
pub(crate) fn own_files(process: &Path) -> PathBuf {
    process.join("argosy")
}
