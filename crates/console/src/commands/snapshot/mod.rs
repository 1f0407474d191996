//! `console snapshot`: what is in a snapshot repository? No cluster is needed.

use contract::{Exit, Failure, variables};
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

/// Blobs that are asked for at once.
const READS_AT_ONCE: usize = 16;

/// Runs the command that was asked for.
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
        uri: repo.clone(),
        region: region.clone(),
        endpoint: endpoint.clone(),
        options: std::env::vars().filter(|(name, _)| variables::is_storage(name)).collect(),
    };
    Ok(Repository::open(&location).map_err(Failure::from)?)
}

/// Returns whether the error is about the access to the repository, not about what the snapshot
/// holds: nothing can be said about the snapshot then.
fn is_about_access(error: &RepositoryError) -> bool {
    matches!(error.exit(), Exit::Temporary | Exit::NotPermitted)
}
