//! Snapshot: take one, and wait until it is whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess, group::Group, ids::SnapshotName, repository::SnapshotSource,
    summary::Summary,
};

/// Which snapshot to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRequest {
    /// The cluster that takes it.
    pub source: ClusterAccess,
    /// Where it goes and how it is named. An existing one is only read.
    pub snapshot: SnapshotSource,
    /// The name under which the repository is registered on the source.
    pub repository_name: String,
    /// All groups: together they say what the snapshot holds.
    pub groups: Vec<Group>,
    /// The maximum rate of each node, in MB a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_mb_per_node: Option<u32>,
}

/// The snapshot that was taken or found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotAnswer {
    /// Its name.
    pub snapshot: SnapshotName,
    /// How many indices it holds.
    pub indices: u64,
    /// How many shards it holds, all of them whole.
    pub shards: u64,
    /// Bytes written by this snapshot (not counting what earlier ones share with it).
    pub bytes: u64,
    /// Seconds from its start to its end, by the source's clock.
    pub seconds: f64,
}

impl Summary for SnapshotAnswer {
    fn summary(&self) -> String {
        format!(
            "snapshot `{}`: {} indices, {} shards, {} bytes in {:.1} s",
            self.snapshot, self.indices, self.shards, self.bytes, self.seconds
        )
    }
}
