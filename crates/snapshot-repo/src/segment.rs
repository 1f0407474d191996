//! One segment: its small files are read first, then its stored fields are decoded, stretch by
//! stretch, each by itself.

use std::sync::Arc;

use bytes::Bytes;
use lucene::{LuceneError, Segment, SegmentCommit, Stretch, StretchSum};

use crate::{
    batch::{Batch, Reach},
    error::RepositoryError,
    files::FileReader,
    opening,
    rooms::Rooms,
    survey::DERIVED_VECTORS,
};

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

impl Window {
    /// Whether it ends before the last document of a segment of so many.
    pub(crate) fn ends_inside(self, documents: u32) -> bool {
        self.until < self.base.saturating_add(u64::from(documents))
    }
}

/// A segment of which the stored fields can be read.
#[derive(Clone, Debug)]
pub(crate) struct OpenSegment {
    pub(crate) reader: FileReader,
    pub(crate) segment: Arc<Segment>,
    pub(crate) window: Window,
}

impl OpenSegment {
    /// Reads a segment's small files.
    pub(crate) async fn open(
        reader: FileReader,
        commit: &SegmentCommit,
        window: Window,
    ) -> Result<Self, RepositoryError> {
        let segment = opening::segment(&reader, commit).await?;
        for (name, fields) in segment.attributes() {
            if DERIVED_VECTORS.contains(&name.as_str()) && !fields.is_empty() {
                return Err(reader.derived_source(&commit.name, fields));
            }
        }
        Ok(Self { reader, segment: segment.into(), window })
    }

    /// The stretches that must be read, of so many bytes each: all up to the end of the window.
    ///
    /// Those that lie before the window are among them, for the sake of the file's checksum.
    pub(crate) fn stretches(&self, least_bytes: u64) -> impl Iterator<Item = Stretch> {
        let Window { base, from: _, until } = self.window;
        self.segment
            .stretches(least_bytes)
            .take_while(move |stretch| base + u64::from(stretch.documents.start) < until)
    }

    /// Reads the bytes of some stretches that follow each other.
    pub(crate) async fn fetch(&self, stretches: &[Stretch]) -> Result<Bytes, RepositoryError> {
        let stored = self.segment.stored_fields();
        let bounds = stretches.first().zip(stretches.last());
        let range = bounds.map_or(0..0, |(first, last)| {
            stored.offset.saturating_add(first.bytes.start)
                ..stored.offset.saturating_add(last.bytes.end)
        });
        self.reader.range(&stored.file, range).await
    }

    /// Decodes a stretch and hands its documents on, batch by batch; the sum is none when the
    /// window ends before the stretch, or nobody takes the batches.
    ///
    /// A stretch before the window is summed up only.
    pub(crate) fn decode(
        &self,
        stretch: &Stretch,
        bytes: &[u8],
        rooms: &Rooms,
        mut hand_on: impl FnMut(Batch) -> bool,
    ) -> Result<Option<StretchSum>, LuceneError> {
        let Self { reader, segment, window } = self;
        let mut decoder = segment.decoder(stretch, bytes)?;
        if window.base + u64::from(stretch.documents.end) <= window.from
            && !stretch.documents.is_empty()
        {
            return Ok(Some(decoder.sum_only()));
        }
        let first = (window.base + u64::from(stretch.documents.start)).max(window.from);
        let mut batch = Batch::at(first, reader.clone(), rooms);
        while let Some(chunk) = decoder.next_chunk(batch.arena())? {
            let reach = batch.take(&chunk, segment, *window)?;
            if reach == Reach::Past {
                hand_on(batch);
                return Ok(None);
            }
            if batch.is_full() {
                let next = batch.following();
                if !hand_on(std::mem::replace(&mut batch, next)) {
                    return Ok(None);
                }
            }
        }
        let sum = decoder.finish()?;
        if !batch.positions().is_empty() {
            hand_on(batch);
        }
        Ok(Some(sum))
    }
}
