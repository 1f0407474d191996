//! Processes by their numbers: whether one is alive, and signals to a group of them.

use rustix::process::{Pid, kill_process_group, setpriority_process, test_kill_process};

use anyhow::{Context as _, Result};
pub use rustix::process::Signal;

/// Sends a signal to a process and all that it started.
pub fn signal_group(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be gone already, which is what is wanted.
        let _gone = kill_process_group(pid, signal);
    }
}

/// Returns whether a process with this number exists.
pub fn is_alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Gives the calling thread, and what it starts from now on, only what all others leave of the
/// processor.
pub fn yield_to_others() -> Result<()> {
    setpriority_process(None, 19).context("cannot lower the priority")
}
