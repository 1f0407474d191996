//! How is the repository of a command opened and read?

use std::path;

use anyhow::Context as _;
use contract::{Exit, Failure, RepositoryUri, RepositoryUriError, variables};
use snapshot_repo::{Location, Repository, RepositoryError};

use crate::args::RepositoryFlags;

/// How many blobs are read concurrently.
pub(super) const MAX_CONCURRENT_READS: usize = 16;

/// Opens the repository that the flags name.
pub(super) fn open(flags: &RepositoryFlags) -> anyhow::Result<Repository> {
    let RepositoryFlags { repo, endpoint, region } = flags;
    let location = Location {
        uri: repository_uri(repo)?,
        region: region.clone(),
        endpoint: endpoint.clone(),
        options: std::env::vars().filter(|(name, _)| variables::is_storage(name)).collect(),
    };
    Ok(Repository::open(&location).map_err(Failure::from)?)
}

/// Parses a URI, or makes one of a folder of this machine.
fn repository_uri(text: &str) -> anyhow::Result<RepositoryUri> {
    if !text.contains("://") {
        return Ok(RepositoryUri::folder(path::absolute(text).context(Failure::new(
            Exit::Invalid,
            format!("`{text}` is not a folder; name a folder or a URI with `--repo`"),
        ))?));
    }
    text.parse().map_err(|error: RepositoryUriError| {
        let message = format!(
            "`{text}` is not a repository location: {error}; use s3://, gs://, az:// or file:///"
        );
        Failure::new(Exit::Invalid, message).into()
    })
}

/// Returns whether the error is about the access to the repository, not about what the snapshot
/// holds: nothing can be said about the snapshot then.
pub(super) fn is_access_error(error: &RepositoryError) -> bool {
    matches!(error.exit(), Exit::Temporary | Exit::NotPermitted)
}
