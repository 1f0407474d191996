//! `console snapshot`: what does a snapshot repository hold? No cluster is needed.

use std::path;

use anyhow::Context as _;
use contract::{Exit, Failure, RepositoryUri, RepositoryUriError, variables};
use snapshot_repo::{Location, Repository, RepositoryError};

use crate::args::{Format, RepositoryFlags, Snapshot};

mod documents;
mod line;
mod list;
mod metadata;
mod progress;
mod report;
mod show;
mod text;

/// How many blobs are read concurrently.
const MAX_CONCURRENT_READS: usize = 16;

/// Runs a command.
pub(crate) async fn run(command: Snapshot, format: Format) -> anyhow::Result<Exit> {
    match command {
        Snapshot::List(flags) => list::run(&open(&flags)?, &flags.typed(), format).await,
        Snapshot::Show { repository, snapshot, quick } => {
            show::run(&open(&repository)?, &snapshot.name, quick, format).await
        }
        Snapshot::Documents(flags) => documents::run(&open(&flags.repository)?, &flags).await,
        Snapshot::Metadata { repository, snapshot } => {
            metadata::run(&open(&repository)?, &snapshot.name).await
        }
    }
}

fn open(flags: &RepositoryFlags) -> anyhow::Result<Repository> {
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
fn is_about_access(error: &RepositoryError) -> bool {
    matches!(error.exit(), Exit::Temporary | Exit::NotPermitted)
}
