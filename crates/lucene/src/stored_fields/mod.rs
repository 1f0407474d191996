//! The stored fields of a segment (`.fdt`), decoded in ranges of chunks, each chunk once.
//!
//! ```text
//! .fdt    header | [before v3] vint chunk size, vint packed version | chunks
//!         [before v3] vlong, vlong counts | footer
//! chunk   vint first document | vint token | counts of fields, lengths of documents | runs
//!         token = documents << 1 | sliced, or << 2 | dirty << 1 | sliced
//! runs    the documents' bytes one after the other, compressed as one run;
//!         if sliced, as runs of `chunk size` bytes, the last one shorter
//! .fdx    where the chunks are (chunk_index.rs)
//! .fdm    from v2 on; from v3 on it has the chunk size (meta.rs)
//! ```
//!
//! | header of `.fdt`               | versions | runs                | counts        |
//! |--------------------------------|----------|---------------------|---------------|
//! | `Lucene50StoredFieldsFastData` | 1..3     | LZ4                 | `lucene50.rs` |
//! | `Lucene50StoredFieldsHighData` | 1..3     | DEFLATE             | `lucene50.rs` |
//! | `Lucene87StoredFieldsFastData` | 3, 4     | LZ4 + dictionary    | `lucene50.rs` |
//! | `Lucene87StoredFieldsHighData` | 3, 4     | DEFLATE + dictionary| `lucene50.rs` |
//! | `Lucene90StoredFieldsFastData` | 1        | LZ4 + dictionary    | `lucene90.rs` |
//! | `Lucene90StoredFieldsHighData` | 1        | DEFLATE + dictionary| `lucene90.rs` |
//! | `ZstdStoredFields814`          | 1        | zstd                | `lucene90.rs` |
//! | `CustomStoredFieldsZstd`       | 1        | zstd + dictionary   | `lucene90.rs` |
//! | `CustomStoredFieldsZstdNoDict` | 1        | zstd in blocks      | `lucene90.rs` |

mod arena;
mod chunk;
mod chunk_decoder;
mod chunk_header;
mod chunk_index;
mod counts;
mod document;
mod fdt_header;
mod format;
mod index_block;
mod lucene50;
mod lucene90;
mod meta;
mod monotonic;
mod packed;

pub use self::{
    arena::{Arena, Span},
    chunk::{Chunk, Documents, StoredDocument},
    chunk_decoder::{ChunkDecoder, ChunkRangeSum, FileSum},
    chunk_index::ChunkRange,
    document::{DocumentClass, DocumentFields, WantedFields},
};
pub(crate) use self::{
    chunk_decoder::FdtLayout,
    chunk_index::{ChunkIndex, IndexContext},
    fdt_header::{FdtHeader, MAX_HEADER_LENGTH},
    meta::StoredFieldsMeta,
};
