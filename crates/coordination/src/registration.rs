//! How is the registration of a group read and written?

use cluster::Client;
use contract::{Failure, MigrationName, RepositoryUri};
use fleet::{FleetRecord, FleetState};
use state_store::{Mapping, Scope, StateDocument as _, Stored};

use crate::{
    CoordinationError,
    group::{GroupDocument, GroupState},
    ownership,
};

/// Creates the index of the state if it is missing.
pub async fn ensure_index(client: &Client) -> Result<(), CoordinationError> {
    Ok(state_store::ensure(client, &Mapping::of::<GroupDocument>()).await?)
}

/// Reads the registration of a group of a snapshot.
pub async fn read(
    client: &Client,
    scope: &Scope,
) -> Result<Option<GroupDocument>, CoordinationError> {
    let stored = state_store::get(client, &GroupDocument::key(scope)).await?;
    Ok(stored.map(|stored: Stored<GroupDocument>| stored.document))
}

/// Registers a group; replaces what an earlier run registered.
pub async fn write(client: &Client, document: &GroupDocument) -> Result<(), CoordinationError> {
    Ok(state_store::put(client, &document.key, document).await?)
}

/// Records that the run that registered a group has ended without success, unless another one has
/// registered it since `document` was read.
pub async fn end(client: &Client, document: &GroupDocument) -> Result<(), CoordinationError> {
    let what = name(&document.scope);
    state_store::change(client, &document.key, &what, async |now: GroupDocument| {
        let continues = now.run == document.run && now.state != GroupState::Ended;
        let ended = GroupDocument { state: GroupState::Ended, ..now };
        Ok::<_, CoordinationError>(continues.then_some(ended))
    })
    .await
    .map(drop)
}

/// Records that a group's indices are being filled from now on, also when its run had failed and is
/// tried again. Fails if another migration fills one of them: both write before either reads, so
/// at least one sees the other.
pub async fn start_filling(client: &Client, scope: &Scope) -> Result<(), CoordinationError> {
    let key = GroupDocument::key(scope);
    let mut before = None;
    let written = state_store::change(client, &key, &name(scope), async |now: GroupDocument| {
        now.check_not_taken_over()?;
        let filling = GroupDocument { state: GroupState::Filling, gave_up: None, ..now.clone() };
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
    // If another process wrote meanwhile, what it wrote stays.
    state_store::replace(client, &key, version, &document).await?;
    Err(CoordinationError::Conflicts(conflicts))
}

/// Records why the fleet of a group gave up, for the step that waits for it: a fleet that failed
/// writes nothing, and one that a person has paused writes nothing either. [`start_filling`] removes
/// the reason.
pub async fn give_up(
    client: &Client,
    scope: &Scope,
    reason: &str,
) -> Result<(), CoordinationError> {
    let key = GroupDocument::key(scope);
    state_store::change(client, &key, &name(scope), async |now: GroupDocument| {
        now.check_not_taken_over()?;
        let gave_up = Some(reason.to_owned());
        Ok::<_, CoordinationError>(Some(GroupDocument { gave_up, ..now }))
    })
    .await
    .map(drop)
}

fn name(scope: &Scope) -> String {
    format!("the registration of group `{}`", scope.group)
}

/// Reads all registrations on the target, those of earlier runs and other migrations too.
pub async fn all(client: &Client) -> Result<Vec<GroupDocument>, CoordinationError> {
    if !state_store::exists(client).await? {
        return Ok(Vec::new());
    }
    state_store::refresh(client).await?;
    Ok(stored(client).await?.into_iter().map(|stored| stored.document).collect())
}

/// Reads all registrations with their versions; the index must be there, and refreshed.
pub(crate) async fn stored(
    client: &Client,
) -> Result<Vec<Stored<GroupDocument>>, CoordinationError> {
    Ok(state_store::all(client, &[("kind", GroupDocument::KIND)]).await?)
}

/// Reads the registrations of a migration for a repository, of whatever snapshot and run.
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

/// The registration of a group, as the record of its fleet.
#[derive(Clone, Debug)]
pub struct GroupRecord {
    /// The cluster with the state.
    pub client: Client,
    /// The migration, the group and the snapshot.
    pub scope: Scope,
}

impl FleetRecord for GroupRecord {
    async fn read(&self) -> Result<Option<FleetState>, Failure> {
        let document = read(&self.client, &self.scope).await?;
        Ok(document.map(|document| FleetState {
            run_has_ended: document.state == GroupState::Ended,
            gave_up: document.gave_up,
        }))
    }

    async fn resume(&self) -> Result<(), Failure> {
        Ok(start_filling(&self.client, &self.scope).await?)
    }

    async fn give_up(&self, reason: &str) -> Result<(), Failure> {
        Ok(give_up(&self.client, &self.scope, reason).await?)
    }
}
