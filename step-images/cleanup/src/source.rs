//! What is cleaned on the source: the snapshots that the migration took, and the registration of
//! its repository.

use cluster::{
    ClusterError,
    repositories::{self, RegisteredRepository},
    snapshots,
};
use contract::{Failure, RunId, SnapshotSource, cleanup::CleanupRequest};
use coordination::resolve;
use step::Context;

use crate::report::CleanupReport;

/// Deletes our snapshots and removes the registration of their repository.
pub(crate) async fn clean(
    request: &CleanupRequest,
    context: &Context,
    report: &mut CleanupReport,
) -> Result<(), Failure> {
    let CleanupRequest { source: Some(source), snapshot, repository_name: ours, .. } = request
    else {
        return Ok(());
    };
    if !snapshot.is_created() {
        // Neither the snapshot nor the registration, if there is one, is ours.
        return Ok(());
    }
    let client = context.source(source)?;
    let wanted = repositories::definition(&snapshot.repository, None);
    let found = repositories::find(&client, ours, &wanted).await?;
    let Some(RegisteredRepository { name: repository, definition }) = found else {
        report.actions.extend(left_behind(snapshot, context).await);
        return Ok(());
    };
    if !repositories::is_same_location(&definition, &wanted) {
        report.actions.push(format!(
            "left repository `{repository}` of cluster `{}` as it is: it is registered for \
             another place than `{}`",
            source.name, snapshot.repository.uri
        ));
        return Ok(());
    }
    // A run may have a group that is done and another one that is under way.
    let runs: Vec<RunId> =
        report.runs.iter().filter(|run| !report.left.contains(run)).cloned().collect();
    for run in runs {
        let name = snapshot.snapshot_name(&run);
        if snapshots::delete(&client, &repository, name.as_str()).await? {
            report.actions.push(format!("deleted snapshot `{name}`"));
        }
    }
    if repository != *ours {
        // Another program registered it and may use it.
        return Ok(());
    }
    if !report.left.is_empty() {
        report.actions.push(format!(
            "left repository `{repository}` registered on cluster `{}`: another run may use a \
             snapshot in it",
            source.name
        ));
        return Ok(());
    }
    match repositories::delete(&client, &repository).await {
        Ok(true) => report
            .actions
            .push(format!("unregistered repository `{repository}` from cluster `{}`", source.name)),
        Ok(false) => {}
        Err(error) if is_in_use(&error) => report.actions.push(format!(
            "left repository `{repository}` registered on cluster `{}`: another snapshot is being \
             taken in it",
            source.name
        )),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Returns what a partial cleanup keeps, in words.
pub(crate) fn kept(request: &CleanupRequest, context: &Context) -> String {
    let CleanupRequest { snapshot, repository_name, .. } = request;
    let name = snapshot.snapshot_name(&context.run);
    if snapshot.is_created() {
        format!(
            "snapshot `{name}` and the registration of repository `{repository_name}` stay, if \
             they exist; to use this snapshot instead of a new one, set `snapshotName: {name}` in \
             the `snapshotRepo` of the source and submit"
        )
    } else {
        format!("snapshot `{name}` stays: it was there before")
    }
}

/// Without a registration the source cannot delete a snapshot; perhaps there is none any more.
async fn left_behind(snapshot: &SnapshotSource, context: &Context) -> Option<String> {
    is_in_repository(snapshot, context).await.then(|| {
        format!(
            "snapshot `{}` stays in `{}`: the source has no registration of this repository any \
             more; register it and delete the snapshot if it is not needed",
            snapshot.snapshot_name(&context.run),
            snapshot.repository.uri
        )
    })
}

/// Returns whether this run's snapshot is in the repository, as far as that can be read.
pub(crate) async fn is_in_repository(snapshot: &SnapshotSource, context: &Context) -> bool {
    let name = snapshot.snapshot_name(&context.run);
    let Ok(repository) = resolve::open_repository(snapshot, &context.storage) else {
        return false;
    };
    let contents = repository.contents().await;
    contents
        .is_ok_and(|contents| contents.snapshots.iter().any(|found| name == found.name.as_str()))
}

/// The words have stayed the same from Elasticsearch 5 to OpenSearch 3; the type has not.
fn is_in_use(error: &ClusterError) -> bool {
    let ClusterError::Refused { reason, .. } = error else { return false };
    reason.contains("currently used")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_in_use_is_told_from_other_refusals() {
        let refused = |reason: &str| ClusterError::Refused {
            cluster: "legacy".to_owned(),
            url: "http://source:9200".to_owned(),
            request: "DELETE /_snapshot/argosy".to_owned(),
            status: 500,
            kind: Some("illegal_state_exception".to_owned()),
            reason: reason.to_owned(),
        };
        assert!(is_in_use(&refused(
            "trying to modify or unregister repository that is currently used"
        )));
        assert!(!is_in_use(&refused("read-only")));
    }
}
