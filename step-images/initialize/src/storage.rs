//! Can the repository be read from here, and does the snapshot exist if it should?

use contract::{Failure, SnapshotSource};
use coordination::{
    faults,
    resolve::{self, Opened},
};
use snapshot_repo::RepositoryError;
use step::Context;

use crate::problems::Problems;

/// Checks the repository, and opens the snapshot if it is an existing one.
pub(crate) async fn check(
    source: &SnapshotSource,
    context: &Context,
    problems: &mut Problems,
) -> Option<Opened> {
    if source.is_created() {
        if let Err(error) = readable(source, context).await {
            problems.fault(&error);
        }
        return None;
    }
    match resolve::open(source, &context.run, &context.storage).await {
        Ok(opened) => Some(opened),
        Err(error) => {
            problems.fault(&error);
            None
        }
    }
}

/// Checks that a repository for a new snapshot can be read; it may be empty.
async fn readable(source: &SnapshotSource, context: &Context) -> anyhow::Result<()> {
    let repository = resolve::open_repository(source, &context.storage).map_err(|error| {
        let missing = error.chain().any(|cause| {
            matches!(
                cause.downcast_ref::<RepositoryError>(),
                Some(RepositoryError::FolderMissing { .. })
            )
        });
        if !missing {
            return error;
        }
        let uri = &source.repository.uri;
        let message = format!(
            "the folder of `{uri}` does not exist here; create it, let the user of the source's \
             process write to it, add it to `path.repo` in the configuration of every node of the \
             source, and mount it where the migration runs"
        );
        Failure::new(contract::Exit::NotFound, message).into()
    })?;
    match repository.contents().await {
        Ok(_) | Err(RepositoryError::NoRepository { .. }) => Ok(()),
        Err(error) => Err(faults::of_repository(error)),
    }
}
