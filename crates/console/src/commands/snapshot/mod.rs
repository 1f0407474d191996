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
    Repository::open(&location).map_err(fault)
}

/// An error of the repository as one that knows its exit code.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands the error over")]
fn fault(error: RepositoryError) -> anyhow::Error {
    let exit = match &error {
        RepositoryError::Location { .. } | RepositoryError::Setup { .. } => Exit::Invalid,
        RepositoryError::Denied { .. } | RepositoryError::Credentials { .. } => Exit::NotPermitted,
        RepositoryError::FolderMissing { .. }
        | RepositoryError::BucketMissing { .. }
        | RepositoryError::NoRepository { .. }
        | RepositoryError::UnknownSnapshot { .. }
        | RepositoryError::UnknownIndex { .. }
        | RepositoryError::UnknownShard { .. } => Exit::NotFound,
        _ => Exit::Failed,
    };
    Failure::new(exit, told(&error)).into()
}

/// An error with its causes; many a cause is already in the words of what it caused.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Whether another look may find what this one did not: nothing can be said of the snapshot then.
fn is_passing(error: &RepositoryError) -> bool {
    matches!(
        error,
        RepositoryError::Unreachable { .. }
            | RepositoryError::Read { .. }
            | RepositoryError::Denied { .. }
            | RepositoryError::Credentials { .. }
            | RepositoryError::Stopped { .. }
    )
}
