//! Why may a run not continue with a group?

use cluster::ClusterError;
use contract::{Exit, Failure, GroupName, SnapshotName};
use snapshot_repo::RepositoryError;
use state_store::StoreError;
use thiserror::Error;

/// A fault, or a reason why a run may not continue.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CoordinationError {
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A cluster did not do what was asked.
    #[error("{doing}")]
    Cluster {
        /// What was being done.
        doing: String,
        /// What the cluster said.
        #[source]
        source: Box<ClusterError>,
    },
    /// The documents of an index that is on the target already could not be counted.
    #[error(
        "counting the documents of index `{name}` on the target (if the index is closed, open it \
         or delete it)"
    )]
    NotCounted {
        /// The index.
        name: String,
        /// What went wrong.
        #[source]
        source: Box<Self>,
    },
    /// The snapshot or its repository could not be read.
    #[error("reading snapshot `{name}`")]
    Snapshot {
        /// The snapshot's name.
        name: SnapshotName,
        /// What went wrong.
        #[source]
        source: Box<RepositoryError>,
    },
    /// The repository could not be opened or read.
    #[error(transparent)]
    Repository(Box<RepositoryError>),
    /// The snapshot lacks shards.
    #[error("{0}")]
    Incomplete(String),
    /// The register step has recorded nothing for this group as it is described now.
    #[error(
        "group `{group}` is not registered for snapshot `{snapshot}` with these patterns: its state \
         on the target was removed or is another run's; submit the migration again"
    )]
    NotRegistered {
        /// The group's name.
        group: GroupName,
        /// The snapshot's name.
        snapshot: String,
    },
    /// The snapshot changed since the register step.
    #[error(
        "snapshot `{snapshot}` has no index `{index}` any more; submit the migration again, so that \
         the snapshot is read again"
    )]
    IndexGone {
        /// The snapshot's name.
        snapshot: String,
        /// The index.
        index: String,
    },
    /// Another run took the group over.
    #[error(
        "group `{group}` of run `{run}` must not continue: {by}; wait for that run, or stop it with \
         `workflow stop` and submit this migration again"
    )]
    TakenOver {
        /// The group's name.
        group: String,
        /// The run that may not continue.
        run: String,
        /// Which run that is, in words.
        by: String,
    },
    /// Other migrations fill indices of the group.
    #[error("{}", .0.join("\n"))]
    Conflicts(Vec<String>),
    /// An earlier run wrote while its group was taken over.
    #[error(
        "the earlier run `{run}` of this migration wrote to group `{group}` while this run took it \
         over; this is tried again, and if it stays so, stop that run with `workflow stop`"
    )]
    RunContinues {
        /// The group's name.
        group: String,
        /// The run.
        run: String,
    },
}

impl CoordinationError {
    /// Returns what wraps a cluster's error and says what was being done.
    pub(crate) fn cluster(doing: impl Into<String>) -> impl FnOnce(ClusterError) -> Self {
        |source| Self::Cluster { doing: doing.into(), source: Box::new(source) }
    }

    /// Returns the code that a step ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Cluster { source, .. } => source.exit(),
            Self::NotCounted { source, .. } => source.exit(),
            Self::Snapshot { source, .. } | Self::Repository(source) => source.exit(),
            Self::NotRegistered { .. } => Exit::NotFound,
            Self::TakenOver { .. } => Exit::Conflict,
            Self::RunContinues { .. } => Exit::Temporary,
            Self::Incomplete(_) | Self::IndexGone { .. } | Self::Conflicts(_) => Exit::Failed,
        }
    }
}

impl From<RepositoryError> for CoordinationError {
    fn from(error: RepositoryError) -> Self {
        Self::Repository(Box::new(error))
    }
}

impl From<CoordinationError> for Failure {
    fn from(error: CoordinationError) -> Self {
        match error {
            // The causes of a repository's error quote each other.
            CoordinationError::Repository(source) => (*source).into(),
            CoordinationError::Snapshot { name, source } => {
                let Self { exit, message } = (*source).into();
                Self::new(exit, format!("reading snapshot `{name}`: {message}"))
            }
            error => Self::of(error.exit(), &error),
        }
    }
}
