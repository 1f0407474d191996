//! When does a worker stop although there is work left?
//!
//! When a signal asks it to: its machine goes away, or its fleet is paused or made smaller. And when
//! its run has ended. A workflow that was stopped leaves the Job of its fleet running until the Job
//! is deleted itself, but its exit handler cleans up, and that records that the run has ended.
//! Workers that see it exit with success, and then their Job starts no other.

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
    fleet_record::{FleetRecord, FleetState},
};

/// How often the record of the run is read.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Readings in a row after which a run counts as ended. A run that is resumed records it only when
/// its workers may have begun already.
const REQUIRED_READINGS: u32 = 3;

/// Whether to stop, and why.
#[derive(Debug, Default)]
pub struct StopSignal {
    is_stopping: AtomicBool,
    run_has_ended: AtomicBool,
}

impl StopSignal {
    /// Watches for signals, and for the end of the run.
    pub fn watch(record: impl FleetRecord + 'static) -> Result<Arc<Self>, FleetError> {
        let stop = Arc::new(Self::default());
        stop.watch_signals()?;
        let watching = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut readings = EndReadings::default();
            loop {
                tokio::time::sleep(POLL_INTERVAL).await;
                // A record that cannot be read is unknown: the work continues, or fails by itself.
                let state = record.read().await.ok().flatten();
                if readings.are_certain(state.as_ref()) {
                    watching.run_has_ended.store(true, Ordering::Relaxed);
                    watching.is_stopping.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Ok(stop)
    }

    /// Returns whether this process is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
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
    fn are_certain(&mut self, state: Option<&FleetState>) -> bool {
        let run_has_ended = state.is_some_and(|state| state.run_has_ended);
        self.0 = if run_has_ended { self.0 + 1 } else { 0 };
        self.0 >= REQUIRED_READINGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_resumed_has_not_ended() {
        let state = |run_has_ended| Some(FleetState { run_has_ended, gave_up: None });
        let (ended, filling) = (state(true), state(false));
        let mut readings = EndReadings::default();
        let seen = [&ended, &ended, &filling, &ended, &ended, &None, &ended, &ended];
        assert!(seen.into_iter().all(|state| !readings.are_certain(state.as_ref())));
        assert!(readings.are_certain(ended.as_ref()));
    }
}
