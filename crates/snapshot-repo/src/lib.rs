//! Answers: here is a snapshot repository; which snapshots, indices, shards, files and documents
//! does it hold?
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
//! [`Repository`] is the edge (it reads blobs); every format above has one module that is a pure
//! function from bytes to values. [`ShardDocuments`] streams the documents of a shard with bounded
//! memory and no scratch disk. [`source`] turns one document's `_source` into one NDJSON line.

mod batch;
mod blobs;
mod container;
mod documents;
mod error;
mod files;
mod global;
mod index;
mod location;
mod repository;
mod root;
mod segment;
mod shard;
mod shard_folder;
mod shard_paths;
mod smile;
mod snapshot;
pub mod source;

pub use documents::{Document, Ledger, Position, ShardDocuments, ShardSize};
pub use error::{Damage, RepositoryError};
pub use global::GlobalMetadata;
pub use index::{IndexMetadata, IndexState};
pub use location::Location;
pub use repository::Repository;
pub use root::{Contents, IndexSummary, SnapshotSummary};
pub use shard::{ShardFile, ShardFiles};
pub use snapshot::{Distribution, ShardFailure, Snapshot, SnapshotIndex, SnapshotState};
