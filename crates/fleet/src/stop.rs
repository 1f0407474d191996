//! When does a worker stop although there is work left?
//!
//! When a signal asks it to: its machine goes away, or its fleet is paused or made smaller. And when
//! its run has ended. A workflow that was stopped leaves the Job of its fleet running until the Job
//! is deleted itself, but its exit handler cleans up, and that records that the run has ended.
//! Workers that see it end well, and a Job of which a worker ended well starts no other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    FleetError,
    run_record::{RunRecord, RunStatus},
};

/// How often the record of the run is read.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Readings in a row by which a run has ended. A run that is tried again says so only when its
/// workers may have begun already.
const REQUIRED_READINGS: u32 = 3;

/// Whether to stop, and why.
#[derive(Debug, Default)]
pub struct StopSignal {
    is_stopping: AtomicBool,
    run_has_ended: AtomicBool,
}

impl StopSignal {
    /// Watches for signals, and for the end of the run.
    pub fn watch(record: impl RunRecord + 'static) -> Result<Arc<Self>, FleetError> {
        let stop = Arc::new(Self::default());
        stop.watch_signals()?;
        let watching = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut readings = EndReadings::default();
            loop {
                tokio::time::sleep(POLL_INTERVAL).await;
                // A record that cannot be read is unknown: the work continues, or fails by itself.
                let status = record.status().await.ok().flatten();
                if readings.are_certain(status.as_ref()) {
                    watching.run_has_ended.store(true, Ordering::Relaxed);
                    watching.is_stopping.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Ok(stop)
    }

    /// Returns whether this process is to stop.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Returns whether it is to stop because its run has ended.
    pub fn run_has_ended(&self) -> bool {
        self.run_has_ended.load(Ordering::Relaxed)
    }

    fn watch_signals(self: &Arc<Self>) -> Result<(), FleetError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(FleetError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(FleetError::Signals)?;
        let stop = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.is_stopping.store(true, Ordering::Relaxed);
        });
        Ok(())
    }
}

/// For how many readings in a row the run has ended.
#[derive(Debug, Default)]
struct EndReadings(u32);

impl EndReadings {
    fn are_certain(&mut self, status: Option<&RunStatus>) -> bool {
        let has_ended = status.is_some_and(|status| status.has_ended);
        self.0 = if has_ended { self.0 + 1 } else { 0 };
        self.0 >= REQUIRED_READINGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_tried_again_has_not_ended() {
        let status = |has_ended| Some(RunStatus { has_ended, abandoned: None });
        let (ended, filling) = (status(true), status(false));
        let mut readings = EndReadings::default();
        let seen = [&ended, &ended, &filling, &ended, &ended, &None, &ended, &ended];
        assert!(seen.into_iter().all(|status| !readings.are_certain(status.as_ref())));
        assert!(readings.are_certain(ended.as_ref()));
    }
}
