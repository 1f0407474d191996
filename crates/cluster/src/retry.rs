//! When is a request sent again, and how long do we wait before?
//!
//! A request that certainly was not executed (no connection, 429, 503) is always sent again; one
//! that may have been executed (a timeout, a broken connection, 502, 504) only if a second
//! execution changes nothing.
//!
//! Retries are layered. A request is in one of the first rows; the later rows are above all of them:
//!
//! | layer | what is tried again | how long |
//! |---|---|---|
//! | here, [`RetryPolicy`] | one request; each attempt has a timeout, `REQUEST_TIMEOUT` in `client.rs` | the pauses: seconds, or about a minute |
//! | the bulk sender, `MAX_BUSY_ANSWERS` and `MAX_FAULTS` in `load/src/sender.rs` | one bulk request, sent once at a time without a [`RetryPolicy`]; its documents have outcomes of their own, and the concurrency is lowered | the pauses: about four minutes |
//! | the rejected documents, `load/src/failed_documents.rs` | deleting them | `MAX_DELETE_ATTEMPTS` |
//! | conditional writes, `state-store/src/write.rs` | reading, changing and writing a document that another process has just changed | `MAX_ATTEMPTS` |
//! | reading the repository, `retry` in `snapshot-repo/src/location.rs` | one request to the store | about a minute |
//! | a worker, `BackOff` in `fleet` | the work items that it holds or looks for | about ten minutes |
//! | the `backoffLimit` of the workers' Job, `allowed_failures` in `generator/src/plan.rs` | a worker that has ended | by their number |
//! | `retryStrategy` in `workflow-templates/*.yaml`, for the engine too | a whole step that ended with [`contract::Exit::Temporary`] | as the manifest says |
//!
//! The client of the Kubernetes API in `runs` is separate (`kubernetes/server.rs`, and
//! `MAX_CREATE_ATTEMPTS` in `kubernetes/submit.rs`): it talks to another server, which has other
//! transient faults.

use std::{iter, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::{HeaderMap, header::RETRY_AFTER};

use crate::{
    error::{Cause, ClusterError},
    request::Repeat,
    response::Response,
};

/// The longest delay that a server may ask for with `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// How often and how fast a client sends a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times a request is sent again, at most.
    pub max_retries: usize,
    /// The first delay; each further one is twice as long, with jitter.
    pub initial_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// About a minute of pauses: for work that is under way. With attempts that each end only at
    /// `REQUEST_TIMEOUT`, about 19 minutes.
    pub(crate) const PERSISTENT: Self = Self {
        max_retries: 8,
        initial_delay: Duration::from_millis(250),
        max_delay: Duration::from_secs(15),
    };

    /// A few seconds of pauses: for a first request, or when a person waits for the result.
    pub const BRIEF: Self = Self {
        max_retries: 2,
        initial_delay: Duration::from_millis(500),
        max_delay: Duration::from_secs(2),
    };

    /// Returns the delays between attempts, longer and longer.
    pub(crate) fn delays(self) -> impl Iterator<Item = Duration> {
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(self.initial_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.max_retries)
            .with_jitter()
            .build();
        iter::from_fn(move || backoff.next())
    }
}

/// Returns whether a request should be sent again after this outcome.
pub(crate) fn is_retryable(repeat: Repeat, outcome: &Result<Response, ClusterError>) -> bool {
    match (outcome, repeat) {
        (Ok(response), Repeat::Safe) => matches!(response.status, 429 | 502 | 503 | 504),
        (Ok(response), Repeat::Unsafe) => matches!(response.status, 429 | 503),
        (Err(ClusterError::Unreachable { cause, .. }), Repeat::Safe) => *cause != Cause::Tls,
        (Err(ClusterError::Unreachable { cause, .. }), Repeat::Unsafe) => {
            matches!(cause, Cause::Dns | Cause::Refused)
        }
        (Err(_), _) => false,
    }
}

/// Returns the delay that a server asks for, bounded.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16) -> Response {
        Response {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            cluster: String::new(),
            url: String::new(),
            request: String::new(),
        }
    }

    fn unreachable(cause: Cause) -> Result<Response, ClusterError> {
        Err(ClusterError::Unreachable {
            cluster: String::new(),
            url: String::new(),
            cause,
            detail: String::new(),
        })
    }

    #[test]
    fn what_may_have_been_executed_is_repeated_only_when_that_is_safe() {
        for unknown in [Ok(answer(502)), Ok(answer(504)), unreachable(Cause::Timeout)] {
            assert!(is_retryable(Repeat::Safe, &unknown));
            assert!(!is_retryable(Repeat::Unsafe, &unknown));
        }
        for unexecuted in [Ok(answer(429)), Ok(answer(503)), unreachable(Cause::Refused)] {
            assert!(is_retryable(Repeat::Safe, &unexecuted));
            assert!(is_retryable(Repeat::Unsafe, &unexecuted));
        }
        for lasting in [Ok(answer(200)), Ok(answer(400)), Ok(answer(403)), unreachable(Cause::Tls)]
        {
            assert!(!is_retryable(Repeat::Safe, &lasting));
        }
    }

    #[test]
    fn a_server_cannot_make_us_wait_for_ever() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "3".parse().expect("a header"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(3)));
        headers.insert(RETRY_AFTER, "99999999999".parse().expect("a header"));
        assert_eq!(retry_after(&headers), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn delays_end_and_stay_within_their_bounds() {
        let delays: Vec<_> = RetryPolicy::BRIEF.delays().collect();
        assert_eq!(delays.len(), 2);
        // Jitter adds up to as much again.
        assert!(delays.iter().all(|delay| *delay <= 2 * RetryPolicy::BRIEF.max_delay));
    }
}
