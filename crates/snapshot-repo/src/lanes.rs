//! Reads and decodes ahead of whoever takes the documents: in parallel, and in order all the same.
//!
//! ```text
//! ranges     | range            | range            |        read one ahead
//! stretches  | 1  | 2  | 3  | 4 | 5  | 6  | ...             to the decoders in turn, each a thread
//!              |    |                                       that may block
//! lanes        v    v                                       in the order of the stretches
//!            batch batch ...                                one lane is emptied after the other
//! ```
//!
//! A decoder has its next stretch before it is done with one. A lane holds a few batches; when they
//! are not taken its decoder waits. So memory is bounded by the number of decoders, whatever a
//! stretch decompresses to.

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::Bytes;
use lucene::{FileSum, LuceneError, Problem, Stretch, StretchSum};
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
};

use crate::{
    batch::Batch, error::RepositoryError, files::FileReader, rooms::Rooms, segment::OpenSegment,
};

/// How large a stretch is at least, compressed.
const STRETCH_BYTES: u64 = 256 << 10;
/// How many batches wait in a lane.
const BATCHES_AHEAD: usize = 4;

/// How reading is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How much is asked of the store at once.
    pub(crate) range_bytes: NonZeroU64,
    /// How many stretches are decoded at once.
    pub(crate) decoders: NonZeroUsize,
}

/// What a lane gives.
#[derive(Debug)]
enum Decoded {
    Batch(Batch),
    /// The stretch was read to its end.
    Sum(StretchSum),
    /// The window ends in it.
    Cut,
}

/// What the task that reads ahead has to tell.
#[derive(Debug)]
enum Fed {
    /// The lanes that follow are of this segment.
    Segment(OpenSegment),
    Lane(mpsc::Receiver<Result<Decoded, LuceneError>>),
    SegmentEnd,
    Failed(RepositoryError),
    End,
}

/// The lanes of a read; dropping it stops the read.
#[derive(Debug)]
pub(crate) struct Lanes {
    reader: FileReader,
    fed: mpsc::Receiver<Fed>,
    _feeding: JoinSet<()>,
    current: Option<mpsc::Receiver<Result<Decoded, LuceneError>>>,
    segment: Option<(OpenSegment, FileSum)>,
    /// The last batch. It is not given out before there is a next one or its segment is verified:
    /// a read that resumes behind a segment never opens it again.
    held: Option<Batch>,
}

/// Gives the segments to read, one after the other.
pub(crate) trait Segments: Send + 'static {
    /// Opens the next one.
    fn next(&mut self)
    -> impl Future<Output = Result<Option<OpenSegment>, RepositoryError>> + Send;
}

impl Lanes {
    /// Starts to read.
    pub(crate) fn start(reader: FileReader, segments: impl Segments, pace: Pace) -> Self {
        let (sender, fed) = mpsc::channel(pace.decoders.get());
        let mut feeding = JoinSet::new();
        feeding.spawn(async move {
            let last = match feed(segments, pace, &sender).await {
                Ok(()) => Fed::End,
                Err(Halt::Failed(error)) => Fed::Failed(error),
                Err(Halt::Unwanted) => return,
            };
            // A receiver that is gone wants to hear nothing more.
            drop(sender.send(last).await);
        });
        Self { reader, fed, _feeding: feeding, current: None, segment: None, held: None }
    }

    /// The next batch in order; none at the end. After an error nothing more is to be asked.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, RepositoryError> {
        loop {
            let Some(lane) = &mut self.current else {
                match self.fed.recv().await.ok_or_else(|| self.reader.stopped())? {
                    Fed::Lane(lane) => self.current = Some(lane),
                    Fed::Segment(open) => {
                        let sum = open.segment.stored_fields_sum();
                        self.segment = Some((open, sum));
                    }
                    Fed::SegmentEnd => {
                        self.verify()?;
                        if let Some(batch) = self.held.take() {
                            return Ok(Some(batch));
                        }
                    }
                    Fed::Failed(error) => return Err(error),
                    Fed::End => return Ok(None),
                }
                continue;
            };
            let decoded = lane.recv().await.ok_or_else(|| self.reader.stopped())?;
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
enum Halt {
    Failed(RepositoryError),
    /// Nobody takes the documents any more.
    Unwanted,
}

impl From<RepositoryError> for Halt {
    fn from(error: RepositoryError) -> Self {
        Self::Failed(error)
    }
}

async fn feed(
    mut segments: impl Segments,
    pace: Pace,
    sender: &mpsc::Sender<Fed>,
) -> Result<(), Halt> {
    let send = async |fed| sender.send(fed).await.map_err(|_| Halt::Unwanted);
    let decoders: Vec<mpsc::Sender<Job>> = (0..pace.decoders.get()).map(|_| decoder()).collect();
    let mut turns = decoders.iter().cycle();
    let rooms = Rooms::default();
    while let Some(open) = segments.next().await? {
        send(Fed::Segment(open.clone())).await?;
        let mut ranges = RangesAhead::new(&open, pace.range_bytes.get());
        while let Some((stretches, bytes)) = ranges.next(&open).await? {
            let start = stretches.first().map_or(0, |first| first.bytes.start);
            for stretch in stretches {
                let bytes = part(&bytes, start, &stretch);
                let (lane, batches) = mpsc::channel(BATCHES_AHEAD);
                let (open, rooms) = (open.clone(), rooms.clone());
                if let Some(decoder) = turns.next() {
                    let job = Job { open, stretch, bytes, rooms, lane };
                    decoder.send(job).await.map_err(|_| Halt::Unwanted)?;
                }
                send(Fed::Lane(batches)).await?;
            }
        }
        send(Fed::SegmentEnd).await?;
    }
    Ok(())
}

/// A stretch to decode, and the lane that its batches go to.
#[derive(Debug)]
struct Job {
    open: OpenSegment,
    stretch: Stretch,
    bytes: Bytes,
    rooms: Rooms,
    lane: mpsc::Sender<Result<Decoded, LuceneError>>,
}

/// A thread that decodes what it is sent, until nobody can send any more.
fn decoder() -> mpsc::Sender<Job> {
    let (sender, mut jobs) = mpsc::channel::<Job>(1);
    spawn_blocking(move || {
        while let Some(job) = jobs.blocking_recv() {
            job.decode();
        }
    });
    sender
}

impl Job {
    fn decode(self) {
        let Self { open, stretch, bytes, rooms, lane } = self;
        let hand_on = |batch| lane.blocking_send(Ok(Decoded::Batch(batch))).is_ok();
        let last = match open.decode(&stretch, &bytes, &rooms, hand_on) {
            Ok(Some(sum)) => Ok(Decoded::Sum(sum)),
            Ok(None) => Ok(Decoded::Cut),
            Err(error) => Err(error),
        };
        // A receiver that is gone wants to hear nothing more.
        drop(lane.blocking_send(last));
    }
}

/// The bytes of a stretch in those of a range that starts at `start`.
fn part(range: &Bytes, start: u64, stretch: &Stretch) -> Bytes {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
    let (from, to) = (place(stretch.bytes.start), place(stretch.bytes.end));
    // Too few are an error of the decoder.
    if from <= to && to <= range.len() { range.slice(from..to) } else { Bytes::new() }
}

/// The stretches of a segment in ranges, the next range asked for while the last is in use.
struct RangesAhead {
    left: std::vec::IntoIter<Vec<Stretch>>,
    asked: JoinSet<Result<(Vec<Stretch>, Bytes), RepositoryError>>,
}

impl RangesAhead {
    fn new(open: &OpenSegment, range_bytes: u64) -> Self {
        let mut ranges: Vec<Vec<Stretch>> = Vec::new();
        let mut length = 0_u64;
        for stretch in open.stretches(STRETCH_BYTES.min(range_bytes)) {
            let bytes = stretch.bytes.end.saturating_sub(stretch.bytes.start);
            match ranges.last_mut() {
                Some(range) if length.saturating_add(bytes) <= range_bytes => {
                    length = length.saturating_add(bytes);
                    range.push(stretch);
                }
                _ => {
                    length = bytes;
                    ranges.push(vec![stretch]);
                }
            }
        }
        Self { left: ranges.into_iter(), asked: JoinSet::new() }
    }

    async fn next(
        &mut self,
        open: &OpenSegment,
    ) -> Result<Option<(Vec<Stretch>, Bytes)>, RepositoryError> {
        if self.asked.is_empty() {
            self.ask(open);
        }
        let Some(answer) = self.asked.join_next().await else {
            return Ok(None);
        };
        self.ask(open);
        answer.map_err(|_| open.reader.stopped())?.map(Some)
    }

    fn ask(&mut self, open: &OpenSegment) {
        if let Some(stretches) = self.left.next() {
            let open = open.clone();
            self.asked.spawn(async move {
                let bytes = open.fetch(&stretches).await?;
                Ok((stretches, bytes))
            });
        }
    }
}
