//! The rate of a counter over a sliding window, and the time left at that rate.

use std::{collections::VecDeque, time::Duration};

/// The rate of a counter over the last while.
#[derive(Debug)]
pub struct Rate {
    span: Duration,
    points: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Makes a rate over a window of this length.
    pub fn over(span: Duration) -> Self {
        Self { span, points: VecDeque::new() }
    }

    /// Records the count at `now`; counts never decrease.
    pub fn note(&mut self, now: Duration, count: u64) {
        self.points.push_back((now, count));
        // One point older than the span stays, so that the span is covered.
        while self.points.get(1).is_some_and(|(second, _)| now.saturating_sub(*second) >= self.span)
        {
            self.points.pop_front();
        }
    }

    /// Returns the rate per second.
    pub fn per_second(&self) -> f64 {
        let (Some((start, first)), Some((end, last))) = (self.points.front(), self.points.back())
        else {
            return 0.0;
        };
        let seconds = end.saturating_sub(*start).as_secs_f64();
        if seconds > 0.0 { as_float(last.saturating_sub(*first)) / seconds } else { 0.0 }
    }

    /// Returns the seconds that `left` more take at this rate.
    pub fn seconds_for(&self, left: u64) -> Option<u64> {
        let rate = self.per_second();
        if left == 0 {
            return Some(0);
        }
        if rate <= 0.0 {
            return None;
        }
        let seconds = Duration::try_from_secs_f64((as_float(left) / rate).ceil()).ok()?;
        Some(seconds.as_secs())
    }
}

/// Returns a count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "a rate for people needs no 53 bits")]
pub fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_while_only() {
        let mut rate = Rate::over(Duration::from_secs(10));
        assert_eq!(rate.seconds_for(5), None);
        for second in 0..100_u64 {
            let count = if second < 80 { 0 } else { (second - 80) * 50 };
            rate.note(Duration::from_secs(second), count);
        }
        assert!((rate.per_second() - 50.0).abs() < 1e-9, "{}", rate.per_second());
        assert_eq!(rate.seconds_for(125), Some(3));
        assert_eq!(rate.seconds_for(0), Some(0));
    }
}
