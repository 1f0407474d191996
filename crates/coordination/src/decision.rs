//! How are the decisions on groups read and written?

use cluster::Client;
use contract::{Failure, MigrationName, RepositoryUri};
use fleet::{RunRecord, RunStatus};
use state_store::{Mapping, Scope, StateDocument as _, Stored};

use crate::{
    CoordinationError,
    group::{GroupDocument, RunState},
    ownership,
};

/// Creates the index of the state if it is missing.
pub async fn ensure_index(client: &Client) -> Result<(), CoordinationError> {
    Ok(state_store::ensure(client, &Mapping::of::<GroupDocument>()).await?)
}

/// Reads what was decided for a group of a snapshot.
pub async fn read(
    client: &Client,
    scope: &Scope,
) -> Result<Option<GroupDocument>, CoordinationError> {
    let stored = state_store::get(client, &GroupDocument::key(scope)).await?;
    Ok(stored.map(|stored: Stored<GroupDocument>| stored.document))
}

/// Records what was decided, in the place of what an earlier run decided.
pub async fn write(client: &Client, document: &GroupDocument) -> Result<(), CoordinationError> {
    Ok(state_store::put(client, &document.key, document).await?)
}

/// Records that the run that decided has ended without success, unless another one has decided
/// again since `document` was read.
pub async fn end(client: &Client, document: &GroupDocument) -> Result<(), CoordinationError> {
    let what = name(&document.scope);
    state_store::change(client, &document.key, &what, async |now: GroupDocument| {
        let continues = now.run == document.run && now.state != RunState::Ended;
        let ended = GroupDocument { state: RunState::Ended, ..now };
        Ok::<_, CoordinationError>(continues.then_some(ended))
    })
    .await
    .map(drop)
}

/// Records that a group's indices are being filled from now on, also when its run had failed and is
/// tried again. Fails if another migration fills one of them: both write before either reads, so
/// at least one sees the other.
pub async fn fill(client: &Client, scope: &Scope) -> Result<(), CoordinationError> {
    let key = GroupDocument::key(scope);
    let mut before = None;
    let written = state_store::change(client, &key, &name(scope), async |now: GroupDocument| {
        now.check_not_superseded()?;
        let filling = GroupDocument { state: RunState::Filling, abandoned: None, ..now.clone() };
        before = Some(now);
        Ok::<_, CoordinationError>(Some(filling))
    })
    .await?;
    let (Some(document), Some(version)) = (before, written) else { return Ok(()) };
    let items = ownership::items(client).await?;
    let conflicts = ownership::conflicts(&document, &all(client).await?, &items);
    if conflicts.is_empty() {
        return Ok(());
    }
    // A process that wrote meanwhile knows better what became of it.
    state_store::replace(client, &key, version, &document).await?;
    Err(CoordinationError::Conflicts(conflicts))
}

/// Records why no worker continues with a group, for those who wait for the work: a fleet that
/// failed writes nothing, and one that a person has paused writes nothing either. [`fill`] removes
/// the reason.
pub async fn abandon(
    client: &Client,
    scope: &Scope,
    reason: &str,
) -> Result<(), CoordinationError> {
    let key = GroupDocument::key(scope);
    state_store::change(client, &key, &name(scope), async |now: GroupDocument| {
        now.check_not_superseded()?;
        let abandoned = Some(reason.to_owned());
        Ok::<_, CoordinationError>(Some(GroupDocument { abandoned, ..now }))
    })
    .await
    .map(drop)
}

fn name(scope: &Scope) -> String {
    format!("the decision on group `{}`", scope.group)
}

/// Reads all decisions on the target, those of earlier runs and other migrations too.
pub async fn all(client: &Client) -> Result<Vec<GroupDocument>, CoordinationError> {
    if !state_store::exists(client).await? {
        return Ok(Vec::new());
    }
    state_store::refresh(client).await?;
    Ok(stored(client).await?.into_iter().map(|stored| stored.document).collect())
}

/// Reads all decisions with their versions; the index must be there, and refreshed.
pub(crate) async fn stored(
    client: &Client,
) -> Result<Vec<Stored<GroupDocument>>, CoordinationError> {
    Ok(state_store::all(client, &[("kind", GroupDocument::KIND)]).await?)
}

/// Reads the decisions of a migration for a repository, of whatever snapshot and run.
pub async fn of_migration(
    client: &Client,
    repository: &RepositoryUri,
    migration: &MigrationName,
) -> Result<Vec<GroupDocument>, CoordinationError> {
    let mut documents = all(client).await?;
    documents.retain(|document| {
        document.repository == *repository && document.scope.migration == *migration
    });
    Ok(documents)
}

/// The decision on a group, as the record of the run that its fleet works for.
#[derive(Clone, Debug)]
pub struct GroupRecord {
    /// The cluster with the state.
    pub client: Client,
    /// The migration, the group and the snapshot.
    pub scope: Scope,
}

impl RunRecord for GroupRecord {
    async fn status(&self) -> Result<Option<RunStatus>, Failure> {
        let document = read(&self.client, &self.scope).await?;
        Ok(document.map(|document| RunStatus {
            has_ended: document.state == RunState::Ended,
            abandoned: document.abandoned,
        }))
    }

    async fn resume(&self) -> Result<(), Failure> {
        Ok(fill(&self.client, &self.scope).await?)
    }

    async fn abandon(&self, reason: &str) -> Result<(), Failure> {
        Ok(abandon(&self.client, &self.scope, reason).await?)
    }
}
