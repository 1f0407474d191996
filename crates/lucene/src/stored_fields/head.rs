//! What stands in `.fdt` before the first chunk: the format, and perhaps the size of runs.

use super::{
    format::{ChunkSizePlace, Format},
    meta::{StoredFieldsMeta, read_chunk_size},
};
use crate::{
    bytes::Cursor,
    codec_header::{Header, ObjectId},
    error::LuceneError,
};

/// No head is longer than this.
pub(crate) const HEAD_LENGTH: u64 = 256;

/// The head of a `.fdt` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(super) format: Format,
    /// How many bytes a run of a sliced chunk has.
    pub(super) chunk_size: usize,
    /// Where the first chunk starts.
    pub(super) length: usize,
}

impl Head {
    /// Reads the head from the first bytes of the file.
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
