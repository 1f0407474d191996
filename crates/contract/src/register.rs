//! Register: read the repository as RFS will, and find out which index belongs to which group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess,
    group::Group,
    ids::{GroupName, MigrationName, SnapshotName},
    repository::SnapshotSource,
    summary::Summary,
};

/// The groups to look up in the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterRequest {
    /// The migration's name, as in the names of gates.
    pub migration: MigrationName,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot to read.
    pub snapshot: SnapshotSource,
    /// All groups of the migration.
    pub groups: Vec<Group>,
}

/// What the snapshot has for each group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// The snapshot's name.
    pub snapshot: SnapshotName,
    /// The groups, in the order of the request.
    pub groups: Vec<RegisteredGroup>,
    /// Indices in the snapshot whose names begin with a dot and that no pattern names.
    #[serde(rename = "passedOver")]
    pub not_selected: Vec<String>,
}

/// One group and what it means in this snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredGroup {
    /// The group's name.
    pub name: GroupName,
    /// Its indices that will be migrated.
    pub indices: Vec<String>,
    /// Its indices that are on the target already and stay as they are.
    pub skipped: Vec<String>,
    /// Shards of the indices that will be migrated.
    pub shards: u64,
    /// Bytes of these shards in the repository.
    pub bytes: u64,
}

impl Summary for RegisterAnswer {
    fn summary(&self) -> String {
        let mut lines = vec![format!("snapshot `{}` can be read", self.snapshot)];
        for group in &self.groups {
            lines.push(format!(
                "group `{}`: {} indices, {} shards, {} bytes",
                group.name,
                group.indices.len(),
                group.shards,
                group.bytes
            ));
            if !group.skipped.is_empty() {
                lines.push(format!(
                    "  already on the target, skipped: {}",
                    group.skipped.join(", ")
                ));
            }
        }
        if !self.not_selected.is_empty() {
            lines.push(format!("not selected by any pattern: {}", self.not_selected.join(", ")));
        }
        lines.join("\n")
    }
}
