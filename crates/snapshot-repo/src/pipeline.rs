//! Reads and decodes ahead of the caller: in parallel, with the documents in order all the same.
//!
//! ```text
//! fetched bytes    | fetch            | fetch            |        one fetch ahead
//! ranges of chunks | 1  | 2  | 3  | 4 | 5  | 6  | ...             to the decoders in turn, each a
//!                     |    |                                      thread that may block
//! outputs             v    v                                      in the order of the ranges
//!                   batch batch ...                               one output is emptied after the other
//! ```
//!
//! A decoder receives its next range before it has finished the one before. An output holds a few
//! batches; when they are not taken, its decoder waits. So memory is bounded by the number of
//! decoders, whatever a range decompresses to.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    vec,
};

use bytes::Bytes;
use lucene::{ChunkRange, ChunkRangeSum, FileSum, LuceneError, Problem};
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
};

use crate::{
    batch::Batch, buffer_pool::BufferPool, error::RepositoryError, files::FileReader,
    segment::OpenSegment,
};

/// The smallest range of chunks, compressed.
const MIN_RANGE_BYTES: u64 = 256 << 10;
/// How many batches wait in an output.
const MAX_WAITING_BATCHES: usize = 4;

/// How much is read and decoded at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLimits {
    /// How many bytes one request to the store fetches.
    pub(crate) fetch_bytes: NonZeroU64,
    /// How many ranges of chunks are decoded concurrently.
    pub(crate) decoders: NonZeroUsize,
}

/// What a decoder sends for one range of chunks.
#[derive(Debug)]
enum Decoded {
    Batch(Batch),
    /// The range was read to its end.
    Sum(ChunkRangeSum),
    /// The window ends in the range.
    Cut,
}

/// The batches of one range of chunks, as its decoder sends them.
type RangeOutput = mpsc::Receiver<Result<Decoded, LuceneError>>;

/// What the task that reads ahead sends.
#[derive(Debug)]
enum Event {
    /// The ranges that follow are of this segment.
    Segment(OpenSegment),
    Range(RangeOutput),
    SegmentEnd,
    Failed(RepositoryError),
    End,
}

/// A running read. Dropping it stops the read.
#[derive(Debug)]
pub(crate) struct Pipeline {
    reader: FileReader,
    events: mpsc::Receiver<Event>,
    _read_ahead: JoinSet<()>,
    current: Option<RangeOutput>,
    segment: Option<(OpenSegment, FileSum)>,
    /// The last batch. It is not returned before there is a next one or its segment is verified: a
    /// read that resumes after a segment never opens it again.
    held: Option<Batch>,
}

/// The segments to read, in order.
pub(crate) trait Segments: Send + 'static {
    /// Opens the next one.
    fn next(&mut self)
    -> impl Future<Output = Result<Option<OpenSegment>, RepositoryError>> + Send;
}

impl Pipeline {
    /// Starts to read.
    pub(crate) fn start(reader: FileReader, segments: impl Segments, limits: ReadLimits) -> Self {
        let (sender, events) = mpsc::channel(limits.decoders.get());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let last = match read_ahead(segments, limits, &sender).await {
                Ok(()) => Event::End,
                Err(Interrupt::Failed(error)) => Event::Failed(error),
                Err(Interrupt::Abandoned) => return,
            };
            // Without a receiver the read was abandoned.
            drop(sender.send(last).await);
        });
        Self { reader, events, _read_ahead: tasks, current: None, segment: None, held: None }
    }

    /// Returns the next batch in order, or none at the end. Must not be called after an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, RepositoryError> {
        loop {
            let Some(output) = &mut self.current else {
                match self.events.recv().await.ok_or_else(|| self.reader.stopped())? {
                    Event::Range(output) => self.current = Some(output),
                    Event::Segment(open) => {
                        let sum = open.segment.stored_fields_sum();
                        self.segment = Some((open, sum));
                    }
                    Event::SegmentEnd => {
                        self.verify()?;
                        if let Some(batch) = self.held.take() {
                            return Ok(Some(batch));
                        }
                    }
                    Event::Failed(error) => return Err(error),
                    Event::End => return Ok(None),
                }
                continue;
            };
            let decoded = output.recv().await.ok_or_else(|| self.reader.stopped())?;
            match decoded.map_err(|error| self.reader.broken(&error))? {
                Decoded::Batch(batch) => {
                    if let Some(batch) = self.held.replace(batch) {
                        return Ok(Some(batch));
                    }
                }
                Decoded::Sum(part) => {
                    if let Some((_, sum)) = &mut self.segment {
                        sum.join(&part);
                    }
                    self.current = None;
                }
                Decoded::Cut => self.current = None,
            }
        }
    }

    /// Compares the checksum of the segment's stored fields, if all of them were read.
    fn verify(&mut self) -> Result<(), RepositoryError> {
        let Some((open, sum)) = self.segment.take() else { return Ok(()) };
        let sum = sum.finish().map_err(|error| self.reader.broken(&error))?;
        let stored = open.segment.stored_fields();
        match sum {
            Some(sum) if stored.whole() => self.reader.check_sum(&stored.file, sum),
            // Inside a compound file the footer of the part was compared.
            Some(_) => Ok(()),
            None if open.window.ends_inside(open.segment.max_doc()) => Ok(()),
            None => {
                let (file, offset) = (stored.name.clone(), stored.length);
                let problem = Problem::UnexpectedEnd { wanted: stored.length };
                Err(self.reader.broken(&LuceneError::Malformed { file, offset, problem }))
            }
        }
    }
}

/// Why reading ahead ended early.
enum Interrupt {
    Failed(RepositoryError),
    /// The caller no longer takes the documents.
    Abandoned,
}

impl From<RepositoryError> for Interrupt {
    fn from(error: RepositoryError) -> Self {
        Self::Failed(error)
    }
}

async fn read_ahead(
    mut segments: impl Segments,
    limits: ReadLimits,
    sender: &mpsc::Sender<Event>,
) -> Result<(), Interrupt> {
    let send = async |event| sender.send(event).await.map_err(|_| Interrupt::Abandoned);
    let decoders: Vec<mpsc::Sender<DecodeJob>> =
        (0..limits.decoders.get()).map(|_| spawn_decoder()).collect();
    let mut turns = decoders.iter().cycle();
    let pool = BufferPool::default();
    while let Some(open) = segments.next().await? {
        send(Event::Segment(open.clone())).await?;
        let mut fetches = Fetches::new(&open, limits.fetch_bytes.get());
        while let Some((ranges, bytes)) = fetches.next(&open).await? {
            let start = ranges.first().map_or(0, |first| first.bytes.start);
            for range in ranges {
                let bytes = part(&bytes, start, &range);
                let (output, decoded) = mpsc::channel(MAX_WAITING_BATCHES);
                let (open, pool) = (open.clone(), pool.clone());
                if let Some(decoder) = turns.next() {
                    let job = DecodeJob { open, range, bytes, pool, output };
                    decoder.send(job).await.map_err(|_| Interrupt::Abandoned)?;
                }
                send(Event::Range(decoded)).await?;
            }
        }
        send(Event::SegmentEnd).await?;
    }
    Ok(())
}

/// A range of chunks to decode, and where its batches go.
#[derive(Debug)]
struct DecodeJob {
    open: OpenSegment,
    range: ChunkRange,
    bytes: Bytes,
    pool: BufferPool,
    output: mpsc::Sender<Result<Decoded, LuceneError>>,
}

/// Starts a thread that decodes the jobs it is sent, until all senders are gone.
fn spawn_decoder() -> mpsc::Sender<DecodeJob> {
    let (sender, mut jobs) = mpsc::channel::<DecodeJob>(1);
    spawn_blocking(move || {
        while let Some(job) = jobs.blocking_recv() {
            job.decode();
        }
    });
    sender
}

impl DecodeJob {
    fn decode(self) {
        let Self { open, range, bytes, pool, output } = self;
        let pass_on = |batch| output.blocking_send(Ok(Decoded::Batch(batch))).is_ok();
        let last = match open.decode(&range, &bytes, &pool, pass_on) {
            Ok(Some(sum)) => Ok(Decoded::Sum(sum)),
            Ok(None) => Ok(Decoded::Cut),
            Err(error) => Err(error),
        };
        // Without a receiver the read was abandoned.
        drop(output.blocking_send(last));
    }
}

/// Returns the bytes of a range of chunks, out of fetched bytes that begin at `start`.
fn part(fetched: &Bytes, start: u64, range: &ChunkRange) -> Bytes {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
    let (from, to) = (place(range.bytes.start), place(range.bytes.end));
    // The decoder reports missing bytes.
    if from <= to && to <= fetched.len() { fetched.slice(from..to) } else { Bytes::new() }
}

/// The ranges of chunks of a segment, fetched several at a time, the next ones while the last are
/// in use.
struct Fetches {
    left: vec::IntoIter<Vec<ChunkRange>>,
    running: JoinSet<Result<(Vec<ChunkRange>, Bytes), RepositoryError>>,
}

impl Fetches {
    fn new(open: &OpenSegment, fetch_bytes: u64) -> Self {
        let mut fetches: Vec<Vec<ChunkRange>> = Vec::new();
        let mut length = 0_u64;
        for range in open.chunk_ranges(MIN_RANGE_BYTES.min(fetch_bytes)) {
            let bytes = range.bytes.end.saturating_sub(range.bytes.start);
            match fetches.last_mut() {
                Some(fetch) if length.saturating_add(bytes) <= fetch_bytes => {
                    length = length.saturating_add(bytes);
                    fetch.push(range);
                }
                _ => {
                    length = bytes;
                    fetches.push(vec![range]);
                }
            }
        }
        Self { left: fetches.into_iter(), running: JoinSet::new() }
    }

    async fn next(
        &mut self,
        open: &OpenSegment,
    ) -> Result<Option<(Vec<ChunkRange>, Bytes)>, RepositoryError> {
        if self.running.is_empty() {
            self.start(open);
        }
        let Some(fetched) = self.running.join_next().await else {
            return Ok(None);
        };
        self.start(open);
        fetched.map_err(|_| open.reader.stopped())?.map(Some)
    }

    fn start(&mut self, open: &OpenSegment) {
        if let Some(ranges) = self.left.next() {
            let open = open.clone();
            self.running.spawn(async move {
                let bytes = open.fetch(&ranges).await?;
                Ok((ranges, bytes))
            });
        }
    }
}
