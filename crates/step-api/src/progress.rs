//! How far is a long step?

use serde::{Deserialize, Serialize};

/// A number of things done out of a number of things to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// How far a running step is, as `workflow status` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Shards done and in all.
    pub shards: Count,
    /// Documents done and in all; the total is 0 while it is not known.
    pub documents: Count,
    /// Bytes moved so far: snapshot bytes written, or `_source` bytes accepted by the target.
    pub bytes: u64,
    /// Documents (or, for a snapshot, bytes) a second, over the last while.
    pub rate: f64,
    /// Seconds until the end at this rate, if it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
}
