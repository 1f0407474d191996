//! Decodes a range of chunks of a `.fdt` file, chunk by chunk, and computes its checksum.
//!
//! ```text
//! file     header | chunk chunk chunk | chunk chunk | ... | chunk | trailer | footer
//! range    <------- first --------> <- second -->       <-------- last -------->
//! sums     CRC of each, joined in order = CRC of the file, which the footer has
//! ```

use std::sync::Arc;

use super::{
    arena::Arena,
    chunk::Chunk,
    chunk_header::{ChunkHeader, Runs},
    chunk_index::{ChunkIndex, ChunkRange},
    fdt_header::FdtHeader,
    format::ChunkSizePlace,
};
use crate::{
    bytes::Cursor,
    codec_header::{FOOTER_LENGTH, check_footer},
    compress::Decompressor,
    error::{LuceneError, Problem},
};

/// What a decoder must know about a `.fdt` file.
#[derive(Clone, Debug)]
pub(crate) struct FdtLayout {
    pub(crate) file: Arc<str>,
    pub(crate) length: u64,
    pub(crate) max_doc: u32,
    pub(crate) header: FdtHeader,
    pub(crate) index: ChunkIndex,
}

/// A decoder of one range of chunks.
#[derive(Debug)]
pub struct ChunkDecoder<'a> {
    layout: &'a FdtLayout,
    range: ChunkRange,
    /// All bytes of the range.
    bytes: &'a [u8],
    /// The chunks, and at the end of the file the trailer.
    cursor: Cursor<'a>,
    footer: Option<&'a [u8; FOOTER_LENGTH]>,
    /// The first document that was not decoded yet.
    next: u32,
    decompressor: Decompressor,
}

impl<'a> ChunkDecoder<'a> {
    pub(crate) fn new(
        layout: &'a FdtLayout,
        range: &ChunkRange,
        bytes: &'a [u8],
    ) -> Result<Self, LuceneError> {
        let range = range.clone();
        let requested = range.bytes.end.saturating_sub(range.bytes.start);
        let received = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if requested != received {
            let file = layout.file.to_string();
            return Err(LuceneError::WrongLength { file, requested, received });
        }
        let (content, footer) = if range.bytes.end == layout.length {
            let place = Cursor::at(&layout.file, &[], layout.length);
            let split =
                bytes.split_last_chunk().ok_or_else(|| place.error(Problem::FooterMagic))?;
            (split.0, Some(split.1))
        } else {
            (bytes, None)
        };
        let mut cursor = Cursor::at(&layout.file, content, range.bytes.start);
        if range.bytes.start == 0 {
            cursor.skip(layout.header.length)?;
        }
        let next = range.documents.start;
        let decompressor = Decompressor::new(layout.header.format.compression);
        Ok(Self { layout, range, bytes, cursor, footer, next, decompressor })
    }

    /// Decodes the next chunk into the arena. Returns none after the last one.
    pub fn next_chunk(&mut self, arena: &mut Arena) -> Result<Option<Chunk>, LuceneError> {
        if self.next >= self.range.documents.end {
            return Ok(None);
        }
        let FdtHeader { format, chunk_size, length: _ } = self.layout.header;
        let cursor = &mut self.cursor;
        let offset = cursor.offset();
        let end = self.range.documents.end;
        let header = ChunkHeader::read(cursor, format, self.next, end)?;
        let (memory, start) = arena.reserve(cursor, header.length)?;
        let chunk_end = start.saturating_add(header.length);
        let run_length = match header.runs {
            Runs::One => header.length,
            Runs::Sliced => chunk_size,
        };
        let mut at = start;
        loop {
            let run_end = at.saturating_add(run_length).min(chunk_end);
            self.decompressor.decode(cursor, memory, at..run_end)?;
            at = run_end;
            if at == chunk_end {
                break;
            }
        }
        self.next = header.first.saturating_add(header.documents);
        Ok(Some(Chunk { file: Arc::clone(&self.layout.file), offset, header, start }))
    }

    /// Returns the checksum of the range without decoding it.
    pub fn sum_only(self) -> ChunkRangeSum {
        self.sum()
    }

    /// Returns the checksum of the range, of which all chunks must have been decoded.
    pub fn finish(mut self) -> Result<ChunkRangeSum, LuceneError> {
        let cursor = &mut self.cursor;
        if self.next != self.range.documents.end {
            return Err(cursor.error(Problem::CountMismatch {
                what: "documents that were read",
                found: self.next.into(),
                expected: self.range.documents.end.into(),
            }));
        }
        if self.footer.is_some() {
            let (found, expected) = (cursor.offset(), self.layout.index.chunks_end);
            if found != expected {
                let what = "end of the chunks";
                return Err(cursor.error(Problem::CountMismatch { what, found, expected }));
            }
            if self.layout.header.format.chunk_size == ChunkSizePlace::Data {
                cursor.vlong()?;
                cursor.vlong()?;
            }
        }
        if cursor.remaining() > 0 {
            let count = u64::try_from(cursor.remaining()).unwrap_or(u64::MAX);
            return Err(cursor.error(Problem::TrailingBytes { count }));
        }
        Ok(self.sum())
    }

    fn sum(self) -> ChunkRangeSum {
        let mut hasher = crc32fast::Hasher::new();
        let footer = self.footer.copied();
        let summed = self.bytes.len().saturating_sub(footer.map_or(0, |footer| footer.len()));
        hasher.update(self.bytes.get(..summed).unwrap_or_default());
        ChunkRangeSum { range: self.range, hasher, footer }
    }
}

/// The checksum of a range of chunks.
#[derive(Clone, Debug)]
pub struct ChunkRangeSum {
    range: ChunkRange,
    hasher: crc32fast::Hasher,
    footer: Option<[u8; FOOTER_LENGTH]>,
}

/// The checksum of a `.fdt` file, combined from those of its ranges of chunks.
#[derive(Debug)]
pub struct FileSum {
    file: Arc<str>,
    /// The offset up to which there is no gap.
    reached: u64,
    hasher: crc32fast::Hasher,
    footer: Option<[u8; FOOTER_LENGTH]>,
}

impl FileSum {
    pub(crate) fn new(layout: &FdtLayout) -> Self {
        let file = Arc::clone(&layout.file);
        Self { file, reached: 0, hasher: crc32fast::Hasher::new(), footer: None }
    }

    /// Adds the checksum of the next range of chunks.
    pub fn join(&mut self, sum: &ChunkRangeSum) {
        if sum.range.bytes.start == self.reached {
            self.reached = sum.range.bytes.end;
            self.hasher.combine(&sum.hasher);
            self.footer = sum.footer;
        }
    }

    /// Compares the checksum with the one in the footer and returns it, or none if some range of
    /// chunks was not read.
    pub fn finish(self) -> Result<Option<u32>, LuceneError> {
        let Some(footer) = self.footer else { return Ok(None) };
        let footer_length = u64::try_from(FOOTER_LENGTH).unwrap_or(u64::MAX);
        let offset = self.reached.saturating_sub(footer_length);
        check_footer(&self.file, offset, &footer, self.hasher).map(Some)
    }
}
