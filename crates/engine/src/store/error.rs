//! What can go wrong with a state directory?

use std::io;

use argo::NodePhase;
use thiserror::Error;

use crate::{journal::JournalError, refusal::Refusal};

/// A request that the state directory could not carry out.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory or a file in it.
    #[error("the state directory cannot be used")]
    Files(#[from] io::Error),
    /// The database.
    #[error(
        "the state database failed; check that the disk is not full and that the state directory \
         can be written"
    )]
    Database(#[from] rusqlite::Error),
    /// The database is of a later version.
    #[error(
        "the state directory was written by a newer version (its tables have version {0}); use \
         that version"
    )]
    Version(i64),
    /// The journal of a run.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The manifests contain what the engine does not run.
    #[error("the manifests cannot be run here: {}", list(.0))]
    Refused(Vec<Refusal>),
    /// The Workflow has another name, or the uid is not one.
    #[error("the submission does not match its manifests: {0}")]
    Submission(String),
    /// A run of that name has not ended.
    #[error(
        "workflow `{name}` already exists and has not ended; stop it or wait for it, then submit \
         again"
    )]
    Conflict {
        /// The name.
        name: String,
        /// The uid of the run that has not ended.
        uid: String,
    },
    /// An engine works on the run.
    #[error("an engine is running workflow `{name}`; stop the workflow first")]
    EngineAlive {
        /// The name.
        name: String,
    },
    /// The run cannot be resumed, because it did not fail.
    #[error("workflow `{name}` is {phase}; only a failed workflow can be resumed")]
    NotFailed {
        /// The name.
        name: String,
        /// How far it is.
        phase: NodePhase,
    },
    /// The name was submitted again after the run.
    #[error("workflow `{name}` was submitted again; its newest run is `{uid}`")]
    Superseded {
        /// The name.
        name: String,
        /// The uid of the newer run.
        uid: String,
    },
    /// There is no run of that name or uid.
    #[error("there is no run `{0}`")]
    NotFound(String),
    /// Stored values of another version.
    #[error(
        "the state of run `{uid}` cannot be read; perhaps another version of Argosy wrote it: use \
         that version"
    )]
    Stored {
        /// The run.
        uid: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
