//! What can go wrong with the embedded engine, seen from a command?

use std::{io, path::PathBuf};

use contract::Exit;
use engine::{StoreError, secrets::SecretError};
use thiserror::Error;
use tokio::task::JoinError;

/// A fault of the state directory or of the engine's process.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The state directory.
    #[error(transparent)]
    Store(StoreError),
    /// An engine works on the run.
    #[error("{0}; run `workflow stop`")]
    EngineAlive(StoreError),
    /// The run cannot be resumed, because it did not fail.
    #[error("{0}; `workflow submit` starts it again from the beginning")]
    NotFailed(StoreError),
    /// The stored credentials.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// A file of the state directory that the engine does not keep itself.
    #[error(transparent)]
    Files(#[from] io::Error),
    /// The manifests of a run.
    #[error(transparent)]
    Manifests(#[from] serde_json::Error),
    /// A thread that uses the state directory ended without a result.
    #[error("{task}")]
    Aborted {
        /// What the thread did.
        task: &'static str,
        /// Why it ended.
        #[source]
        source: JoinError,
    },
    /// The path of this program, which runs the engine too, is unknown.
    #[error("finding this program")]
    Program(#[source] io::Error),
    /// The engine's process could not be started.
    #[error("starting the engine")]
    Start(#[source] io::Error),
    /// The engine's process ended before it had begun.
    #[error(
        "the engine did not start: {last} (see {}); fix that, then run `workflow resume`",
        log.display()
    )]
    EngineDied {
        /// The last line of its log.
        last: String,
        /// Its log.
        log: PathBuf,
    },
    /// The engine's process ended before it had begun, and left no reason.
    #[error(
        "the engine did not start and could not write the reason to {}; check whether the disk of \
         the state directory is full, then run `workflow resume`",
        log.display()
    )]
    EngineSilent {
        /// Its log.
        log: PathBuf,
    },
}

impl LocalError {
    /// Returns the code that a command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) | Self::EngineAlive(error) | Self::NotFailed(error) => {
                exit_of(error)
            }
            Self::Secrets(_)
            | Self::Files(_)
            | Self::Manifests(_)
            | Self::Aborted { .. }
            | Self::Program(_)
            | Self::Start(_)
            | Self::EngineDied { .. }
            | Self::EngineSilent { .. } => Exit::Failed,
        }
    }
}

/// Returns the exit code of an error of the store, which knows no commands.
fn exit_of(error: &StoreError) -> Exit {
    match error {
        StoreError::NotFound(_) => Exit::NotFound,
        StoreError::Conflict { .. }
        | StoreError::EngineAlive { .. }
        | StoreError::NotFailed { .. }
        | StoreError::Superseded { .. } => Exit::Conflict,
        StoreError::Refused(_) | StoreError::Submission(_) => Exit::Invalid,
        StoreError::Files(_)
        | StoreError::Database(_)
        | StoreError::Journal(_)
        | StoreError::Version(_)
        | StoreError::Stored { .. } => Exit::Failed,
    }
}
