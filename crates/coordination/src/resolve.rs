//! Which snapshot and which indices does a request mean? The same answer for every step.

use std::collections::BTreeMap;

use cluster::Client;
use contract::{
    Group, GroupName, MigrationName, RunId, SnapshotSource, SnapshotState, SnapshotUuid,
};
use snapshot_repo::{Location, Repository, RepositoryError, Snapshot, SnapshotIndex};
use state_store::{Origin, Scope};

use crate::{CoordinationError, group::GroupIndex, registration};

/// What to do about a snapshot that does not hold all of its shards.
const INCOMPLETE_ADVICE: &str =
    "take a new snapshot once all shards are assigned, or name another one";

/// A snapshot that can be read.
#[derive(Clone, Debug)]
pub struct OpenSnapshot {
    /// Its repository.
    pub repository: Repository,
    /// The snapshot.
    pub snapshot: Snapshot,
}

impl OpenSnapshot {
    /// Returns the part of the state that is about a group of a migration from this snapshot.
    pub fn scope(&self, migration: &MigrationName, group: &Group) -> Scope {
        Scope {
            migration: migration.clone(),
            group: group.name.clone(),
            origin: Origin::Snapshot(SnapshotUuid::new(&self.snapshot.uuid)),
        }
    }
}

/// The indices of a group, as the register step recorded them.
#[derive(Clone, Debug)]
pub struct ResolvedGroup {
    /// The group's name.
    pub name: GroupName,
    /// The indices to migrate.
    pub indices: Vec<ResolvedIndex>,
    /// The indices that are on the target already and stay as they are.
    pub skipped: Vec<String>,
}

/// An index to migrate.
#[derive(Clone, Debug)]
pub struct ResolvedIndex {
    /// The index in the snapshot.
    pub index: SnapshotIndex,
    /// It held other documents on the target when the migration began.
    pub existed: bool,
    /// How many documents it held on the target at the register step.
    pub documents: u64,
}

/// Opens the snapshot of a request; refuses an incomplete one.
pub async fn open(
    source: &SnapshotSource,
    run: &RunId,
    storage: &BTreeMap<String, String>,
) -> Result<OpenSnapshot, CoordinationError> {
    let name = source.snapshot_name(run);
    let repository = open_repository(source, storage)?;
    let snapshot = repository
        .snapshot(name.as_str())
        .await
        .map_err(|error| CoordinationError::Snapshot { name, source: Box::new(error) })?;
    if snapshot.state != SnapshotState::Success {
        let message = snapshot.incomplete(INCOMPLETE_ADVICE).to_string();
        return Err(CoordinationError::Incomplete(message));
    }
    Ok(OpenSnapshot { repository, snapshot })
}

/// Opens the repository of a request.
pub fn open_repository(
    source: &SnapshotSource,
    storage: &BTreeMap<String, String>,
) -> Result<Repository, RepositoryError> {
    let contract::Repository { uri, region, endpoint, role_arn: _ } = &source.repository;
    let location = Location {
        uri: uri.clone(),
        region: region.clone(),
        endpoint: endpoint.clone(),
        options: storage.clone(),
    };
    Repository::open(&location)
}

/// Reads what the register step recorded for a group.
pub async fn group(
    client: &Client,
    opened: &OpenSnapshot,
    migration: &MigrationName,
    group: &Group,
) -> Result<ResolvedGroup, CoordinationError> {
    let snapshot = &opened.snapshot;
    let registered = registration::read(client, &opened.scope(migration, group)).await?;
    let Some(registered) = registered.filter(|registered| registered.fits(group)) else {
        return Err(CoordinationError::NotRegistered {
            group: group.name.clone(),
            snapshot: snapshot.name.clone(),
        });
    };
    registered.check_not_taken_over()?;
    let mut indices = Vec::with_capacity(registered.indices.len());
    for GroupIndex { name, existed, documents } in registered.indices {
        let Some(index) = snapshot.index(&name).cloned() else {
            let snapshot = snapshot.name.clone();
            return Err(CoordinationError::IndexGone { snapshot, index: name });
        };
        indices.push(ResolvedIndex { index, existed, documents });
    }
    Ok(ResolvedGroup { name: group.name.clone(), indices, skipped: registered.skipped })
}
