//! How fast does a snapshot grow, and when will it be done? Pure: the time is given.

use std::{collections::VecDeque, time::Duration};

use cluster::snapshots::SnapshotProgress;
use step_api::{Count, Progress};

/// The rate is that of the last while, since shards differ.
const WINDOW: Duration = Duration::from_secs(20);

/// What was written when, for the last while.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    samples: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// Takes what was seen `at` a time since the start, and tells how far the snapshot is.
    pub(crate) fn measure(&mut self, at: Duration, seen: &SnapshotProgress) -> Progress {
        let SnapshotProgress { shards_done, shards_total, bytes_done, bytes_total } = *seen;
        self.samples.push_back((at, bytes_done));
        while self.samples.len() > 2
            && self.samples.front().is_some_and(|(then, _)| at.saturating_sub(*then) > WINDOW)
        {
            self.samples.pop_front();
        }
        let rate = self.rate();
        Progress {
            shards: Count { done: shards_done, total: shards_total },
            documents: Count::default(),
            bytes: bytes_done,
            rate,
            eta_seconds: seconds_left(bytes_total.saturating_sub(bytes_done), rate),
        }
    }

    fn rate(&self) -> f64 {
        let (Some((from, first)), Some((to, last))) = (self.samples.front(), self.samples.back())
        else {
            return 0.0;
        };
        let seconds = to.saturating_sub(*from).as_secs_f64();
        if seconds > 0.0 { float(last.saturating_sub(*first)) / seconds } else { 0.0 }
    }
}

fn seconds_left(bytes: u64, rate: f64) -> Option<u64> {
    if rate <= 0.0 {
        return None;
    }
    let seconds = Duration::try_from_secs_f64(float(bytes) / rate).ok()?;
    Some(seconds.as_secs().saturating_add(u64::from(seconds.subsec_nanos() > 0)))
}

/// Bytes as a number to divide; what is lost beyond 2^53 does not matter for a rate.
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with a few digits")]
pub(crate) fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes_done: u64) -> SnapshotProgress {
        SnapshotProgress { shards_done: 1, shards_total: 4, bytes_done, bytes_total: 1_000 }
    }

    #[test]
    fn the_rate_is_that_of_the_last_while() {
        let mut meter = Meter::default();
        let first = meter.measure(Duration::ZERO, &seen(0));
        assert_eq!((first.rate, first.eta_seconds), (0.0, None));
        let second = meter.measure(Duration::from_secs(2), &seen(200));
        assert!((second.rate - 100.0).abs() < 1e-9);
        assert_eq!(second.eta_seconds, Some(8));
        assert_eq!(second.shards, Count { done: 1, total: 4 });
        // Much later: only what lies within the window counts.
        meter.measure(Duration::from_secs(100), &seen(210));
        let late = meter.measure(Duration::from_secs(110), &seen(310));
        assert!((late.rate - 10.0).abs() < 1e-9, "{}", late.rate);
    }

    #[test]
    fn a_snapshot_that_stands_still_has_no_end_in_sight() {
        let mut meter = Meter::default();
        meter.measure(Duration::ZERO, &seen(5));
        assert_eq!(meter.measure(Duration::from_secs(9), &seen(5)).eta_seconds, None);
    }
}
