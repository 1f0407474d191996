//! Streams the documents of a shard: forward, with bounded memory, without scratch disk.
//!
//! ```text
//! list of files -> segments_N -> segment, segment, ...     in the order of the commit
//!                                   |
//!                                   +-- documents 0 .. max_doc - 1   position = sum of the max_docs
//!                                                                     before it + document number
//! ```
//!
//! In memory at a time: one range of stored fields and the next one, the chunk being decoded, one
//! batch, and the deletes of one segment.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use bytes::Bytes;
use lucene::{SegmentCommit, SegmentInfo, SegmentInfos};

use crate::batch::Batch;
use crate::blobs::Blobs;
use crate::error::RepositoryError;
use crate::files::FileReader;
use crate::segment::{OpenSegment, Progress, Window};
use crate::shard::ShardFiles;

/// How much of the stored fields is asked for at once, unless the caller says otherwise.
const RANGE_BYTES: NonZeroU64 = NonZeroU64::new(4 << 20).expect("not zero");

/// A place in a shard: the number of documents, of any kind, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// The beginning of a shard.
    pub const START: Self = Self(0);
}

/// One live document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its place in the shard; resume after it `from` this plus one.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// Its mapping type, where the source has types.
    pub doc_type: Option<String>,
    /// Its custom routing.
    pub routing: Option<String>,
    /// The id of its parent (`_parent` of Elasticsearch 5).
    pub parent: Option<String>,
    /// Its source, as the client sent it; absent where `_source` is disabled.
    pub source: Option<Bytes>,
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
}

impl Ledger {
    /// Adds the counts of a further part.
    pub fn add(&mut self, part: Self) {
        let Self { physical, live, nested, deleted, without_source } = part;
        self.physical += physical;
        self.live += live;
        self.nested += nested;
        self.deleted += deleted;
        self.without_source += without_source;
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
    range_bytes: NonZeroU64,
    ledger: Ledger,
    total: Option<u64>,
    state: State,
}

/// How far the reading is.
#[derive(Debug)]
enum State {
    /// Nothing was read.
    Fresh,
    /// Segments are left, and perhaps one is half read.
    Reading { current: Option<Box<OpenSegment>>, left: VecDeque<Planned> },
    /// A read failed or was abandoned in its middle: what comes next is not known.
    Broken,
}

/// A segment of the commit and its place in the shard.
#[derive(Debug)]
struct Planned {
    commit: SegmentCommit,
    base: u64,
    max_doc: u32,
}

impl ShardDocuments {
    pub(crate) fn new(blobs: &Blobs, files: ShardFiles, from: Position) -> Self {
        Self {
            reader: FileReader::new(blobs, files),
            from,
            until: Position(u64::MAX),
            range_bytes: RANGE_BYTES,
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

    /// Asks the store for this many bytes of stored fields at a time (4 MiB unless said); up to two
    /// such ranges are held in memory.
    #[must_use]
    pub fn range_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.range_bytes = bytes;
        self
    }

    /// The next documents, about 1 to 4 MiB; none at the end.
    ///
    /// After an error, or when the future was dropped before it was ready, every further call is an
    /// error: nothing is skipped.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Document>>, RepositoryError> {
        let (mut current, mut left) = match std::mem::replace(&mut self.state, State::Broken) {
            State::Fresh => (None, self.plan().await?),
            State::Reading { current, left } => (current, left),
            State::Broken => return Err(self.reader.stopped()),
        };
        let mut batch = Batch::default();
        while !batch.is_full() {
            let mut segment = match current.take() {
                Some(segment) => segment,
                None => match left.pop_front() {
                    Some(planned) => self.open(planned).await?,
                    None => break,
                },
            };
            let (progress, filled) = segment.advance(batch).await?;
            batch = filled;
            match progress {
                Progress::Inside => current = Some(segment),
                Progress::SegmentDone => {}
                Progress::WindowDone => left.clear(),
            }
        }
        self.state = State::Reading { current, left };
        let (documents, ledger) = batch.into_documents();
        self.ledger.add(ledger);
        Ok((!documents.is_empty()).then_some(documents))
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
        for planned in self.plan().await? {
            size.physical += u64::from(planned.max_doc);
            let segment = self.open(planned).await?;
            size.deleted += u64::from(segment.deleted());
            size.bytes += segment.stored_bytes();
        }
        Ok(size)
    }

    async fn open(&self, planned: Planned) -> Result<Box<OpenSegment>, RepositoryError> {
        let Planned { commit, base, max_doc: _ } = planned;
        let window = Window { base, from: self.from.0, until: self.until.0 };
        OpenSegment::open(self.reader.clone(), commit, window, self.range_bytes).await.map(Box::new)
    }

    /// Reads the commit, and of each segment how many documents it has; keeps those within reach.
    async fn plan(&mut self) -> Result<VecDeque<Planned>, RepositoryError> {
        let name = self
            .reader
            .lucene_files()
            .segments_file()
            .map_err(|error| self.reader.broken(&error))?;
        let bytes = self.reader.whole(name).await?;
        let commit =
            SegmentInfos::parse(name, &bytes).map_err(|error| self.reader.broken(&error))?;
        let mut left = VecDeque::with_capacity(commit.segments.len());
        let mut base = 0_u64;
        for commit in commit.segments {
            let name = format!("{}.si", commit.name);
            let bytes = self.reader.whole(&name).await?;
            let info = SegmentInfo::parse(&name, &bytes, &commit.id)
                .map_err(|error| self.reader.broken(&error))?;
            let end = base + u64::from(info.max_doc);
            if end > self.from.0 && base < self.until.0 {
                left.push_back(Planned { commit, base, max_doc: info.max_doc });
            }
            base = end;
        }
        self.total = Some(base);
        Ok(left)
    }
}
