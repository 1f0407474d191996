//! When is a request sent again, and how long do we wait before?
//!
//! A request that surely was not executed (no connection, 429, 503) is sent again in any case; one
//! of which nobody knows (a timeout, a broken connection, 502, 504) only if doing it twice changes
//! nothing.

use std::{iter, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::{HeaderMap, header::RETRY_AFTER};

use crate::{
    error::{Cause, ClusterError},
    request::Repeat,
    response::Response,
};

/// The longest that a server may make us wait by `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// How long a client goes on in the face of passing faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often a request is sent again, at most.
    pub retries: usize,
    /// The first wait; each one doubles it, with jitter.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Patience {
    /// About a minute: for work that is under way.
    pub const WORKING: Self = Self {
        retries: 8,
        first_wait: Duration::from_millis(250),
        longest_wait: Duration::from_secs(15),
    };

    /// A few seconds: for a first look, when a person waits for the message.
    pub const LOOKING: Self = Self {
        retries: 2,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(2),
    };

    /// Returns the waits between attempts, longer and longer.
    pub(crate) fn waits(self) -> impl Iterator<Item = Duration> {
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.retries)
            .with_jitter()
            .build();
        iter::from_fn(move || backoff.next())
    }
}

/// Returns whether a request should be sent again after this outcome.
pub(crate) fn is_worth_repeating(repeat: Repeat, outcome: &Result<Response, ClusterError>) -> bool {
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

/// Returns the wait that a server asks for, in seconds, bounded.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
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
            assert!(is_worth_repeating(Repeat::Safe, &unknown));
            assert!(!is_worth_repeating(Repeat::Unsafe, &unknown));
        }
        for unexecuted in [Ok(answer(429)), Ok(answer(503)), unreachable(Cause::Refused)] {
            assert!(is_worth_repeating(Repeat::Safe, &unexecuted));
            assert!(is_worth_repeating(Repeat::Unsafe, &unexecuted));
        }
        for lasting in [Ok(answer(200)), Ok(answer(400)), Ok(answer(403)), unreachable(Cause::Tls)]
        {
            assert!(!is_worth_repeating(Repeat::Safe, &lasting));
        }
    }

    #[test]
    fn a_server_cannot_make_us_wait_for_ever() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "3".parse().expect("a header"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(3)));
        headers.insert(RETRY_AFTER, "99999999999".parse().expect("a header"));
        assert_eq!(retry_after(&headers), Some(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn waits_end_and_stay_within_their_bounds() {
        let waits: Vec<_> = Patience::LOOKING.waits().collect();
        assert_eq!(waits.len(), 2);
        // Jitter adds up to as much again.
        assert!(waits.iter().all(|wait| *wait <= 2 * Patience::LOOKING.longest_wait));
    }
}
