//! Can the repository be read from here, and does the snapshot exist if it should?

use std::collections::BTreeMap;

use contract::{Exit, Failure, SnapshotSource};
use coordination::resolve::{self, OpenSnapshot};
use snapshot_repo::RepositoryError;
use step::Context;

use crate::problems::Problems;

/// Checks the repository, and opens the snapshot if it is an existing one.
pub(crate) async fn check(
    source: &SnapshotSource,
    context: &Context,
    problems: &mut Problems,
) -> Option<OpenSnapshot> {
    if source.is_created() {
        if let Err(error) = readable(source, &context.storage).await {
            problems.fault(&error);
        }
        return None;
    }
    match resolve::open(source, &context.run, &context.storage).await {
        Ok(opened) => Some(opened),
        Err(error) => {
            problems.fault(&Failure::from(error).into());
            None
        }
    }
}

/// Checks that a repository for a new snapshot can be read; it may be empty.
async fn readable(
    source: &SnapshotSource,
    storage: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let repository = resolve::open_repository(source, storage).map_err(|error| match error {
        RepositoryError::FolderMissing { uri } => {
            let message = format!(
                "the folder of `{uri}` does not exist here; create it, let the user of the source's \
                 process write to it, add it to `path.repo` in the configuration of every node of \
                 the source, and mount it where the migration runs"
            );
            Failure::new(Exit::NotFound, message)
        }
        other => other.into(),
    })?;
    match repository.contents().await {
        Ok(_) | Err(RepositoryError::NoRepository { .. }) => Ok(()),
        Err(error) => Err(Failure::from(error).into()),
    }
}

#[cfg(test)]
mod tests {
    use contract::{Repository, RepositoryUri, SnapshotChoice, exit::exit_of};

    use super::*;

    #[tokio::test]
    async fn a_missing_folder_is_reported_with_what_the_source_needs() {
        let source = SnapshotSource {
            repository: Repository {
                uri: RepositoryUri::folder("/no/such/folder"),
                region: None,
                endpoint: None,
                role_arn: None,
            },
            snapshot: SnapshotChoice::Created { prefix: "argosy".to_owned() },
        };
        let error = readable(&source, &BTreeMap::new()).await.expect_err("no folder");
        assert_eq!(exit_of(&error), Exit::NotFound);
        assert!(error.to_string().contains("`path.repo`"), "{error}");
    }
}
