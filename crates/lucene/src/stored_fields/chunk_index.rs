//! Where can a decoder of the stored fields begin? At chunks whose first document and offset are
//! known.
//!
//! ```text
//! .fdx of Lucene 5 to 8.4    header Lucene50StoredFields{Fast,High}Index | vint packed version
//!                            blocks (index_block.rs) | vint 0 | vlong end of the chunks | footer
//! .fdx from Lucene 8.5 on    header Lucene85FieldsIndexIdx (big-endian), Lucene90FieldsIndexIdx
//!                            numbers as `.fdm` describes them (meta.rs, monotonic.rs) | footer
//! ```
//!
//! For a large file only some of the chunks are kept: a few thousand are enough to share work.

use std::ops::Range;

use super::{fdt_header::FdtHeader, index_block::read_block, meta::StoredFieldsMeta};
use crate::{
    bytes::Cursor,
    codec_header::{FOOTER_LENGTH, Header, ObjectId, content},
    error::{LuceneError, Problem},
};

/// With this many chunks, every other one is dropped.
const MAX_MARKS: usize = 1 << 15;

/// A part of the stored fields that can be decoded independently: whole chunks, with the header
/// before the first chunk and the trailer after the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRange {
    /// The bytes in the `.fdt` file.
    pub bytes: Range<u64>,
    /// The documents in the segment.
    pub documents: Range<u32>,
}

/// Some chunks of a file, and where the last one ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChunkIndex {
    marks: Vec<Mark>,
    pub(super) chunks_end: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    document: u32,
    offset: u64,
}

/// The facts that the index must agree with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexContext<'a> {
    pub(crate) id: &'a ObjectId,
    pub(crate) max_doc: u32,
    pub(crate) header: &'a FdtHeader,
    pub(crate) meta: Option<&'a StoredFieldsMeta>,
    /// The length of the `.fdt` file.
    pub(crate) length: u64,
}

impl ChunkIndex {
    /// Reads a whole `.fdx` file.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        context: IndexContext<'_>,
    ) -> Result<Self, LuceneError> {
        let body = content(file, bytes)?;
        let mut cursor = Cursor::new(file, body);
        let header = Header::read(&mut cursor)?;
        header.require_id(file, context.id)?;
        let mut marks = Marks::new(context);
        let chunks_end = match (header.name, context.meta) {
            (name, Some(meta)) if name == meta.index_header => {
                header.require_version(file, 0, 0)?;
                marks.add_described(&cursor, meta, body)?
            }
            ("Lucene50StoredFieldsFastIndex" | "Lucene50StoredFieldsHighIndex", None) => {
                header.require_version(file, 0, 1)?;
                marks.add_blocks(&mut cursor)?
            }
            _ => return Err(header.unsupported(file)),
        };
        marks.finish(&cursor, chunks_end)
    }

    /// Divides the file into ranges of chunks. Each has at least `least` bytes, except the last one.
    pub(crate) fn chunk_ranges(
        &self,
        least: u64,
        max_doc: u32,
        length: u64,
    ) -> impl Iterator<Item = ChunkRange> {
        let mut rest = Some(self.marks.as_slice());
        std::iter::from_fn(move || {
            let marks = rest?;
            // A file without documents is one range too.
            let start = marks.first().copied().unwrap_or(Mark { document: 0, offset: 0 });
            let next = start.offset.saturating_add(least.max(1));
            let count = marks.partition_point(|mark| mark.offset < next);
            rest = marks.get(count..).filter(|rest| !rest.is_empty());
            let end = rest.and_then(<[Mark]>::first).copied();
            let end = end.unwrap_or(Mark { document: max_doc, offset: length });
            let first_byte = if start.document == 0 { 0 } else { start.offset };
            Some(ChunkRange {
                bytes: first_byte..end.offset,
                documents: start.document..end.document,
            })
        })
    }
}

/// Collects the chunks of an index.
struct Marks<'a> {
    context: IndexContext<'a>,
    kept: Vec<Mark>,
    last: Option<Mark>,
    /// How many chunks to skip before the next one is kept.
    to_skip: u32,
    /// Every how many chunks one is kept.
    step: u32,
}

impl<'a> Marks<'a> {
    fn new(context: IndexContext<'a>) -> Self {
        Self { context, kept: Vec::new(), last: None, to_skip: 0, step: 1 }
    }

    /// Adds the chunks of an index that `.fdm` describes. Returns where the last chunk ends.
    fn add_described(
        &mut self,
        cursor: &Cursor<'_>,
        meta: &StoredFieldsMeta,
        content: &[u8],
    ) -> Result<u64, LuceneError> {
        let documents = meta.documents.numbers(content, meta.documents_start);
        let offsets = meta.offsets.numbers(content, meta.offsets_start);
        let mut end = None;
        for (document, offset) in documents.zip(offsets) {
            let (Some(document), Some(offset)) = (document, offset) else {
                return Err(cursor.error(Problem::UnexpectedEnd { wanted: 1 }));
            };
            // The last pair is the end of the file.
            if let Some((document, offset)) = end.replace((document, offset)) {
                self.add(cursor, document, offset)?;
            }
        }
        if let Some((documents, _)) = end
            && documents != u64::from(self.context.max_doc)
        {
            return Err(cursor.error(Problem::CountMismatch {
                what: "documents in the index of chunks",
                found: documents,
                expected: self.context.max_doc.into(),
            }));
        }
        Ok(meta.chunks_end)
    }

    /// Adds the chunks of an index in blocks, after its header. Returns where the last chunk ends.
    fn add_blocks(&mut self, cursor: &mut Cursor<'_>) -> Result<u64, LuceneError> {
        // The version of the packed numbers: all versions have the same layout.
        cursor.vint()?;
        while let Some(block) = read_block(cursor, self.context.max_doc)? {
            for (document, offset) in block.chunks() {
                self.add(cursor, document, offset)?;
            }
        }
        cursor.vlong()
    }

    /// Adds the next chunk. It must come after the one before and be inside the `.fdt` file, because
    /// a few bytes can describe any number of chunks.
    fn add(&mut self, cursor: &Cursor<'_>, document: u64, offset: u64) -> Result<(), LuceneError> {
        let out_of_place = || {
            let value = i64::try_from(offset).unwrap_or(i64::MAX);
            cursor.out_of_range("the place of a chunk", value)
        };
        let document = u32::try_from(document).ok().filter(|it| *it < self.context.max_doc);
        let mark = Mark { document: document.ok_or_else(out_of_place)?, offset };
        let follows = match self.last {
            Some(last) => mark.document > last.document && mark.offset > last.offset,
            None => mark.document == 0 && usize::try_from(offset) == Ok(self.context.header.length),
        };
        if !follows || offset >= self.context.length {
            return Err(out_of_place());
        }
        self.last = Some(mark);
        if self.to_skip > 0 {
            self.to_skip = self.to_skip.saturating_sub(1);
            return Ok(());
        }
        self.kept.push(mark);
        self.to_skip = self.step.saturating_sub(1);
        if self.kept.len() >= MAX_MARKS {
            let mut keep = false;
            self.kept.retain(|_| {
                keep = !keep;
                keep
            });
            // The last chunk was dropped, so the number to skip stays the same.
            self.step = self.step.saturating_mul(2);
        }
        Ok(())
    }

    fn finish(self, cursor: &Cursor<'_>, chunks_end: u64) -> Result<ChunkIndex, LuceneError> {
        let Self { context, kept, last, to_skip: _, step: _ } = self;
        let footer = u64::try_from(FOOTER_LENGTH).unwrap_or(u64::MAX);
        let inside = chunks_end <= context.length.saturating_sub(footer);
        let behind = match last {
            Some(last) => last.offset < chunks_end,
            None => context.max_doc == 0 && u64::try_from(context.header.length) == Ok(chunks_end),
        };
        if inside && behind {
            return Ok(ChunkIndex { marks: kept, chunks_end });
        }
        let value = i64::try_from(chunks_end).unwrap_or(i64::MAX);
        Err(cursor.out_of_range("the end of the chunks", value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{ChunkIndex, IndexContext, Marks};
    use crate::{bytes::Cursor, codec_header::writing, stored_fields::fdt_header::FdtHeader};

    fn header() -> FdtHeader {
        let start = writing::file("Lucene50StoredFieldsFastData", 1, "", &[100, 2]);
        FdtHeader::parse("_0.fdt", &start, &writing::ID, None).expect("valid content")
    }

    fn context(header: &FdtHeader, max_doc: u32, length: u64) -> IndexContext<'_> {
        IndexContext { id: &writing::ID, max_doc, header, meta: None, length }
    }

    fn index(sizes: &[(u8, u16)], header: &FdtHeader) -> (ChunkIndex, u32, u64) {
        let (mut document, mut offset) = (0_u64, u64::try_from(header.length).expect("in range"));
        let max_doc = sizes.iter().map(|(documents, _)| u32::from(*documents) + 1).sum();
        let bytes: u64 = sizes.iter().map(|(_, bytes)| u64::from(*bytes) + 1).sum();
        let length = offset + bytes + 20;
        let mut marks = Marks::new(context(header, max_doc, length));
        let cursor = Cursor::new("_0.fdx", &[]);
        for (documents, bytes) in sizes {
            marks.add(&cursor, document, offset).expect("a chunk in order");
            document += u64::from(*documents) + 1;
            offset += u64::from(*bytes) + 1;
        }
        (marks.finish(&cursor, offset).expect("a complete index"), max_doc, length)
    }

    proptest! {
        #[test]
        fn chunk_ranges_cover_the_file_without_gaps(
            sizes in prop::collection::vec(any::<(u8, u16)>(), 0..200),
            least in 0..500_000_u64,
        ) {
            let header = header();
            let (index, max_doc, length) = index(&sizes, &header);
            let (mut document, mut offset) = (0, 0);
            for range in index.chunk_ranges(least, max_doc, length) {
                assert_eq!((range.documents.start, range.bytes.start), (document, offset));
                (document, offset) = (range.documents.end, range.bytes.end);
                let is_long = range.bytes.end - range.bytes.start >= least;
                assert!(is_long || offset == length);
            }
            assert_eq!((document, offset), (max_doc, length));
        }

        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>(), max_doc in 0..3000_u32) {
            let file = writing::file("Lucene50StoredFieldsFastIndex", 1, "", &junk);
            drop(ChunkIndex::parse("_0.fdx", &file, context(&header(), max_doc, 10_000)));
        }
    }

    #[test]
    fn of_very_many_chunks_some_are_kept() {
        let header = header();
        let sizes = vec![(3, 90); 200_000];
        let (index, max_doc, length) = index(&sizes, &header);
        assert!((16_384..32_768).contains(&index.marks.len()));
        let distances: Vec<u64> =
            index.marks.windows(2).map(|pair| pair[1].offset - pair[0].offset).collect();
        assert!(distances.iter().all(|distance| *distance == distances[0]), "evenly spread");
        assert_eq!(index.chunk_ranges(1, max_doc, length).count(), index.marks.len());
    }

    #[test]
    fn chunks_that_go_back_or_beyond_the_file_are_refused() {
        let header = header();
        let start = u64::try_from(header.length).expect("in range");
        let cursor = Cursor::new("_0.fdx", &[]);
        for second in [(0, start + 5), (3, start), (10, start + 5), (3, 1000)] {
            let mut marks = Marks::new(context(&header, 10, 1000));
            marks.add(&cursor, 0, start).expect("a chunk in order");
            assert!(marks.add(&cursor, second.0, second.1).is_err());
        }
        assert!(Marks::new(context(&header, 10, 1000)).add(&cursor, 0, start + 1).is_err());
    }
}
