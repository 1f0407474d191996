//! What can go wrong with a repository, in words that end with what to do.

use std::fmt;

/// A repository that could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The URI of the repository cannot be used.
    #[error("`{uri}` is not a repository location: {reason}; use s3://, gs://, az:// or file:///")]
    Location {
        /// The URI as given.
        uri: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting of the object store is not valid.
    #[error("cannot set up access to `{uri}`; check the repository's region, endpoint and options")]
    Setup {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A `file://` repository's folder does not exist.
    #[error("the folder of `{uri}` does not exist here; mount it or correct the repository's URI")]
    FolderMissing {
        /// The URI of the repository.
        uri: String,
    },
    /// The bucket or container does not exist.
    #[error("the bucket of `{uri}` does not exist; check its name, region and endpoint")]
    BucketMissing {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The credentials may not read the repository.
    #[error(
        "access to `{blob}` in `{uri}` is denied; give these credentials read and list permission, \
         and decrypt permission when the bucket is encrypted with a managed key"
    )]
    Denied {
        /// The URI of the repository.
        uri: String,
        /// The blob or prefix that was asked for.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// There are no credentials, or the store does not accept them.
    #[error("the store of `{uri}` {problem}")]
    Credentials {
        /// The URI of the repository.
        uri: String,
        /// What is wrong with them, and what to do.
        problem: &'static str,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The blob was moved to a class of storage that cannot be read at once.
    #[error(
        "`{blob}` in `{uri}` is archived and cannot be read as it is; restore it, and all others under \
         this prefix, to a storage class that can be read, and try again"
    )]
    Archived {
        /// The URI of the repository.
        uri: String,
        /// The blob that was asked for.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The bucket is in another region.
    #[error("the bucket of `{uri}` is not in region `{region}`: {hint}")]
    WrongRegion {
        /// The URI of the repository.
        uri: String,
        /// The region that was used.
        region: String,
        /// Where it is, as far as the store says, and what to do.
        hint: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The store cannot be reached.
    #[error(
        "the store of `{uri}` cannot be reached; check the endpoint, name resolution and network access"
    )]
    Unreachable {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// Any other failed read.
    #[error(
        "cannot read `{blob}` in `{uri}`; try again, and look at the store's own log if it stays"
    )]
    Read {
        /// The URI of the repository.
        uri: String,
        /// The blob or prefix that was asked for.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A blob that another blob names is absent.
    #[error(
        "`{blob}` is missing in `{uri}`, though the repository refers to it; was the snapshot deleted \
         meanwhile, or the repository copied incompletely? take the snapshot again"
    )]
    BlobMissing {
        /// The URI of the repository.
        uri: String,
        /// The absent blob.
        blob: String,
    },
    /// A shard with a hashed path is at none of the places where it may be.
    #[error(
        "shard {shard} of `{index}` in `{uri}` has a hashed path, but is in none of these folders: \
         `{tried}`; hashed folders may lie outside of the base path: copy the whole bucket or \
         location of the repository, and point the URI to the base path in it"
    )]
    ShardFolderMissing {
        /// The URI of the repository.
        uri: String,
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// The folders that were looked at.
        tried: String,
    },
    /// The prefix holds no repository.
    #[error(
        "`{uri}` holds no snapshot repository (no `index.latest`, no `index-N`); point it to the folder \
         that the cluster registered: bucket and base path"
    )]
    NoRepository {
        /// The URI of the repository.
        uri: String,
    },
    /// The prefix holds a repository of a kind that is not read.
    #[error("`{blob}` in `{uri}`: {what} is not supported yet; {instead}")]
    Unsupported {
        /// The URI of the repository.
        uri: String,
        /// Where it was found.
        blob: String,
        /// What was found.
        what: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// There is no snapshot of this name.
    #[error("`{uri}` has no snapshot `{name}`; {hint}")]
    UnknownSnapshot {
        /// The URI of the repository.
        uri: String,
        /// The name asked for.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The snapshot has no index of this name.
    #[error("snapshot `{snapshot}` has no index `{name}`; {hint}")]
    UnknownIndex {
        /// The snapshot's name.
        snapshot: String,
        /// The name asked for.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The index has no shard of this number.
    #[error("`{index}` has no shard {shard}: the index has {shards} shards, counted from 0")]
    UnknownShard {
        /// The index.
        index: String,
        /// The number asked for.
        shard: u32,
        /// How many shards it has.
        shards: u32,
    },
    /// The snapshot is of the whole index but not of this shard.
    #[error(
        "snapshot `{snapshot}` ({state}) does not hold shard {shard} of `{index}`: {reason}; take the \
         snapshot again once all shards are assigned, or leave this index out"
    )]
    ShardNotInSnapshot {
        /// The snapshot's name.
        snapshot: String,
        /// The snapshot's state.
        state: String,
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// Why, as the snapshot tells it.
        reason: String,
    },
    /// A blob is not what it should be.
    #[error(
        "`{blob}` in `{uri}` is damaged: {damage}; take the snapshot again or restore the blob from a copy"
    )]
    Damaged {
        /// The URI of the repository.
        uri: String,
        /// The damaged blob.
        blob: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A Lucene file of a shard cannot be read.
    #[error(
        "file `{file}` (blob `{blob}` in `{uri}`) is damaged at byte {offset}: {damage}; take the snapshot \
         again or restore the blob from a copy"
    )]
    DamagedFile {
        /// The URI of the repository.
        uri: String,
        /// The blob, with its shard's path.
        blob: String,
        /// The Lucene file's name.
        file: String,
        /// The position in the Lucene file.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The content of a Lucene file cannot be decoded.
    #[error(
        "cannot decode blob `{blob}` in `{uri}`: {damage}; take the snapshot again or restore the blob \
         from a copy"
    )]
    Decode {
        /// The URI of the repository.
        uri: String,
        /// The blob, with its shard's path.
        blob: String,
        /// What is wrong in which file at which byte.
        damage: Damage,
    },
    /// A read was given up in its middle, or failed before.
    #[error(
        "the reading of shard `{shard}` stopped before its end; begin again after the last document that arrived"
    )]
    Stopped {
        /// The shard's folder.
        shard: String,
    },
}

/// What is wrong with some bytes, as the end of a sentence about their blob.
#[derive(Debug)]
pub struct Damage(String);

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<String> for Damage {
    fn from(what: String) -> Self {
        Self(what)
    }
}

impl From<&str> for Damage {
    fn from(what: &str) -> Self {
        Self(what.into())
    }
}
