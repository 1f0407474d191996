//! Streams the documents of a shard: forward, with bounded memory, without scratch disk.
//!
//! ```text
//! list of files -> segments_N -> segment, segment, ...     in the order of the commit
//!                                   |
//!                                   +-- documents 0 .. max_doc - 1   position = sum of the max_docs
//!                                                                     before it + document number
//! ```
//!
//! In memory at a time: two or three ranges of stored fields, a few batches for each decoder
//! (`lanes.rs`), and the deletes of one segment.

use std::{
    collections::VecDeque,
    num::{NonZeroU64, NonZeroUsize},
};

use lucene::{SegmentCommit, SegmentInfo};

use crate::{
    batch::Batch,
    blobs::Blobs,
    error::RepositoryError,
    files::FileReader,
    lanes::{Lanes, Pace, Segments},
    opening,
    segment::{OpenSegment, Window},
    shard::ShardFiles,
};

/// How reading is done unless the caller says otherwise.
const PACE: Pace =
    Pace { range_bytes: NonZeroU64::new(4 << 20).expect("not zero"), decoders: NonZeroUsize::MIN };

/// A place in a shard: the number of documents, of any kind, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// The beginning of a shard.
    pub const START: Self = Self(0);
}

/// What became of the positions that were read: `physical` is `live + nested + deleted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Positions read.
    pub physical: u64,
    /// Documents given out.
    pub live: u64,
    /// Live children of nested fields, which are part of their document's source.
    pub nested: u64,
    /// Deleted or overwritten ones, and tombstones.
    pub deleted: u64,
    /// Those of `live` that have no source.
    pub without_source: u64,
    /// Those of `without_source` whose source is still kept for the recovery of replicas, until a
    /// merge drops it.
    pub recovery_source: u64,
}

impl Ledger {
    /// Adds the counts of a further part.
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

/// How large a shard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSize {
    /// Positions in all.
    pub physical: u64,
    /// Deleted ones among them.
    pub deleted: u64,
    /// Bytes of stored fields, as they are in the repository.
    pub bytes: u64,
}

/// The documents of a shard, batch by batch.
#[derive(Debug)]
pub struct ShardDocuments {
    reader: FileReader,
    from: Position,
    until: Position,
    pace: Pace,
    ledger: Ledger,
    total: Option<u64>,
    state: State,
}

/// How far the reading is.
#[derive(Debug)]
enum State {
    /// Nothing was read.
    Fresh,
    Reading(Box<Lanes>),
    Ended,
    /// A read failed or was abandoned in its middle: what comes next is not known.
    Broken,
}

/// The segments that are left, and their places in the shard.
#[derive(Debug)]
struct Planned {
    reader: FileReader,
    from: Position,
    until: Position,
    left: VecDeque<(SegmentCommit, u64)>,
}

impl ShardDocuments {
    pub(crate) fn new(blobs: &Blobs, files: ShardFiles, from: Position) -> Self {
        Self {
            reader: FileReader::new(blobs, files),
            from,
            until: Position(u64::MAX),
            pace: PACE,
            ledger: Ledger::default(),
            total: None,
            state: State::Fresh,
        }
    }

    /// Ends before a position.
    #[must_use]
    pub fn until(mut self, end: Position) -> Self {
        self.until = end;
        self
    }

    /// Asks the store for this many bytes of stored fields at a time (4 MiB unless said); up to
    /// three such ranges are held in memory.
    #[must_use]
    pub fn range_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.pace.range_bytes = bytes;
        self
    }

    /// Decodes on this many threads at once (one unless said); what comes, and in which order,
    /// does not depend on it. For each, a few batches are held in memory.
    #[must_use]
    pub fn decoders(mut self, count: NonZeroUsize) -> Self {
        self.pace.decoders = count;
        self
    }

    /// The next documents, about 1 MiB; none at the end. Every position is in one batch, so a
    /// batch may have no documents.
    ///
    /// The last documents of a segment come only once the checksum of its stored fields is right: a
    /// position behind a segment proves that the segment was read as it was written.
    ///
    /// After an error, or when the future was dropped before it was ready, every further call is an
    /// error: nothing is skipped.
    pub async fn next(&mut self) -> Result<Option<Batch>, RepositoryError> {
        let mut lanes = match std::mem::replace(&mut self.state, State::Broken) {
            State::Fresh => {
                let planned = self.plan().await?;
                Box::new(Lanes::start(self.reader.clone(), planned, self.pace))
            }
            State::Reading(lanes) => lanes,
            State::Ended => {
                self.state = State::Ended;
                return Ok(None);
            }
            State::Broken => return Err(self.reader.stopped()),
        };
        let batch = lanes.next().await?;
        self.state = match &batch {
            Some(batch) => {
                self.ledger.add(batch.ledger());
                State::Reading(lanes)
            }
            None => State::Ended,
        };
        Ok(batch)
    }

    /// What became of the positions read so far.
    pub fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// How many bytes of the repository were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }

    /// Positions in the whole shard; known after the first batch.
    pub fn total_documents(&self) -> Option<u64> {
        self.total
    }

    /// How large the shard is; reads no stored fields.
    pub(crate) async fn size(mut self) -> Result<ShardSize, RepositoryError> {
        let mut size = ShardSize::default();
        let mut planned = self.plan().await?;
        size.physical = self.total.unwrap_or_default();
        while let Some(open) = planned.next().await? {
            size.deleted += u64::from(open.segment.live_docs().deleted());
            size.bytes += open.segment.stored_fields().length;
        }
        Ok(size)
    }

    /// Reads the commit, and of each segment how many documents it has; keeps those within reach.
    async fn plan(&mut self) -> Result<Planned, RepositoryError> {
        let commit = opening::commit(&self.reader).await?;
        let mut left = VecDeque::with_capacity(commit.segments.len());
        let mut base = 0_u64;
        for commit in commit.segments {
            let name = format!("{}.si", commit.name);
            let bytes = self.reader.whole(&name).await?;
            let info = SegmentInfo::parse(&name, &bytes, &commit.id)
                .map_err(|error| self.reader.broken(&error))?;
            let end = base + u64::from(info.max_doc);
            if end > self.from.0 && base < self.until.0 {
                left.push_back((commit, base));
            }
            base = end;
        }
        self.total = Some(base);
        let Self { reader, from, until, .. } = self;
        Ok(Planned { reader: reader.clone(), from: *from, until: *until, left })
    }
}

impl Segments for Planned {
    async fn next(&mut self) -> Result<Option<OpenSegment>, RepositoryError> {
        let Some((commit, base)) = self.left.pop_front() else { return Ok(None) };
        let window = Window { base, from: self.from.0, until: self.until.0 };
        OpenSegment::open(self.reader.clone(), &commit, window).await.map(Some)
    }
}
