//! Decodes a stretch of a `.fdt` file, chunk by chunk, and sums up what was read.
//!
//! ```text
//! file     head | chunk chunk chunk | chunk chunk | ... | chunk | trailer | footer
//! stretch  <-------- first --------> <- second -->       <-------- last -------->
//! sums     CRC of each, joined in order = CRC of the file, which the footer has
//! ```

use std::sync::Arc;

use super::{
    arena::Arena,
    chunk::Chunk,
    chunk_header::{ChunkHeader, Runs},
    chunk_index::{ChunkIndex, Stretch},
    format::ChunkSizePlace,
    head::Head,
};
use crate::{
    bytes::Cursor,
    codec_header::{FOOTER_LENGTH, check_footer},
    compress::Decompressor,
    error::{LuceneError, Problem},
};

/// What decoding needs to know of a `.fdt` file.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) file: Arc<str>,
    pub(crate) length: u64,
    pub(crate) max_doc: u32,
    pub(crate) head: Head,
    pub(crate) index: ChunkIndex,
}

/// A pass over one stretch.
#[derive(Debug)]
pub struct StretchDecoder<'a> {
    layout: &'a Layout,
    stretch: Stretch,
    /// All bytes of the stretch.
    bytes: &'a [u8],
    /// Its chunks, and at the end of the file the trailer.
    cursor: Cursor<'a>,
    footer: Option<&'a [u8; FOOTER_LENGTH]>,
    /// The first document that was not decoded yet.
    next: u32,
    decompressor: Decompressor,
}

impl<'a> StretchDecoder<'a> {
    pub(crate) fn new(
        layout: &'a Layout,
        stretch: &Stretch,
        bytes: &'a [u8],
    ) -> Result<Self, LuceneError> {
        let stretch = stretch.clone();
        let wanted = stretch.bytes.end.saturating_sub(stretch.bytes.start);
        let given = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if wanted != given {
            return Err(LuceneError::WrongAnswer { file: layout.file.to_string(), wanted, given });
        }
        let (content, footer) = if stretch.bytes.end == layout.length {
            let place = Cursor::at(&layout.file, &[], layout.length);
            let split =
                bytes.split_last_chunk().ok_or_else(|| place.error(Problem::FooterMagic))?;
            (split.0, Some(split.1))
        } else {
            (bytes, None)
        };
        let mut cursor = Cursor::at(&layout.file, content, stretch.bytes.start);
        if stretch.bytes.start == 0 {
            cursor.skip(layout.head.length)?;
        }
        let next = stretch.documents.start;
        let decompressor = Decompressor::new(layout.head.format.compression);
        Ok(Self { layout, stretch, bytes, cursor, footer, next, decompressor })
    }

    /// Decodes the next chunk into the arena; none after the last one.
    pub fn next_chunk(&mut self, arena: &mut Arena) -> Result<Option<Chunk>, LuceneError> {
        if self.next >= self.stretch.documents.end {
            return Ok(None);
        }
        let Head { format, chunk_size, length: _ } = self.layout.head;
        let cursor = &mut self.cursor;
        let offset = cursor.offset();
        let end = self.stretch.documents.end;
        let header = ChunkHeader::read(cursor, format, self.next, end)?;
        let (memory, start) = arena.room(cursor, header.length)?;
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

    /// Ends the pass before its first chunk: the stretch is summed up and not decoded.
    pub fn sum_only(self) -> StretchSum {
        self.sum()
    }

    /// Ends the pass: all chunks must have been taken.
    pub fn finish(mut self) -> Result<StretchSum, LuceneError> {
        let cursor = &mut self.cursor;
        if self.next != self.stretch.documents.end {
            return Err(cursor.error(Problem::CountMismatch {
                what: "documents that were read",
                found: self.next.into(),
                expected: self.stretch.documents.end.into(),
            }));
        }
        if self.footer.is_some() {
            let (found, expected) = (cursor.offset(), self.layout.index.chunks_end);
            if found != expected {
                let what = "end of the chunks";
                return Err(cursor.error(Problem::CountMismatch { what, found, expected }));
            }
            if self.layout.head.format.chunk_size == ChunkSizePlace::Data {
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

    fn sum(self) -> StretchSum {
        let mut hasher = crc32fast::Hasher::new();
        let footer = self.footer.copied();
        let summed = self.bytes.len().saturating_sub(footer.map_or(0, |footer| footer.len()));
        hasher.update(self.bytes.get(..summed).unwrap_or_default());
        StretchSum { stretch: self.stretch, hasher, footer }
    }
}

/// The checksum of a stretch.
#[derive(Clone, Debug)]
pub struct StretchSum {
    stretch: Stretch,
    hasher: crc32fast::Hasher,
    footer: Option<[u8; FOOTER_LENGTH]>,
}

/// The checksum of a `.fdt` file, joined from those of its stretches.
#[derive(Debug)]
pub struct FileSum {
    file: Arc<str>,
    /// Up to where the file was summed up without a gap.
    reached: u64,
    hasher: crc32fast::Hasher,
    footer: Option<[u8; FOOTER_LENGTH]>,
}

impl FileSum {
    pub(crate) fn new(layout: &Layout) -> Self {
        let file = Arc::clone(&layout.file);
        Self { file, reached: 0, hasher: crc32fast::Hasher::new(), footer: None }
    }

    /// Takes the stretch that follows.
    pub fn join(&mut self, sum: &StretchSum) {
        if sum.stretch.bytes.start == self.reached {
            self.reached = sum.stretch.bytes.end;
            self.hasher.combine(&sum.hasher);
            self.footer = sum.footer;
        }
    }

    /// Compares the checksum with the one in the footer and gives it; none when some stretch was
    /// not read, so that nothing can be said.
    pub fn finish(self) -> Result<Option<u32>, LuceneError> {
        let Some(footer) = self.footer else { return Ok(None) };
        let footer_length = u64::try_from(FOOTER_LENGTH).unwrap_or(u64::MAX);
        let offset = self.reached.saturating_sub(footer_length);
        check_footer(&self.file, offset, &footer, self.hasher).map(Some)
    }
}
