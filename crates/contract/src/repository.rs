//! Where is the snapshot, and which one is it?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{RunId, SnapshotName},
    repository_uri::RepositoryUri,
};

/// A snapshot repository as a step reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repository {
    /// Where it is.
    pub uri: RepositoryUri,
    /// The AWS region of an S3 bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The URL of an S3-compatible service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The role that an AWS-managed source takes to write the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

/// Which snapshot of the repository is migrated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum SnapshotChoice {
    /// One that exists already.
    Existing {
        /// Its name in the repository.
        name: SnapshotName,
    },
    /// One that the migration takes; its name is the prefix and the run's id.
    Created {
        /// The first part of its name.
        prefix: String,
    },
}

/// A snapshot in a repository: what every step after its creation reads from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotSource {
    /// The repository.
    pub repository: Repository,
    /// The snapshot in it.
    pub snapshot: SnapshotChoice,
}

impl SnapshotSource {
    /// Returns the snapshot's name in this run.
    pub fn snapshot_name(&self, run: &RunId) -> SnapshotName {
        match &self.snapshot {
            SnapshotChoice::Existing { name } => name.clone(),
            SnapshotChoice::Created { prefix } => {
                SnapshotName::new(format!("{prefix}-{}", run.short()))
            }
        }
    }

    /// Returns whether this migration takes the snapshot itself.
    pub fn is_created(&self) -> bool {
        matches!(self.snapshot, SnapshotChoice::Created { .. })
    }
}
