//! RFS (reindex from snapshot): the documents of a group, shard by shard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess,
    fleet::{FleetRole, WorkerLimits},
    group::Group,
    ids::MigrationName,
    ledger::Ledger,
    repository::SnapshotSource,
    summary::Summary,
};

/// Which documents go where, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RfsRequest {
    /// What this process does.
    pub role: FleetRole,
    /// The migration's name, as in the names of gates.
    pub migration: MigrationName,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot to read.
    pub snapshot: SnapshotSource,
    /// The group.
    pub group: Group,
    /// Limits of a worker.
    #[serde(default)]
    pub limits: WorkerLimits,
    /// How many rejected documents still count as done.
    #[serde(default)]
    pub allowed_rejections: u64,
    /// Whether documents of which the snapshot has only some fields are migrated as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_partial_source: bool,
}

/// What a process of this step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RfsAnswer {
    /// What this process did.
    pub role: FleetRole,
    /// Work items written (prepare), finished by this process (work) or by all (follow).
    pub items: u64,
    /// What became of the documents of these items.
    pub ledger: Ledger,
    /// Bytes of the repository that this process read for documents.
    #[serde(default)]
    pub bytes_read: u64,
}

impl Summary for RfsAnswer {
    fn summary(&self) -> String {
        let Ledger { accepted, rejected, without_source, bytes, .. } = self.ledger;
        match self.role {
            FleetRole::Prepare => format!("{} work items are ready", self.items),
            FleetRole::GiveUp => "recorded that the fleet failed".to_owned(),
            FleetRole::Work => format!(
                "{} work items: {accepted} documents accepted, {rejected} rejected, \
                 {without_source} without a source, {bytes} bytes of source; {} bytes of the \
                 repository were read",
                self.items, self.bytes_read
            ),
            FleetRole::Follow => format!(
                "{} work items: {accepted} documents accepted, {rejected} rejected, \
                 {without_source} without a source, {bytes} bytes of source",
                self.items
            ),
        }
    }
}
