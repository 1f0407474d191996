//! Streams the documents of a shard: forward, with bounded memory, without scratch disk.
//!
//! ```text
//! list of files -> segments_N -> segment, segment, ...     in the order of the commit
//!                                   |
//!                                   +-- documents 0 .. max_doc - 1   position = sum of the max_docs
//!                                                                     before it + document number
//! ```
//!
//! In memory at a time: two or three fetches of stored fields, a few batches for each decoder
//! (`pipeline.rs`), and the deletes of one segment.

use std::{
    collections::VecDeque,
    mem::replace,
    num::{NonZeroU64, NonZeroUsize},
};

use lucene::{SegmentCommit, SegmentInfo};

use crate::{
    batch::Batch,
    blobs::Blobs,
    error::RepositoryError,
    files::FileReader,
    opening,
    pipeline::{Pipeline, ReadLimits, Segments},
    positions::{Position, PositionCounts},
    segment::OpenSegment,
    shard::ShardFiles,
    window::Window,
};

const DEFAULT_LIMITS: ReadLimits = ReadLimits {
    fetch_bytes: NonZeroU64::new(4 << 20).expect("not zero"),
    decoders: NonZeroUsize::MIN,
};

/// The size of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSize {
    /// Documents of any kind.
    pub physical: u64,
    /// Deleted documents among them.
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
    limits: ReadLimits,
    ledger: PositionCounts,
    total: Option<u64>,
    state: State,
}

/// The state of the read.
#[derive(Debug)]
enum State {
    /// Nothing was read yet.
    Fresh,
    Reading(Box<Pipeline>),
    Ended,
    /// A read failed or was abandoned halfway: the next documents are not known.
    Broken,
}

/// The segments that are left to read, and their places in the shard.
#[derive(Debug)]
struct RemainingSegments {
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
            limits: DEFAULT_LIMITS,
            ledger: PositionCounts::default(),
            total: None,
            state: State::Fresh,
        }
    }

    /// Stops before a position.
    #[must_use]
    pub fn until(mut self, end: Position) -> Self {
        self.until = end;
        self
    }

    /// Fetches this many bytes of stored fields with one request to the store (4 MiB by default). Up
    /// to three such fetches are held in memory.
    #[must_use]
    pub fn fetch_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.limits.fetch_bytes = bytes;
        self
    }

    /// Decodes on this many threads concurrently (one by default). The documents and their order do
    /// not depend on it. For each thread, a few batches are held in memory.
    #[must_use]
    pub fn decoders(mut self, count: NonZeroUsize) -> Self {
        self.limits.decoders = count;
        self
    }

    /// Returns the next documents, about 1 MiB, or none at the end. Every position is in one batch,
    /// so a batch may have no documents.
    ///
    /// The last documents of a segment are returned only after the checksum of its stored fields was
    /// verified: a position after a segment proves that the segment was read as it was written.
    ///
    /// After an error, or when the future was dropped before it was ready, every further call
    /// returns an error: nothing is skipped.
    pub async fn next(&mut self) -> Result<Option<Batch>, RepositoryError> {
        let mut pipeline = match replace(&mut self.state, State::Broken) {
            State::Fresh => {
                let segments = self.plan().await?;
                Box::new(Pipeline::start(self.reader.clone(), segments, self.limits))
            }
            State::Reading(pipeline) => pipeline,
            State::Ended => {
                self.state = State::Ended;
                return Ok(None);
            }
            State::Broken => return Err(self.reader.stopped()),
        };
        let batch = pipeline.next().await?;
        self.state = match &batch {
            Some(batch) => {
                self.ledger.add(batch.ledger());
                State::Reading(pipeline)
            }
            None => State::Ended,
        };
        Ok(batch)
    }

    /// Returns what became of the positions read so far.
    pub fn ledger(&self) -> PositionCounts {
        self.ledger
    }

    /// Returns how many bytes of the repository were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }

    /// Returns the number of positions in the whole shard; known after the first batch.
    pub fn total_documents(&self) -> Option<u64> {
        self.total
    }

    /// Returns the size of the shard without reading stored fields.
    pub(crate) async fn size(mut self) -> Result<ShardSize, RepositoryError> {
        let mut size = ShardSize::default();
        let mut segments = self.plan().await?;
        size.physical = self.total.unwrap_or_default();
        while let Some(open) = segments.next().await? {
            size.deleted += u64::from(open.segment.live_docs().deleted());
            size.bytes += open.segment.stored_fields().length;
        }
        Ok(size)
    }

    /// Reads the commit and the number of documents of each segment. Keeps the segments with
    /// documents to read.
    async fn plan(&mut self) -> Result<RemainingSegments, RepositoryError> {
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
        Ok(RemainingSegments { reader: reader.clone(), from: *from, until: *until, left })
    }
}

impl Segments for RemainingSegments {
    async fn next(&mut self) -> Result<Option<OpenSegment>, RepositoryError> {
        let Some((commit, base)) = self.left.pop_front() else { return Ok(None) };
        let window = Window { base, from: self.from.0, until: self.until.0 };
        OpenSegment::open(self.reader.clone(), &commit, window).await.map(Some)
    }
}
