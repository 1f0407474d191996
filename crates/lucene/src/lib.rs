//! Reads the documents of a shard from its Lucene files, without doing I/O itself.
//!
//! This crate says which bytes it needs and what they mean; the caller fetches them:
//!
//! ```text
//!  file list ──> ShardFiles ──> segments_N ──> SegmentInfos
//!                                                  │ one per segment
//!                                                  v
//!                     Opening::start ──> Needs(slices) <──┐
//!                                            │ supply ────┘  .si .cfe .fnm .liv .fdm .fdx .dvm .dvd
//!                                            v
//!                                     Ready(Segment): live documents, wanted fields
//!                                            │ ranges of chunks, in parallel or not
//!                                            v
//!        bytes of .fdt ──> ChunkDecoder ──> Chunk, Arena ──> StoredDocument ──> DocumentFields
//!                                └─ finish ──> ChunkRangeSum ──> FileSum: the checksum of the file
//! ```
//!
//! A file's format is what the header inside the file says; codec names are ignored. Bytes are
//! hostile: nothing panics, loops without end, or allocates more than the size of the files
//! justifies.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    expect(clippy::arithmetic_side_effects, reason = "an overflow in a test is a failed test")
)]

mod bit_set;
mod bytes;
mod codec_header;
mod compound;
mod compress;
mod doc_values;
mod error;
mod field_infos;
mod id;
mod live_docs;
mod opening;
mod segment;
mod segment_info;
mod segment_infos;
mod shard_files;
mod stored_fields;
mod version;

pub use codec_header::header_name;
pub use error::{LuceneError, Problem};
pub use field_infos::{DocValuesKind, FieldInfo, FieldInfos};
pub use id::{decode_id, split_uid};
pub use live_docs::{LiveDocs, Liveness};
pub use opening::{Opening, SegmentNeeds};
pub use segment::Segment;
pub use segment_info::{Packaging, SegmentInfo};
pub use segment_infos::{SegmentCommit, SegmentInfos};
pub use shard_files::{FileSlice, ShardFiles};
pub use stored_fields::{
    Arena, Chunk, ChunkDecoder, ChunkRange, ChunkRangeSum, DocumentClass, DocumentFields,
    Documents, FileSum, Span, StoredDocument, WantedFields,
};
pub use version::LuceneVersion;
