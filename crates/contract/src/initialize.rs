//! Initialize: can this migration work at all? Fails before anything is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess, group::Group, ids::MigrationName, repository::SnapshotSource,
    summary::Summary, version::ServerVersion,
};

/// What Initialize checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InitializeRequest {
    /// The migration's name, as in the names of gates.
    pub migration: MigrationName,
    /// The source cluster; absent when only an existing snapshot is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ClusterAccess>,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The Secret that the source's credentials come from, to be named if they are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_secret: Option<String>,
    /// The Secret that the target's credentials come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_secret: Option<String>,
    /// The snapshot that is read or taken.
    pub snapshot: SnapshotSource,
    /// All groups of the migration.
    pub groups: Vec<Group>,
}

/// What Initialize found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeAnswer {
    /// The source's version, as detected.
    pub source_version: Option<ServerVersion>,
    /// The target's version, as detected.
    pub target_version: ServerVersion,
}

impl Summary for InitializeAnswer {
    fn summary(&self) -> String {
        let source = self
            .source_version
            .map_or_else(|| "a snapshot".to_owned(), |version| version.to_string());
        format!("a migration from {source} to {} is possible", self.target_version)
    }
}
