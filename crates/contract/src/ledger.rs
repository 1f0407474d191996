//! The ledger: every document that was read is accounted for.

use serde::{Deserialize, Serialize};

/// The ledger of documents: of a work item or a group. It must add up:
/// `physical = deleted + nested + without_source + live`, and
/// `live = accepted + rejected` when the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Documents that were read, whatever they are.
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
