//! What can go wrong with a repository? Each message ends with what to do, and each error knows the
//! exit code that it asks for.

use std::{error::Error as _, fmt};

use contract::{Exit, Failure};

/// Why a repository cannot be opened or read.
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
        /// The requested blob or prefix.
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
    /// The blob was moved to a storage class that cannot be read immediately.
    #[error(
        "`{blob}` in `{uri}` is archived and cannot be read; restore it, and all other objects under \
         this prefix, to a storage class that can be read, and try again"
    )]
    Archived {
        /// The URI of the repository.
        uri: String,
        /// The requested blob.
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
        /// The right region, if the store names it, and what to do.
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
        "cannot read `{blob}` in `{uri}`; try again, and check the store's own log if it keeps failing"
    )]
    Read {
        /// The URI of the repository.
        uri: String,
        /// The requested blob or prefix.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A blob that another blob names is absent.
    #[error(
        "`{blob}` is missing in `{uri}`, though the repository refers to it; perhaps the snapshot \
         was deleted meanwhile, or the repository was copied incompletely: take the snapshot again"
    )]
    BlobMissing {
        /// The URI of the repository.
        uri: String,
        /// The absent blob.
        blob: String,
    },
    /// A shard with a hashed path is in none of the folders where it may be.
    #[error(
        "shard {shard} of `{index}` in `{uri}` has a hashed path, but is in none of these folders: \
         `{tried}`; hashed folders may lie outside of the base path: copy the whole bucket or \
         location of the repository, and write the base path in it as the URI"
    )]
    ShardFolderMissing {
        /// The URI of the repository.
        uri: String,
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// The folders that were tried.
        tried: String,
    },
    /// The prefix holds no repository.
    #[error(
        "`{uri}` holds no snapshot repository (no `index.latest`, no `index-N`); write the bucket \
         and base path, or the folder, that the cluster registered"
    )]
    NoRepository {
        /// The URI of the repository.
        uri: String,
    },
    /// The repository, or a part of it, is of an unsupported kind.
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
        /// The requested name.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The snapshot has no index of this name.
    #[error("snapshot `{snapshot}` has no index `{name}`; {hint}")]
    UnknownIndex {
        /// The snapshot's name.
        snapshot: String,
        /// The requested name.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The index has no shard of this number.
    #[error("`{index}` has no shard {shard}: the index has {shards} shards, counted from 0")]
    UnknownShard {
        /// The index.
        index: String,
        /// The requested number.
        shard: u32,
        /// How many shards it has.
        shards: u32,
    },
    /// The snapshot holds the index, but not this shard.
    #[error(
        "snapshot `{snapshot}` ({state}) does not hold shard {shard} of `{index}`: {reason}; take \
         the snapshot again once all shards are assigned, or exclude this index with `-{index}`"
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
        /// The reason in the snapshot.
        reason: String,
    },
    /// The content of a blob is wrong.
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
        /// What is wrong, in which file, at which byte.
        damage: Damage,
    },
    /// A read was abandoned, or had failed before.
    #[error(
        "reading shard `{shard}` stopped before its end; resume after the last document that was returned"
    )]
    Stopped {
        /// The shard's folder.
        shard: String,
    },
}

impl RepositoryError {
    /// Returns the code that a step or command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Location { .. } | Self::Setup { .. } => Exit::Invalid,
            Self::Denied { .. } | Self::Credentials { .. } => Exit::NotPermitted,
            Self::FolderMissing { .. }
            | Self::BucketMissing { .. }
            | Self::NoRepository { .. }
            | Self::UnknownSnapshot { .. }
            | Self::UnknownIndex { .. }
            | Self::UnknownShard { .. } => Exit::NotFound,
            Self::Unreachable { .. } | Self::Read { .. } | Self::Stopped { .. } => Exit::Temporary,
            Self::Archived { .. }
            | Self::WrongRegion { .. }
            | Self::BlobMissing { .. }
            | Self::ShardFolderMissing { .. }
            | Self::Unsupported { .. }
            | Self::ShardNotInSnapshot { .. }
            | Self::Damaged { .. }
            | Self::DamagedFile { .. }
            | Self::Decode { .. } => Exit::Failed,
        }
    }

    /// Returns whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        self.exit() == Exit::Temporary
    }

    /// Returns the message with those of its causes. A cause that an outer message already quotes
    /// is not repeated.
    pub fn full_message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        text
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        Self::new(error.exit(), error.full_message())
    }
}

/// What is wrong with the content of a blob, as the end of a sentence about it.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cause() -> object_store::Error {
        let inner = "503 Slow Down".into();
        object_store::Error::Generic { store: "S3", source: inner }
    }

    /// Each kind of error, and the code that a process ends with.
    fn table() -> Vec<(RepositoryError, Exit)> {
        let text = String::new;
        let (uri, blob) = (text(), text());
        let damage = || Damage::from("");
        vec![
            (RepositoryError::Location { uri: text(), reason: text() }, Exit::Invalid),
            (RepositoryError::Setup { uri: text(), source: cause().into() }, Exit::Invalid),
            (RepositoryError::FolderMissing { uri: text() }, Exit::NotFound),
            (
                RepositoryError::BucketMissing { uri: text(), source: cause().into() },
                Exit::NotFound,
            ),
            (
                RepositoryError::Denied { uri: text(), blob: text(), source: cause().into() },
                Exit::NotPermitted,
            ),
            (
                RepositoryError::Credentials { uri: text(), problem: "", source: cause().into() },
                Exit::NotPermitted,
            ),
            (
                RepositoryError::Archived { uri: text(), blob: text(), source: cause().into() },
                Exit::Failed,
            ),
            (
                RepositoryError::WrongRegion {
                    uri: text(),
                    region: text(),
                    hint: text(),
                    source: cause().into(),
                },
                Exit::Failed,
            ),
            (RepositoryError::Unreachable { uri: text(), source: cause().into() }, Exit::Temporary),
            (
                RepositoryError::Read { uri: text(), blob: text(), source: cause().into() },
                Exit::Temporary,
            ),
            (RepositoryError::BlobMissing { uri: text(), blob: text() }, Exit::Failed),
            (
                RepositoryError::ShardFolderMissing {
                    uri: text(),
                    index: text(),
                    shard: 0,
                    tried: text(),
                },
                Exit::Failed,
            ),
            (RepositoryError::NoRepository { uri: text() }, Exit::NotFound),
            (RepositoryError::Unsupported { uri, blob, what: text(), instead: "" }, Exit::Failed),
            (
                RepositoryError::UnknownSnapshot { uri: text(), name: text(), hint: text() },
                Exit::NotFound,
            ),
            (
                RepositoryError::UnknownIndex { snapshot: text(), name: text(), hint: text() },
                Exit::NotFound,
            ),
            (RepositoryError::UnknownShard { index: text(), shard: 1, shards: 1 }, Exit::NotFound),
            (
                RepositoryError::ShardNotInSnapshot {
                    snapshot: text(),
                    state: text(),
                    index: text(),
                    shard: 0,
                    reason: text(),
                },
                Exit::Failed,
            ),
            (
                RepositoryError::Damaged { uri: text(), blob: text(), damage: damage() },
                Exit::Failed,
            ),
            (
                RepositoryError::DamagedFile {
                    uri: text(),
                    blob: text(),
                    file: text(),
                    offset: 0,
                    damage: damage(),
                },
                Exit::Failed,
            ),
            (RepositoryError::Decode { uri: text(), blob: text(), damage: damage() }, Exit::Failed),
            (RepositoryError::Stopped { shard: text() }, Exit::Temporary),
        ]
    }

    #[test]
    fn each_error_has_its_exit_code_and_only_temporary_ones_are_tried_again() {
        for (error, exit) in table() {
            assert_eq!(error.exit(), exit, "{error:?}");
            assert_eq!(error.is_temporary(), exit == Exit::Temporary, "{error:?}");
            assert_eq!(Failure::from(error).exit, exit);
        }
    }

    #[test]
    fn the_full_message_names_each_cause_once() {
        let error =
            RepositoryError::Unreachable { uri: "s3://b/p".to_owned(), source: cause().into() };
        let message = error.full_message();
        assert!(message.starts_with("the store of `s3://b/p` cannot be reached"), "{message}");
        assert_eq!(message.matches("503 Slow Down").count(), 1, "{message}");
    }
}
