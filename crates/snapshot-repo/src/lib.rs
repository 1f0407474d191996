//! Which snapshots, indices, shards, files and documents does a snapshot repository hold?
//!
//! A repository is a folder of blobs in an object store, written by Elasticsearch 5 to 9 or
//! OpenSearch 1 to 3:
//!
//! ```text
//! index.latest                         8 bytes: the generation N            (root)
//! index-N                              JSON: snapshots, indices              (root)
//! snap-<snapshot uuid>.dat             one snapshot                          (snapshot)
//! meta-<snapshot uuid>.dat             cluster metadata: templates, settings (global)
//! indices/<index id>/
//!   meta-<snapshot uuid or blob id>.dat   settings, mappings, aliases        (index)
//!   <shard>/snap-<snapshot uuid>.dat      the list of Lucene files           (shard)
//!   <shard>/__<name>[.partM]              the bytes of one Lucene file       (files)
//! snapshot_shard_paths/...             where hashed shard folders are        (shard_paths)
//! ```
//!
//! [`Repository`] reads blobs; every format above has one module that is a pure function from bytes
//! to values. [`ShardDocuments`] streams the documents of a shard with bounded
//! memory and no scratch disk. [`source`] turns one document's `_source` into one NDJSON line.
//!
//! # What is verified
//!
//! | what is read | what verifies it |
//! |---|---|
//! | `index.latest`, `index-N` | nothing in them: their names, ids, versions and indices must agree with the files that follow |
//! | `*.dat` | a CRC32, and the name of the snapshot or index in it |
//! | a Lucene file read whole | its length and CRC32 in the shard's list, its own footer, the id of its segment |
//! | stored fields (`.fdt`), alone or in a compound file | its own footer, over all of its bytes, before the last of its documents is returned |
//! | the rest of a compound file | it is not read, so its CRC32 in the list cannot be compared |
//! | the soft deletes in a large `.dvd` with the values of other fields | the counts of its blocks, and the count in the commit; the checksum would need the whole file |
//!
//! A file without a name in it cannot be distinguished from another whole file of the same kind: the
//! metadata of another snapshot, the list of another empty shard.
#![warn(clippy::indexing_slicing)]

mod batch;
mod blobs;
mod buffer_pool;
mod container;
mod documents;
mod error;
mod files;
mod global;
mod index;
mod location;
mod opening;
mod pipeline;
mod positions;
mod repository;
mod root;
mod segment;
mod server_version;
mod shard;
mod shard_folder;
mod shard_paths;
mod smile;
mod snapshot;
pub mod source;
mod source_mode;
mod store_error;
mod survey;
mod window;

pub use batch::{Batch, DocumentRef};
pub use documents::{ShardDocuments, ShardSize};
pub use error::{Damage, RepositoryError};
pub use global::GlobalMetadata;
pub use index::{IndexMetadata, IndexState};
pub use location::Location;
pub use positions::{Position, PositionCounts};
pub use repository::Repository;
pub use root::{Contents, IndexSummary, SnapshotIndex, SnapshotSummary};
pub use shard::{ShardFile, ShardFiles};
pub use snapshot::{ShardFailure, Snapshot};
pub use source_mode::{SourceMode, SourceStorage};
pub use survey::{SegmentSurvey, ShardSurvey};
