//! Cleanup: leave the clusters as they should be after the migration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess, ids::MigrationName, repository::SnapshotSource, summary::Summary,
};

/// How much is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CleanupMode {
    /// The migration succeeded: nothing of ours stays but the data.
    Complete,
    /// It did not: settings are restored; what a later run needs stays.
    Partial,
}

/// What to clean up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupRequest {
    /// How much.
    pub mode: CleanupMode,
    /// The migration's name, as in the names of gates.
    pub migration: MigrationName,
    /// The source cluster; absent when only an existing snapshot was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ClusterAccess>,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot that was read.
    pub snapshot: SnapshotSource,
    /// The name under which the repository was registered on the source.
    pub repository_name: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanupAnswer {
    /// A line each.
    pub actions: Vec<String>,
}

impl Summary for CleanupAnswer {
    fn summary(&self) -> String {
        if self.actions.is_empty() {
            return "nothing to clean up".to_owned();
        }
        self.actions.join("\n")
    }
}
