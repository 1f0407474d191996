//! How does a client report what it is waiting for?
//!
//! ```text
//!  attempt --- transient fault ---> waiting (answer, next attempt) --- delay ---> attempt --- ...
//!     |                                                                            |
//!     +--- no response for some seconds ---> waiting                 response or error: finished
//! ```
//!
//! A request that is answered promptly is never reported.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use contract::progress::Waiting;
use http::StatusCode;
use jiff::Timestamp;

use crate::{error::ClusterError, response::Response};

/// A request without a response for this long is reported.
pub(crate) const SLOW_RESPONSE: Duration = Duration::from_secs(5);

/// The longest excerpt of an error reason in a report, in characters.
const MAX_REASON_CHARS: usize = 200;

/// The number of one request that waits, unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitId(u64);

impl WaitId {
    /// Returns a number that was not used before.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Receives what a [`crate::Client`] is waiting for.
pub trait WaitObserver: Send + Sync {
    /// A request waits for its next attempt or for a response. Called again when that changes.
    fn waiting(&self, id: WaitId, waiting: &Waiting);

    /// The request that was reported as waiting succeeded, failed for good or was cancelled.
    fn finished(&self, id: WaitId);
}

/// What one request reports to the observer; dropping it reports the end.
pub(crate) struct RequestWait<'a> {
    observer: &'a Arc<dyn WaitObserver>,
    id: WaitId,
    waiting: Waiting,
    is_reported: bool,
}

impl<'a> RequestWait<'a> {
    /// Starts to measure the time of a request; nothing is reported yet.
    pub(crate) fn new(
        observer: &'a Arc<dyn WaitObserver>,
        request: impl fmt::Display,
        cluster: &str,
    ) -> Self {
        let waiting = Waiting {
            request: format!("`{request}` of cluster `{cluster}`"),
            last_answer: None,
            since: Timestamp::now(),
            next_attempt: None,
        };
        Self { observer, id: WaitId::unique(), waiting, is_reported: false }
    }

    /// Reports that the request is sent again after a delay.
    pub(crate) fn retry(&mut self, outcome: &Result<Response, ClusterError>, delay: Duration) {
        self.waiting.last_answer = Some(describe(outcome));
        self.waiting.next_attempt = after(delay);
        self.report();
    }

    /// Reports that a request that has failed since `since` is sent again after a delay.
    pub(crate) fn repeated(&mut self, since: Timestamp, last_answer: &str, delay: Duration) {
        self.waiting.since = since;
        self.waiting.last_answer = Some(last_answer.chars().take(MAX_REASON_CHARS).collect());
        self.waiting.next_attempt = after(delay);
        self.report();
    }

    /// Notes that an attempt begins; without a response, the next one begins after `timeout`.
    pub(crate) fn attempt(&mut self, timeout: Option<Duration>) {
        self.waiting.next_attempt = timeout.and_then(after);
        if self.is_reported {
            self.report();
        }
    }

    /// Reports that an attempt has no response yet.
    pub(crate) fn slow(&mut self) {
        if !self.is_reported {
            self.report();
        }
    }

    fn report(&mut self) {
        self.is_reported = true;
        self.observer.waiting(self.id, &self.waiting);
    }
}

impl Drop for RequestWait<'_> {
    fn drop(&mut self) {
        if self.is_reported {
            self.observer.finished(self.id);
        }
    }
}

fn after(delay: Duration) -> Option<Timestamp> {
    Timestamp::now().checked_add(delay).ok()
}

/// Describes an outcome in a few words: `503 Service Unavailable: no master`.
pub(crate) fn describe(outcome: &Result<Response, ClusterError>) -> String {
    match outcome {
        Ok(response) => {
            let mut text = StatusCode::from_u16(response.status)
                .map_or_else(|_| response.status.to_string(), |status| status.to_string());
            if !response.body.is_empty() {
                let reason: String =
                    response.error_reason().chars().take(MAX_REASON_CHARS).collect();
                text.push_str(&format!(": {reason}"));
            }
            text
        }
        Err(error) => error.cause().map_or_else(|| error.to_string(), |cause| cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    #[test]
    fn an_answer_is_described_by_status_and_reason() {
        let response = |body: &'static str| {
            Ok(Response {
                status: 503,
                headers: HeaderMap::new(),
                body: Bytes::from_static(body.as_bytes()),
                cluster: "new".to_owned(),
                url: "http://new".to_owned(),
                request: "GET /".to_owned(),
            })
        };
        assert_eq!(describe(&response("")), "503 Service Unavailable");
        assert_eq!(
            describe(&response(r#"{"error":{"reason":"no master"}}"#)),
            "503 Service Unavailable: no master"
        );
        assert!(describe(&response(&"x".repeat(900).leak()[..])).len() < 300);
    }
}
