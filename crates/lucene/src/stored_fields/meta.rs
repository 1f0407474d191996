//! What does `.fdm` say about the stored fields? The size of runs, and how to read `.fdx`.
//!
//! ```text
//! header Lucene85FieldsIndexMeta 0, 3, 4 (big-endian), Lucene90FieldsIndexMeta (little-endian)
//! [85 v3.., 90] vint chunk size | [85 v3..] vint packed version
//! int32 documents | int32 block shift | int32 n = chunks + 1
//! int64 start in .fdx | monotonic(n): first documents, and the number of documents
//! int64 start in .fdx | monotonic(n): places in .fdt, and the end of the last chunk
//! int64 end in .fdx | int64 end of the chunks in .fdt | counts, not read | footer
//! ```

use super::monotonic::Monotonic;
use crate::{
    bytes::{ByteOrder, Cursor},
    codec_header::{Header, ObjectId, content},
    error::{LuceneError, Problem},
};

/// What a `.fdm` file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredFieldsMeta {
    /// The length of the runs of a sliced chunk, if it is written here.
    pub(crate) chunk_size: Option<usize>,
    /// The name in the header of the `.fdx` file.
    pub(super) index_header: &'static str,
    /// The first document of each chunk, and the number of documents.
    pub(super) documents: Monotonic,
    /// Their offset in the `.fdx` file.
    pub(super) documents_start: u64,
    /// The offset of each chunk in the `.fdt` file, and the end of the last one.
    pub(super) offsets: Monotonic,
    /// Their offset in the `.fdx` file.
    pub(super) offsets_start: u64,
    /// Where the chunks end in the `.fdt` file.
    pub(super) chunks_end: u64,
}

impl StoredFieldsMeta {
    /// Reads a whole `.fdm` file. It must describe as many documents as the segment has.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        max_doc: u32,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        let (index_header, order) = match header.name {
            "Lucene85FieldsIndexMeta" => {
                // Lucene 8.5 and 8.6 counted from 0 again, and 8.7 took over the number of `.fdt`.
                let first = if header.version == 0 { 0 } else { 3 };
                header.require_version(file, first, 4)?;
                ("Lucene85FieldsIndexIdx", ByteOrder::Big)
            }
            "Lucene90FieldsIndexMeta" => {
                header.require_version(file, 0, 1)?;
                ("Lucene90FieldsIndexIdx", ByteOrder::Little)
            }
            _ => return Err(header.unsupported(file)),
        };
        cursor.set_order(order);
        header.require_id(file, id)?;
        let mut chunk_size = None;
        if order == ByteOrder::Little || header.version >= 3 {
            chunk_size = Some(read_chunk_size(&mut cursor)?);
            if order == ByteOrder::Big {
                cursor.vint()?;
            }
        }
        let documents = cursor.count("the number of documents")?;
        if documents != max_doc {
            return Err(cursor.error(Problem::CountMismatch {
                what: "documents with stored fields",
                found: documents.into(),
                expected: max_doc.into(),
            }));
        }
        let shift = cursor.u32()?;
        let count = cursor.count("the number of chunks")?;
        if count.saturating_sub(1) > max_doc {
            return Err(cursor.out_of_range("the number of chunks", count.into()));
        }
        let documents_start = cursor.long_count("the place of the documents")?;
        let documents = Monotonic::read(&mut cursor, order, shift, count)?;
        let offsets_start = cursor.long_count("the place of the offsets")?;
        let offsets = Monotonic::read(&mut cursor, order, shift, count)?;
        cursor.long_count("the end of the index")?;
        let chunks_end = cursor.long_count("the end of the chunks")?;
        Ok(Self {
            chunk_size,
            index_header,
            documents,
            documents_start,
            offsets,
            offsets_start,
            chunks_end,
        })
    }
}

/// Reads a chunk size. It divides sliced chunks, so it cannot be zero.
pub(super) fn read_chunk_size(cursor: &mut Cursor<'_>) -> Result<usize, LuceneError> {
    match cursor.vlength("the chunk size")? {
        0 => Err(cursor.out_of_range("the chunk size", 0)),
        size => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::StoredFieldsMeta;
    use crate::codec_header::writing;

    fn meta(version: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        if version >= 3 {
            bytes.extend([0x80, 0x80, 5, 2]);
        }
        bytes.extend([300_i32, 4, 17].into_iter().flat_map(i32::to_be_bytes));
        bytes.extend([0; 8 + 42 + 8 + 42 + 8]);
        bytes.extend(9876_i64.to_be_bytes());
        writing::file("Lucene85FieldsIndexMeta", version, "", &bytes)
    }

    #[test]
    fn the_chunk_size_is_here_from_version_3_on() {
        for (version, chunk_size) in [(0, None), (3, Some(81920)), (4, Some(81920))] {
            let parsed = StoredFieldsMeta::parse("_0.fdm", &meta(version), &writing::ID, 300);
            let parsed = parsed.expect("valid content");
            assert_eq!((parsed.chunk_size, parsed.chunks_end), (chunk_size, 9876));
        }
    }

    #[test]
    fn another_number_of_documents_is_refused() {
        assert!(StoredFieldsMeta::parse("_0.fdm", &meta(3), &writing::ID, 301).is_err());
    }

    proptest! {
        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>()) {
            let file = writing::file("Lucene85FieldsIndexMeta", 4, "", &junk);
            drop(StoredFieldsMeta::parse("_0.fdm", &file, &writing::ID, 300));
        }
    }
}
