//! One segment while it is read: its small files first, then its stored fields range by range.
//!
//! ```text
//! store:   | range 1 | range 2 | range 3 |          asked for one ahead
//! decode:            | range 1   | range 2   | ...  on a thread that may block
//! ```

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join_all;
use lucene::{LuceneError, Opening, Segment, SegmentCommit, StoredFieldsDecoder};
use tokio::task::{JoinSet, spawn_blocking};

use crate::batch::{Batch, Reach};
use crate::error::RepositoryError;
use crate::files::FileReader;

/// Attributes of a segment that name fields which were taken out of the stored sources.
const DERIVED_FIELDS: &[&str] = &["derived_vector_fields", "nested_derived_vector_fields"];

/// The part of a shard that is wanted, and where a segment lies in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The position of the segment's first document.
    pub(crate) base: u64,
    /// The first position wanted.
    pub(crate) from: u64,
    /// The first position no longer wanted.
    pub(crate) until: u64,
}

/// What remains after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The segment is not at its end.
    Inside,
    /// Every document of the segment was read, and its checksum is right.
    SegmentDone,
    /// The end of the window was met.
    WindowDone,
}

/// A segment that is being read.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    reader: FileReader,
    segment: Arc<Segment>,
    window: Window,
    decoder: Option<StoredFieldsDecoder>,
    ranges: RangesAhead,
    /// Whether the decoder may have chunks without further bytes.
    fed: bool,
}

impl OpenSegment {
    /// Reads a segment's small files.
    pub(crate) async fn open(
        reader: FileReader,
        commit: SegmentCommit,
        window: Window,
        range_bytes: NonZeroU64,
    ) -> Result<Self, RepositoryError> {
        let mut opening = Opening::start(reader.lucene_files(), &commit)
            .map_err(|error| reader.broken(&error))?;
        let segment = loop {
            match opening {
                Opening::Ready(segment) => break segment,
                Opening::Needs(needs) => {
                    let asked = needs.slices().iter().map(|slice| reader.slice(slice));
                    let answers = try_join_all(asked).await?;
                    let supplied = spawn_blocking(move || needs.supply(&answers)).await;
                    opening = supplied
                        .map_err(|_| reader.stopped())?
                        .map_err(|error| reader.broken(&error))?;
                }
            }
        };
        for (name, fields) in segment.attributes() {
            if DERIVED_FIELDS.contains(&name.as_str()) && !fields.is_empty() {
                return Err(reader.derived_source(&commit.name, fields));
            }
        }
        let mut decoder = segment.decoder();
        if let Ok(skipped) = u32::try_from(window.from.saturating_sub(window.base)) {
            decoder.skip_until(skipped);
        }
        let stored = segment.stored_fields();
        let ranges = RangesAhead {
            file: stored.file.clone(),
            next: stored.offset,
            end: stored.offset.saturating_add(stored.length),
            range_bytes,
            asked: JoinSet::new(),
        };
        Ok(Self {
            reader,
            segment: segment.into(),
            window,
            decoder: Some(decoder),
            ranges,
            fed: false,
        })
    }

    /// How many of its documents are deleted.
    pub(crate) fn deleted(&self) -> u32 {
        self.segment.live_docs().deleted()
    }

    /// How many bytes its stored fields have.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.segment.stored_fields().length
    }

    /// Decodes until the batch is full, more bytes are needed, or the segment ends.
    pub(crate) async fn advance(
        &mut self,
        batch: Batch,
    ) -> Result<(Progress, Batch), RepositoryError> {
        let bytes = if self.fed { None } else { self.ranges.next(&self.reader).await? };
        let at_end = bytes.is_none() && !self.fed;
        let decoder = self.decoder.take().ok_or_else(|| self.reader.stopped())?;
        if at_end {
            return self.finish(decoder).map(|()| (Progress::SegmentDone, batch));
        }
        let step = Step {
            decoder,
            batch,
            segment: Arc::clone(&self.segment),
            reader: self.reader.clone(),
            window: self.window,
        };
        let stepped = spawn_blocking(move || step.run(bytes)).await;
        let stepped = stepped.map_err(|_| self.reader.stopped())?;
        let (step, end) = stepped.map_err(|error| self.reader.broken(&error))?;
        self.decoder = Some(step.decoder);
        self.fed = end == StepEnd::BatchFull;
        let progress = match end {
            StepEnd::BatchFull | StepEnd::MoreBytes => Progress::Inside,
            StepEnd::Window => Progress::WindowDone,
        };
        Ok((progress, step.batch))
    }

    /// Checks that all documents were seen and that the bytes were the right ones.
    fn finish(&self, decoder: StoredFieldsDecoder) -> Result<(), RepositoryError> {
        let read = decoder.finish().map_err(|error| self.reader.broken(&error))?;
        let stored = self.segment.stored_fields();
        if stored.whole() {
            self.reader.check_sum(&stored.file, read.checksum)?;
        }
        Ok(())
    }
}

/// Why a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepEnd {
    BatchFull,
    MoreBytes,
    Window,
}

/// What a decoding thread works on.
struct Step {
    decoder: StoredFieldsDecoder,
    batch: Batch,
    segment: Arc<Segment>,
    reader: FileReader,
    window: Window,
}

impl Step {
    fn run(mut self, bytes: Option<Bytes>) -> Result<(Self, StepEnd), LuceneError> {
        if let Some(bytes) = bytes {
            self.decoder.push(&bytes)?;
        }
        loop {
            if self.batch.is_full() {
                return Ok((self, StepEnd::BatchFull));
            }
            let Some(chunk) = self.decoder.next_chunk()? else {
                return Ok((self, StepEnd::MoreBytes));
            };
            let types = self.reader.types();
            let reach = self.batch.take(&chunk, &self.segment, types, self.window)?;
            self.decoder.recycle(chunk);
            if reach == Reach::Past {
                return Ok((self, StepEnd::Window));
            }
        }
    }
}

/// The ranges of a file in order, the next one asked for while the last is in use.
#[derive(Debug)]
struct RangesAhead {
    file: String,
    next: u64,
    end: u64,
    range_bytes: NonZeroU64,
    asked: JoinSet<Result<Bytes, RepositoryError>>,
}

impl RangesAhead {
    async fn next(&mut self, reader: &FileReader) -> Result<Option<Bytes>, RepositoryError> {
        if self.asked.is_empty() {
            self.ask(reader);
        }
        let Some(answer) = self.asked.join_next().await else {
            return Ok(None);
        };
        self.ask(reader);
        answer.map_err(|_| reader.stopped())?.map(Some)
    }

    fn ask(&mut self, reader: &FileReader) {
        if self.next >= self.end {
            return;
        }
        let start = self.next;
        self.next = start.saturating_add(self.range_bytes.get()).min(self.end);
        let (reader, file, range) = (reader.clone(), self.file.clone(), start..self.next);
        self.asked.spawn(async move { reader.range(&file, range).await });
    }
}
