//! One segment: its small files are read first, then its stored fields are decoded, one range of
//! chunks at a time, each independently of the others.

use std::{mem::replace, sync::Arc};

use bytes::Bytes;
use lucene::{ChunkRange, ChunkRangeSum, LuceneError, Segment, SegmentCommit};

use crate::{
    batch::{Batch, Reach},
    buffer_pool::BufferPool,
    error::RepositoryError,
    files::FileReader,
    opening,
    survey::DERIVED_VECTORS,
    window::Window,
};

/// A segment whose stored fields can be read.
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

    /// Returns the ranges of chunks to read, each of at least `min_bytes`: all up to the end of the
    /// window. Ranges before the window are among them, for the file's checksum.
    pub(crate) fn chunk_ranges(&self, min_bytes: u64) -> impl Iterator<Item = ChunkRange> {
        let Window { base, from: _, until } = self.window;
        self.segment
            .chunk_ranges(min_bytes)
            .take_while(move |range| base + u64::from(range.documents.start) < until)
    }

    /// Reads the bytes of consecutive ranges of chunks.
    pub(crate) async fn fetch(&self, ranges: &[ChunkRange]) -> Result<Bytes, RepositoryError> {
        let stored = self.segment.stored_fields();
        let bounds = ranges.first().zip(ranges.last());
        let bytes = bounds.map_or(0..0, |(first, last)| {
            stored.offset.saturating_add(first.bytes.start)
                ..stored.offset.saturating_add(last.bytes.end)
        });
        self.reader.range(&stored.file, bytes).await
    }

    /// Decodes a range of chunks and passes its documents on, batch by batch, until `pass_on`
    /// returns false. Returns no checksum when the window ends before the range does, or when
    /// nothing takes the batches.
    ///
    /// Of a range before the window only the checksum is computed.
    pub(crate) fn decode(
        &self,
        range: &ChunkRange,
        bytes: &[u8],
        pool: &BufferPool,
        mut pass_on: impl FnMut(Batch) -> bool,
    ) -> Result<Option<ChunkRangeSum>, LuceneError> {
        let Self { reader, segment, window } = self;
        let mut decoder = segment.decoder(range, bytes)?;
        if window.base + u64::from(range.documents.end) <= window.from
            && !range.documents.is_empty()
        {
            return Ok(Some(decoder.sum_only()));
        }
        let first = (window.base + u64::from(range.documents.start)).max(window.from);
        let mut batch = Batch::at(first, reader.clone(), pool);
        while let Some(chunk) = decoder.next_chunk(batch.arena())? {
            let reach = batch.add_chunk(&chunk, segment, *window)?;
            if reach == Reach::Past {
                pass_on(batch);
                return Ok(None);
            }
            if batch.is_full() {
                let next = batch.following();
                if !pass_on(replace(&mut batch, next)) {
                    return Ok(None);
                }
            }
        }
        let sum = decoder.finish()?;
        if !batch.positions().is_empty() {
            pass_on(batch);
        }
        Ok(Some(sum))
    }
}
