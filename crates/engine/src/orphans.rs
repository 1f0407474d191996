//! Which processes did a killed engine leave behind? They are ended before new ones start.
//!
//! Every process that an engine starts carries the run's folder in its environment, and so do the
//! processes that it starts. This also finds a process that was started just before the engine died
//! and is in no journal.

use std::{io, path::Path, time::Duration};

use fs_err as fs;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::layout::RUN_FOLDER_VARIABLE;

/// Ends all processes of a run: sends SIGTERM, waits up to `grace`, then sends SIGKILL.
pub(crate) async fn end_orphans(run_folder: &Path, grace: Duration) -> io::Result<()> {
    let mark = format!("{RUN_FOLDER_VARIABLE}={}", run_folder.display());
    let step = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    let mut signal = Signal::TERM;
    loop {
        let left = find(&mark)?;
        if left.is_empty() {
            return Ok(());
        }
        if waited.is_zero() || signal == Signal::KILL {
            tracing::warn!(count = left.len(), "ending processes of an engine that died");
            for pid in left {
                end(pid, &mark, signal)?;
            }
        }
        tokio::time::sleep(step).await;
        waited += step;
        if waited > grace {
            signal = Signal::KILL;
        }
    }
}

/// Returns the processes of a run.
fn find(mark: &str) -> io::Result<Vec<Pid>> {
    let processes = match fs::read_dir("/proc") {
        Ok(processes) => processes,
        // Not Linux: nothing can be found.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for process in processes {
        let name = process?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid
            && is_marked(pid, mark)
        {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Returns whether a process carries the mark; one that is gone or of another user does not.
fn is_marked(pid: Pid, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    environment.is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|one| one == mark.as_bytes()))
}

/// Sends a signal to a process that is still the marked one.
fn end(pid: Pid, mark: &str, signal: Signal) -> io::Result<()> {
    // The pid may have been reused, so check the mark again once the pidfd is open.
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    if !is_marked(pid, mark) {
        return Ok(());
    }
    match pidfd_send_signal(handle, signal) {
        Err(error) if error != rustix::io::Errno::SRCH => Err(error.into()),
        _ => Ok(()),
    }
}
