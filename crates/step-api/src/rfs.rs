//! RFS (reindex from snapshot): the documents of a group, shard by shard.
//!
//! Four roles share one program and one request. `prepare` writes the work items, any number of
//! `work` processes take them, and `follow` reports progress until none is left. If the fleet fails,
//! `giveUp` tells `follow`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{access::ClusterAccess, process::Summary, register::Group, repository::SnapshotSource};

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
    /// Note that the fleet has ended before its work.
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
    /// Bulk requests under way at once, at most; it adapts below that.
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
    pub migration: String,
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

/// The ledger of documents: of a shard, an index or a group. It must add up:
/// `physical = deleted + nested + without_source + live`, and
/// `live = accepted + rejected` when the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Documents in the Lucene files, whatever they are.
    pub physical: u64,
    /// Deleted documents, tombstones and no-ops.
    pub deleted: u64,
    /// Nested children, which travel inside their parents.
    pub nested: u64,
    /// Live documents without a stored `_source`, which cannot be migrated.
    pub without_source: u64,
    /// Live documents with a source: what must arrive.
    pub live: u64,
    /// Documents that the target acknowledged.
    pub accepted: u64,
    /// Documents that the target refused; they are in the failed-documents index.
    pub rejected: u64,
    /// Bytes of `_source` acknowledged.
    pub bytes: u64,
}

impl Ledger {
    /// Adds another ledger to this one.
    pub fn add(&mut self, other: &Self) {
        let Self { physical, deleted, nested, without_source, live, accepted, rejected, bytes } =
            *other;
        self.physical += physical;
        self.deleted += deleted;
        self.nested += nested;
        self.without_source += without_source;
        self.live += live;
        self.accepted += accepted;
        self.rejected += rejected;
        self.bytes += bytes;
    }

    /// Returns whether everything that was read is accounted for.
    pub fn adds_up(&self) -> bool {
        self.physical == self.deleted + self.nested + self.without_source + self.live
            && self.live == self.accepted + self.rejected
    }
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
            RfsRole::GiveUp => "the fleet has failed, and left nothing undone".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_that_lost_a_document_does_not_add_up() {
        let whole = Ledger {
            physical: 5,
            deleted: 1,
            nested: 1,
            live: 3,
            accepted: 2,
            rejected: 1,
            ..Ledger::default()
        };
        assert!(whole.adds_up());
        assert!(!Ledger { accepted: 1, ..whole }.adds_up());
        assert!(!Ledger { physical: 6, ..whole }.adds_up());
    }
}
