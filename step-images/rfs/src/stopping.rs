//! When does a worker stop although there is work left?
//!
//! When a signal asks it to: its machine goes, or its fleet is paused or made smaller. And when its
//! run has ended. A workflow that was stopped leaves the Job of its fleet running until it is
//! deleted itself, but its exit handler cleans up, and that writes down that the run has ended.
//! Workers that see it end well, and a Job of which a worker ended well starts no other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use cluster::Client;
use coordination::decision::{self, RunState};
use tokio::signal::unix::{SignalKind, signal};

use crate::state::Scope;

const LOOKED_EACH: Duration = Duration::from_secs(10);

/// Looks in a row by which a run has ended. A run that is tried again says so only when its
/// workers may have begun already.
const LOOKS: u32 = 3;

/// Why to stop, as soon as there is a reason.
#[derive(Debug)]
pub(crate) struct Stopping {
    /// There is a reason.
    pub(crate) at_once: AtomicBool,
    /// The run has ended.
    pub(crate) run_has_ended: AtomicBool,
}

impl Stopping {
    /// Watches for signals, and for the end of the run that restores `scope`.
    pub(crate) fn watch(client: Client, scope: Scope<'_>) -> anyhow::Result<Arc<Self>> {
        let stopping = Arc::new(Self {
            at_once: AtomicBool::new(false),
            run_has_ended: AtomicBool::new(false),
        });
        stopping.watch_signals()?;
        let Scope { snapshot, migration, group } = scope;
        let [snapshot, migration, group] = [snapshot, migration, group].map(str::to_owned);
        let watching = Arc::clone(&stopping);
        tokio::spawn(async move {
            let mut seen = EndSeen::default();
            loop {
                tokio::time::sleep(LOOKED_EACH).await;
                let decided = decision::read(&client, &snapshot, &migration, &group).await;
                // What cannot be read is not known: the work goes on, or fails by itself.
                let state = decided.ok().flatten().map(|decided| decided.state);
                if seen.is_certain(state) {
                    watching.run_has_ended.store(true, Ordering::Relaxed);
                    watching.at_once.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Ok(stopping)
    }

    fn watch_signals(self: &Arc<Self>) -> anyhow::Result<()> {
        let mut terminate =
            signal(SignalKind::terminate()).context("preparing for the end of the process")?;
        let mut interrupt =
            signal(SignalKind::interrupt()).context("preparing for the end of the process")?;
        let stopping = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopping.at_once.store(true, Ordering::Relaxed);
        });
        Ok(())
    }
}

/// For how many looks in a row the run has ended.
#[derive(Debug, Default)]
struct EndSeen(u32);

impl EndSeen {
    fn is_certain(&mut self, state: Option<RunState>) -> bool {
        self.0 = if state == Some(RunState::Ended) { self.0 + 1 } else { 0 };
        self.0 >= LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_tried_again_has_not_ended() {
        let (ended, filling) = (Some(RunState::Ended), Some(RunState::Filling));
        let mut seen = EndSeen::default();
        let looks = [ended, ended, filling, ended, ended, None, ended, ended];
        assert!(looks.into_iter().all(|state| !seen.is_certain(state)));
        assert!(seen.is_certain(ended));
    }
}
