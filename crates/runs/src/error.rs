//! What can go wrong when an engine is used, and which exit code says so?
//!
//! ```text
//!  BackendError          what both engines have in common
//!    |- LocalError       the state directory, and the engine's process
//!    '- ArgoError        the cluster
//!         '- Fault       one request to the API server
//! ```

use argo::UnknownPhase;
use cli_support::session_file::SessionError;
use contract::{Exit, Failure};
use engine::StoreError;
use thiserror::Error;

use crate::{
    commands::workflow_flag,
    kubernetes::{ArgoError, Fault, UnpackError},
    local::LocalError,
};

/// A call of a [`Backend`](crate::Backend) that failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// There is no run of that name or uid.
    #[error("there is no run `{name}`; `workflow status --all` lists the runs")]
    NotFound {
        /// The name or uid.
        name: String,
    },
    /// The workflow was submitted by another process while this one submitted it.
    #[error(
        "another process has just submitted `{name}`; check it with `workflow status{}`",
        workflow_flag(name)
    )]
    AlreadySubmitted {
        /// The name of the workflow.
        name: String,
    },
    /// The migration file of a session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The embedded engine.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// Argo Workflows on a cluster.
    #[error(transparent)]
    Argo(Box<ArgoError>),
}

impl BackendError {
    /// Returns the code that a command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::AlreadySubmitted { .. } => Exit::Conflict,
            Self::Session(error) => error.exit(),
            Self::Local(error) => error.exit(),
            Self::Argo(error) => error.exit(),
        }
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::of(error.exit(), &error)
    }
}

impl From<ArgoError> for BackendError {
    fn from(error: ArgoError) -> Self {
        Self::Argo(Box::new(error))
    }
}

impl From<Fault> for BackendError {
    fn from(fault: Fault) -> Self {
        ArgoError::from(fault).into()
    }
}

impl From<UnpackError> for BackendError {
    fn from(error: UnpackError) -> Self {
        ArgoError::from(error).into()
    }
}

impl From<UnknownPhase> for BackendError {
    fn from(error: UnknownPhase) -> Self {
        ArgoError::from(error).into()
    }
}

/// Adds the command that helps, where there is one.
impl From<StoreError> for BackendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(name) => Self::NotFound { name },
            StoreError::EngineAlive { .. } => LocalError::EngineAlive(error).into(),
            StoreError::NotFailed { .. } => LocalError::NotFailed(error).into(),
            other => LocalError::Store(other).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_of_the_store_says_which_command_helps() {
        let failure = |error: StoreError| Failure::from(BackendError::from(error));
        let unknown = failure(StoreError::NotFound("w".to_owned()));
        assert_eq!(unknown.exit, Exit::NotFound);
        assert!(unknown.message.ends_with("`workflow status --all` lists the runs"));
        let alive = failure(StoreError::EngineAlive { name: "w".to_owned() });
        assert_eq!(alive.exit, Exit::Conflict);
        assert!(alive.message.ends_with("; run `workflow stop`"));
        let files = failure(StoreError::Files(io::Error::other("no space left")));
        assert_eq!(files.exit, Exit::Failed);
        assert_eq!(files.message, "the state directory cannot be used: no space left");
    }
}
