//! Can the repository be read from here, and is the snapshot there if it should be?

use register_step::{faults, resolve};
use snapshot_repo::{Distribution as Taker, RepositoryError, Snapshot};
use step_api::{Context, Distribution, Failure, ServerVersion, SnapshotSource};

use crate::problems::Problems;

/// Looks at the repository; returns the version that took an existing snapshot, if it tells.
pub(crate) async fn check(
    source: &SnapshotSource,
    context: &Context,
    problems: &mut Problems,
) -> Option<ServerVersion> {
    if source.is_created() {
        if let Err(error) = readable(source, context).await {
            problems.fault(&error);
        }
        return None;
    }
    match resolve::open(source, context).await {
        Ok(opened) => version_of(&opened.snapshot),
        Err(error) => {
            problems.fault(&error);
            None
        }
    }
}

/// A repository that is to be written may be empty, but must be a place that can be read.
async fn readable(source: &SnapshotSource, context: &Context) -> anyhow::Result<()> {
    // The source must be able to register it too; a URI that it cannot is found here.
    snapshot_step::registration::definition(&source.repository, None)?;
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
            "the folder of `{uri}` does not exist here; make it, let the source's own user write \
             to it, name it in `path.repo` in the configuration of every node of the source, and \
             mount it where the migration runs"
        );
        Failure::new(step_api::Exit::NotFound, message).into()
    })?;
    match repository.contents().await {
        Ok(_) | Err(RepositoryError::NoRepository { .. }) => Ok(()),
        Err(error) => Err(faults::of_repository(error)),
    }
}

fn version_of(snapshot: &Snapshot) -> Option<ServerVersion> {
    let distribution = match snapshot.distribution {
        Taker::Elasticsearch => Distribution::Elasticsearch,
        Taker::OpenSearch => Distribution::OpenSearch,
    };
    if let Some(major) = snapshot.index_version.and_then(major_of) {
        return Some(ServerVersion { distribution, major, minor: None, patch: None });
    }
    let version: ServerVersion = snapshot.version.as_deref()?.parse().ok()?;
    Some(ServerVersion { distribution, ..version })
}

/// Elasticsearch 8.11 and all later ones say that they are 8.11.0; the millions of the index
/// version are the true major version.
fn major_of(index_version: u64) -> Option<u32> {
    u32::try_from(index_version / 1_000_000).ok().filter(|major| *major >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_version_tells_8_from_9() {
        assert_eq!(major_of(8_537_000), Some(8));
        assert_eq!(major_of(9_039_001), Some(9));
        assert_eq!(major_of(7_170_099), None);
    }
}
