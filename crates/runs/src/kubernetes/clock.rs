//! What time is it? The API server says so in each of its responses.
//!
//! The time of a decision is compared with times of the server and of Argo, and the clock of the
//! machine of the person who decides may be wrong.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// The clock of the API server, to the second; until its first response, the clock of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    last: Arc<Mutex<Option<(Timestamp, Instant)>>>,
}

impl Clock {
    /// Takes the time of a response.
    pub(super) fn update(&self, headers: &HeaderMap) {
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
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_server_is_used() {
        let clock = Clock::default();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Fri, 20 Nov 2026 12:00:00 GMT".parse().expect("a header"));
        clock.update(&headers);
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        assert!(clock.now() >= noon);
        assert!(clock.now() < noon + SignedDuration::from_mins(1));
    }

    #[test]
    fn without_a_date_the_time_of_this_machine_is_used() {
        let clock = Clock::default();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "half past ten".parse().expect("a header"));
        clock.update(&headers);
        assert!(clock.now() >= "2020-01-01T00:00:00Z".parse().expect("a time"));
    }
}
