//! For how long does a process continue in the face of transient faults?
//!
//! A process that ends is started again, but not without limit; so it waits by itself for a target
//! that is away for some minutes, with longer and longer pauses.

use std::time::Duration;

/// For how long transient faults without any progress between them are waited out.
const MAX_OUTAGE: Duration = Duration::from_mins(10);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The pauses between transient faults without any progress between them.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    since: Option<Duration>,
    pauses: u32,
}

impl BackOff {
    /// Notes a fault and returns how long to wait; `None` if the outage has lasted for too long.
    pub(crate) fn pause(&mut self, now: Duration) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= MAX_OUTAGE {
            return None;
        }
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.pauses));
        self.pauses += 1;
        Some(doubled.min(MAX_PAUSE))
    }

    /// Notes that something went well; returns whether there was a fault before.
    pub(crate) fn reset(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_faults_are_waited_out_for_minutes_and_not_for_ever() {
        let mut back_off = BackOff::default();
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        while let Some(pause) = back_off.pause(now) {
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses.iter().max(), Some(&MAX_PAUSE));
        assert!(now >= Duration::from_secs(100) + MAX_OUTAGE);
        assert!(back_off.reset() && !back_off.reset());
        assert!(back_off.pause(now).is_some(), "progress starts the count again");
    }
}
