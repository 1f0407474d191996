//! RFS (reindex from snapshot): the documents of a group, shard by shard.
//!
//! Four roles share one program and one request. `prepare` writes the work items, any number of
//! `work` processes take them, and `follow` reports progress until none is left. If the fleet fails,
//! `giveUp` records the failure for `follow`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess, group::Group, ids::MigrationName, ledger::Ledger,
    repository::SnapshotSource, summary::Summary,
};

/// What this process does for the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RfsRole {
    /// Write the work items and tune the target's indices.
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
pub struct RfsLimits {
    /// A bulk request is closed before it exceeds this many bytes.
    pub bulk_bytes: u64,
    /// A bulk request is closed at this many documents.
    pub bulk_documents: u32,
    /// The maximum number of concurrent bulk requests; the actual number adapts below it.
    pub connections: u32,
    /// A work item whose state did not change for this long may be taken by another worker.
    pub lease_seconds: u32,
}

impl Default for RfsLimits {
    fn default() -> Self {
        Self {
            bulk_bytes: 8 * 1024 * 1024,
            bulk_documents: 5_000,
            connections: 4,
            lease_seconds: 60,
        }
    }
}

/// Which documents go where, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RfsRequest {
    /// What this process does.
    pub role: RfsRole,
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
    pub limits: RfsLimits,
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
    pub role: RfsRole,
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
            RfsRole::Prepare => format!("{} work items are ready", self.items),
            RfsRole::GiveUp => "recorded that the fleet failed".to_owned(),
            RfsRole::Work => format!(
                "{} work items: {accepted} documents accepted, {rejected} rejected, \
                 {without_source} without a source, {bytes} bytes of source; {} bytes of the \
                 repository were read",
                self.items, self.bytes_read
            ),
            RfsRole::Follow => format!(
                "{} work items: {accepted} documents accepted, {rejected} rejected, \
                 {without_source} without a source, {bytes} bytes of source",
                self.items
            ),
        }
    }
}
