//! Positions in a shard, and what became of the documents at them.

/// A place in a shard: the number of documents, of any kind, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// The beginning of a shard.
    pub const START: Self = Self(0);
}

/// The counts of the positions that were read: `physical` is `live + nested + deleted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionCounts {
    /// Positions read.
    pub physical: u64,
    /// Documents returned.
    pub live: u64,
    /// Live children of nested fields, which are part of their document's source.
    pub nested: u64,
    /// Deleted or overwritten documents, and tombstones.
    pub deleted: u64,
    /// Documents of `live` without a source.
    pub without_source: u64,
    /// Documents of `without_source` whose source is still kept for the recovery of replicas, until
    /// a merge drops it.
    pub recovery_source: u64,
}

impl PositionCounts {
    /// Adds the counts of another part.
    pub fn add(&mut self, part: Self) {
        let Self { physical, live, nested, deleted, without_source, recovery_source } = part;
        self.physical += physical;
        self.live += live;
        self.nested += nested;
        self.deleted += deleted;
        self.without_source += without_source;
        self.recovery_source += recovery_source;
    }
}
