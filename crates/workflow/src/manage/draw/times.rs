//! How long did something take?

use contract::numbers;
use jiff::{SpanRound, Timestamp, Unit};
use runs::RunNode;

/// Returns how long a node took, or has taken so far.
pub(super) fn took(node: &RunNode, now: Timestamp) -> Option<String> {
    let end = node.finished_at.unwrap_or(now);
    Some(numbers::duration(seconds(node.started_at?, end)))
}

/// Returns the whole seconds between two times.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    let whole = SpanRound::new().smallest(Unit::Second).largest(Unit::Second);
    let span = (to - from).round(whole).map(|span| span.get_seconds());
    span.ok().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0)
}
