//! Which exit code does a fault of a repository ask for?
//!
//! It becomes a [`Failure`], so that Argo and the engine know whether it is worth another try. A
//! fault of a cluster knows its code itself (`Failure::from`).

use cluster::{ClusterError, Response};
use contract::{Exit, Failure};
use serde::de::DeserializeOwned;
use snapshot_repo::RepositoryError;

/// Reads the JSON of an answer that was not refused.
pub fn decoded<T: DeserializeOwned>(answer: Result<Response, ClusterError>) -> anyhow::Result<T> {
    let response = answer.map_err(Failure::from)?;
    Ok(response.json().map_err(Failure::from)?)
}

/// Turns a repository's error into one that knows its exit code.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands the error over")]
pub fn of_repository(error: RepositoryError) -> anyhow::Error {
    let exit = match &error {
        error if is_passing(error) => Exit::Temporary,
        RepositoryError::Denied { .. } | RepositoryError::Credentials { .. } => Exit::NotPermitted,
        RepositoryError::FolderMissing { .. }
        | RepositoryError::BucketMissing { .. }
        | RepositoryError::NoRepository { .. }
        | RepositoryError::UnknownSnapshot { .. } => Exit::NotFound,
        _ => Exit::Failed,
    };
    Failure::new(exit, told(&error)).into()
}

/// Returns whether reading again later may help.
pub fn is_passing(error: &RepositoryError) -> bool {
    matches!(
        error,
        RepositoryError::Unreachable { .. }
            | RepositoryError::Read { .. }
            | RepositoryError::Stopped { .. }
    )
}

/// Writes an error with its causes.
pub fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
