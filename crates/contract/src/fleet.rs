//! What do the steps have in common whose work is divided among workers?
//!
//! Four roles share one program and one request: one process prepares the work items, any number of
//! workers take them, and one process follows until none is left. If the workers fail, one more
//! records that for the follower.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a process of the fleet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FleetRole {
    /// Write the work items.
    Prepare,
    /// Take work items until none is left.
    Work,
    /// Report progress until every item is done.
    Follow,
    /// Record that the fleet failed before its work was done.
    GiveUp,
}

/// How much a worker may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerLimits {
    /// A bulk request is closed before it exceeds this many bytes.
    pub bulk_bytes: u64,
    /// A bulk request is closed at this many documents.
    pub bulk_documents: u32,
    /// The maximum number of concurrent bulk requests; the actual number adapts below it.
    pub connections: u32,
    /// A work item whose state did not change for this long may be taken by another worker.
    pub lease_seconds: u32,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            bulk_bytes: 8 * 1024 * 1024,
            bulk_documents: 5_000,
            connections: 4,
            lease_seconds: 60,
        }
    }
}
