//! What can go wrong with the state on the target?

use cluster::ClusterError;
use contract::{Exit, Failure};
use thiserror::Error;

use crate::INDEX;

/// A fault in reading or writing the state.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The cluster that holds the state gave no answer, or not the one that was asked for.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// The index could not be created.
    #[error("creating the index `{index}` for {purpose}")]
    Create {
        /// The index.
        index: &'static str,
        /// What it is for.
        purpose: &'static str,
        /// What the cluster said.
        #[source]
        source: Box<ClusterError>,
    },
    /// The settings or the mapping of an existing index of ours could not be corrected.
    #[error("correcting the settings and the mapping of the index `{index}`")]
    Correct {
        /// The index.
        index: &'static str,
        /// What the cluster said.
        #[source]
        source: Box<ClusterError>,
    },
    /// No node of the target takes the shard of an index of ours.
    #[error(
        "no node of the target may hold the shard of the index `{index}`: {explanation}; change \
         these rules of the target, or the nodes, and try again"
    )]
    NotPlaced {
        /// The index.
        index: &'static str,
        /// Whether waiting cannot help.
        is_final: bool,
        /// Why, in the words of the target.
        explanation: String,
    },
    /// A document could not be written as JSON.
    #[error("writing a state document as JSON")]
    Encode(#[source] serde_json::Error),
    /// A document could not be read.
    #[error("reading the documents of `{INDEX}` (perhaps another version of Argosy wrote them)")]
    Decode(#[source] serde_json::Error),
    /// The index belongs to another tool.
    #[error(
        "the target has an index `{INDEX}` that Argosy did not create: another tool may be \
         migrating into this cluster; delete that index when no tool needs it any more, and try \
         again"
    )]
    Foreign,
    /// Other processes changed the document at each attempt.
    #[error(
        "{what} in `{INDEX}` keeps changing, because other processes write it; try again later"
    )]
    Contended {
        /// The document, in words.
        what: String,
    },
    /// The target is too busy to take a document.
    #[error("the target cannot store a document of the state now: {reason}")]
    Busy {
        /// What the target said.
        reason: String,
    },
    /// The target does not take a document.
    #[error(
        "the target refuses a document of `{INDEX}`: {reason}; check that no other program uses an \
         index of this name"
    )]
    Refused {
        /// What the target said.
        reason: String,
    },
    /// The target did not delete a document.
    #[error("cannot delete from `{INDEX}` now: {reason}")]
    NotDeleted {
        /// What the target said.
        reason: String,
    },
}

impl StoreError {
    /// Returns the code that a step ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Cluster(source) | Self::Create { source, .. } | Self::Correct { source, .. } => {
                source.exit()
            }
            Self::NotPlaced { is_final: false, .. }
            | Self::Contended { .. }
            | Self::Busy { .. }
            | Self::NotDeleted { .. } => Exit::Temporary,
            Self::NotPlaced { is_final: true, .. }
            | Self::Encode(_)
            | Self::Decode(_)
            | Self::Foreign
            | Self::Refused { .. } => Exit::Failed,
        }
    }
}

impl From<ClusterError> for StoreError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(error.exit(), &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_causes_and_keeps_the_exit_code() {
        let source = ClusterError::Refused {
            cluster: "new".to_owned(),
            url: "http://target:9200".to_owned(),
            request: "PUT /index".to_owned(),
            status: 503,
            kind: None,
            reason: "no master".to_owned(),
        };
        let error =
            StoreError::Create { index: INDEX, purpose: "the state", source: Box::new(source) };
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::Temporary);
        assert!(failure.message.starts_with("creating the index"), "{failure}");
        assert!(failure.message.contains(": cluster `new`"), "{failure}");
        assert!(failure.message.ends_with("no master"), "{failure}");
        let contended = StoreError::Contended { what: "the registration of group `g`".to_owned() };
        assert_eq!(contended.exit(), Exit::Temporary);
        assert_eq!(StoreError::Foreign.exit(), Exit::Failed);
    }
}
