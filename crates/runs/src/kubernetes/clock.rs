//! What time is it? The API server says it with each of its answers.
//!
//! What is written down about a gate stands beside times of the server's and of Argo's, and whoever
//! approves may sit at a machine whose clock is wrong.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// The API server's clock, to the second; this machine's as long as nothing was heard of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    heard: Arc<Mutex<Option<(Timestamp, Instant)>>>,
}

impl Clock {
    /// Takes the time out of an answer.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let said = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(date) = said.and_then(|date| rfc2822::parse(date).ok()) {
            *self.lock() = Some((date.timestamp(), Instant::now()));
        }
    }

    /// Returns the time.
    pub(super) fn now(&self) -> Timestamp {
        let later = |(at, heard): (Timestamp, Instant)| {
            at.checked_add(SignedDuration::try_from(heard.elapsed()).ok()?).ok()
        };
        (*self.lock()).and_then(later).unwrap_or_else(Timestamp::now)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_word_counts() {
        let clock = Clock::default();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Fri, 20 Nov 2026 12:00:00 GMT".parse().expect("a header"));
        clock.hear(&headers);
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        assert!(clock.now() >= noon);
        assert!(clock.now() < noon + SignedDuration::from_mins(1));
    }

    #[test]
    fn without_a_word_this_machines_counts() {
        let clock = Clock::default();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "half past ten".parse().expect("a header"));
        clock.hear(&headers);
        assert!(clock.now() >= "2020-01-01T00:00:00Z".parse().expect("a time"));
    }
}
