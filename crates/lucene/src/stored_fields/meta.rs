//! The index of the chunks, as far as a forward pass needs it: `.fdm`.
//!
//! ```text
//! header Lucene85FieldsIndexMeta (big-endian), Lucene90FieldsIndexMeta (little-endian)
//! [85 v3.., 90] vint chunk size | [85 v3..] vint packed version
//! int32 documents | int32 block shift | int32 n = chunks + 1
//! int64 | monotonic(n) | int64 | monotonic(n) | int64 | int64 end of the chunks in .fdt
//! counts, not read | footer           monotonic(n) = ceil(n / 2^shift) x 21 bytes
//! ```

use crate::bytes::{ByteOrder, Cursor};
use crate::codec_header::{Header, ObjectId, content};
use crate::error::{LuceneError, Problem};

const MONOTONIC_BLOCK: usize = 21;

/// What a `.fdm` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFieldsMeta {
    /// How many bytes a run of a sliced chunk has, when it stands here.
    pub(crate) chunk_size: Option<usize>,
    /// Where the chunks end in the `.fdt` file.
    pub(crate) chunks_end: u64,
}

impl StoredFieldsMeta {
    /// Reads a whole `.fdm` file; it must speak of as many documents as the segment has.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        max_doc: u32,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        let newer = match header.name {
            "Lucene85FieldsIndexMeta" => {
                header.require_version(file, 2, 4)?;
                false
            }
            "Lucene90FieldsIndexMeta" => {
                header.require_version(file, 0, 1)?;
                cursor.set_order(ByteOrder::Little);
                true
            }
            _ => return Err(header.unsupported(file)),
        };
        header.require_id(file, Some(id))?;
        let mut chunk_size = None;
        if newer || header.version >= 3 {
            chunk_size = Some(read_chunk_size(&mut cursor)?);
            if !newer {
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
        let blocks = count.div_ceil(1_u32.checked_shl(shift).unwrap_or(u32::MAX).max(1));
        let skipped = usize::try_from(blocks).unwrap_or(usize::MAX).saturating_mul(MONOTONIC_BLOCK);
        for length in [8, skipped, 8, skipped, 8] {
            cursor.skip(length)?;
        }
        let chunks_end = cursor.long_count("the end of the chunks")?;
        Ok(Self { chunk_size, chunks_end })
    }
}

/// Reads a chunk size, which divides sliced chunks and hence cannot be zero.
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
    fn the_chunk_size_stands_here_from_version_3_on() {
        for (version, chunk_size) in [(2, None), (3, Some(81920)), (4, Some(81920))] {
            let parsed = StoredFieldsMeta::parse("_0.fdm", &meta(version), &writing::ID, 300);
            assert_eq!(parsed.unwrap(), StoredFieldsMeta { chunk_size, chunks_end: 9876 });
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
