//! What can go wrong besides the documents themselves?

use cluster::ClusterError;
use contract::{Exit, Failure};
use state_store::StoreError;
use thiserror::Error;

use crate::FAILED_DOCUMENTS_INDEX as INDEX;

/// A fault in preparing a load, or in keeping what the target rejects.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target gave no answer, or not the one that was asked for.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// The settings of an index could not be changed.
    #[error("changing the settings of index `{index}`")]
    Settings {
        /// The index.
        index: String,
        /// What the cluster said.
        #[source]
        source: Box<ClusterError>,
    },
    /// The target does not know the index under its own name.
    #[error(
        "the target returned no settings of index `{index}`; check that this name is still an \
         index and not an alias"
    )]
    NoSettings {
        /// The index.
        index: String,
    },
    /// Another process tunes the same index.
    #[error(
        "another process is changing the settings of index `{index}`; stop it, or try again later"
    )]
    TunedTwice {
        /// The index.
        index: String,
    },
    /// A document could not be written as JSON.
    #[error("writing a rejected document as JSON")]
    Encode(#[source] serde_json::Error),
    /// A rejected document could not be read.
    #[error("reading `{INDEX}` (perhaps another version of Argosy wrote it)")]
    Decode(#[source] serde_json::Error),
    /// A search was answered without hits.
    #[error("the response to a search of `{INDEX}` has no `hits`")]
    NoHits,
    /// A rejected document could not be kept.
    #[error("the rejected document `{id}` cannot be written to `{INDEX}`: {reason}")]
    NotKept {
        /// The document's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// Rejected documents could not be deleted.
    #[error("documents of `{INDEX}` cannot be deleted: {reason}")]
    NotDeleted {
        /// Why.
        reason: String,
    },
}

impl LoadError {
    /// Returns the code that a step ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Cluster(source) | Self::Settings { source, .. } => source.exit(),
            Self::TunedTwice { .. } | Self::NotDeleted { .. } => Exit::Temporary,
            Self::NoSettings { .. }
            | Self::Encode(_)
            | Self::Decode(_)
            | Self::NoHits
            | Self::NotKept { .. } => Exit::Failed,
        }
    }
}

impl From<ClusterError> for LoadError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::of(error.exit(), &error)
    }
}
