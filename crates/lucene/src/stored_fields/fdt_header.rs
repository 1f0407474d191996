//! The start of a `.fdt` file, before its first chunk: the format, and in older versions the size of
//! runs.

use super::{
    format::{ChunkSizePlace, Format},
    meta::{StoredFieldsMeta, read_chunk_size},
};
use crate::{
    bytes::Cursor,
    codec_header::{Header, ObjectId},
    error::LuceneError,
};

/// An upper bound for the length of this header.
pub(crate) const MAX_HEADER_LENGTH: u64 = 256;

/// The header of a `.fdt` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FdtHeader {
    pub(super) format: Format,
    /// The length of the runs of a sliced chunk.
    pub(super) chunk_size: usize,
    /// The offset of the first chunk.
    pub(super) length: usize,
}

impl FdtHeader {
    /// Reads the header from the first bytes of the file.
    pub(crate) fn parse(
        file: &str,
        start: &[u8],
        id: &ObjectId,
        meta: Option<&StoredFieldsMeta>,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, start);
        let header = Header::read(&mut cursor)?;
        let format = Format::recognise(file, &header)?;
        header.require_id(file, id)?;
        let chunk_size = match format.chunk_size {
            ChunkSizePlace::Data => {
                let size = read_chunk_size(&mut cursor)?;
                cursor.vint()?;
                size
            }
            ChunkSizePlace::Meta => {
                let size = meta.and_then(|meta| meta.chunk_size);
                let name = file.strip_suffix(".fdt").unwrap_or(file);
                size.ok_or_else(|| LuceneError::MissingFile { file: format!("{name}.fdm") })?
            }
        };
        Ok(Self { format, chunk_size, length: cursor.position() })
    }
}
