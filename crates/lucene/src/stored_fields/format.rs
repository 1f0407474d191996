//! Which format does a `.fdt` file have, by its header?

use crate::{codec_header::Header, compress::Compression, error::LuceneError};

/// How the counts and lengths of a chunk are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountsLayout {
    /// Lucene 5 to 8: packed bits.
    Lucene50,
    /// Lucene 9 and 10: bytes, transposed in groups of 128.
    Lucene90,
}

/// Where a file's chunk size is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkSizePlace {
    /// After the header of `.fdt`, which then has two counts before its footer.
    Data,
    /// In `.fdm`.
    Meta,
}

/// The format of a `.fdt` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) compression: Compression,
    pub(super) counts: CountsLayout,
    pub(super) chunk_size: ChunkSizePlace,
    /// How many of the low bits of a chunk's token are flags.
    pub(super) flag_bits: u32,
}

impl Format {
    /// Returns the format that a header names.
    pub(super) fn recognise(file: &str, header: &Header<'_>) -> Result<Self, LuceneError> {
        let (compression, counts, first, last) = match header.name {
            "Lucene50StoredFieldsFastData" => (Compression::Lz4, CountsLayout::Lucene50, 1, 3),
            "Lucene50StoredFieldsHighData" => (Compression::Deflate, CountsLayout::Lucene50, 1, 3),
            "Lucene87StoredFieldsFastData" => {
                (Compression::Lz4Dictionary, CountsLayout::Lucene50, 3, 4)
            }
            "Lucene87StoredFieldsHighData" => {
                (Compression::DeflateDictionary, CountsLayout::Lucene50, 3, 4)
            }
            "Lucene90StoredFieldsFastData" => {
                (Compression::Lz4Dictionary, CountsLayout::Lucene90, 1, 1)
            }
            "Lucene90StoredFieldsHighData" => {
                (Compression::DeflateDictionary, CountsLayout::Lucene90, 1, 1)
            }
            "ZstdStoredFields814" => (Compression::Zstd, CountsLayout::Lucene90, 1, 1),
            "CustomStoredFieldsZstd" => (Compression::ZstdDictionary, CountsLayout::Lucene90, 1, 1),
            "CustomStoredFieldsZstdNoDict" => {
                (Compression::ZstdBlocks, CountsLayout::Lucene90, 1, 1)
            }
            _ => return Err(header.unsupported(file)),
        };
        header.require_version(file, first, last)?;
        let newer = counts == CountsLayout::Lucene90;
        let chunk_size =
            if newer || header.version >= 3 { ChunkSizePlace::Meta } else { ChunkSizePlace::Data };
        let flag_bits = if newer || header.version >= 4 { 2 } else { 1 };
        Ok(Self { compression, counts, chunk_size, flag_bits })
    }
}
