//! Which exit code does a fault of a repository ask for?
//!
//! It becomes a [`Failure`], so that Argo and the engine know whether it is worth another try. A
//! fault of a cluster knows its code itself (`Failure::from`).

use cluster::{ClusterError, Response};
use contract::Failure;
use serde::de::DeserializeOwned;
use snapshot_repo::RepositoryError;

/// Reads the JSON of an answer that was not refused.
pub fn decoded<T: DeserializeOwned>(answer: Result<Response, ClusterError>) -> anyhow::Result<T> {
    let response = answer.map_err(Failure::from)?;
    Ok(response.json().map_err(Failure::from)?)
}

/// Turns a repository's error into one that knows its exit code.
pub fn of_repository(error: RepositoryError) -> anyhow::Error {
    Failure::from(error).into()
}
