//! Which snapshot and which indices does a request mean? The same answer for every step.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::Client;
use contract::{Exit, Failure, Group, RunId, SnapshotSource, SnapshotState};
use snapshot_repo::{Location, Repository, RepositoryError, Snapshot, SnapshotIndex};

use crate::{decision, faults};

/// What to do about a snapshot that does not hold all of its shards.
const INCOMPLETE_ADVICE: &str =
    "take a new snapshot once all shards are assigned, or name another one";

/// A snapshot that can be read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its repository.
    pub repository: Repository,
    /// The snapshot.
    pub snapshot: Snapshot,
}

/// What a group means, as the register step decided.
#[derive(Clone, Debug)]
pub struct ResolvedGroup {
    /// The group's name.
    pub name: String,
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
    /// It held documents of others on the target when the migration began.
    pub existed: bool,
    /// How many documents it held on the target when the register step looked.
    pub documents: u64,
}

/// Opens the snapshot of a request; refuses one that is not whole.
pub async fn open(
    source: &SnapshotSource,
    run: &RunId,
    storage: &BTreeMap<String, String>,
) -> anyhow::Result<Opened> {
    let name = source.snapshot_name(run);
    let repository = open_repository(source, storage).map_err(Failure::from)?;
    let snapshot = repository
        .snapshot(&name)
        .await
        .map_err(faults::of_repository)
        .with_context(|| format!("reading snapshot `{name}`"))?;
    if snapshot.state != SnapshotState::Success {
        return Err(
            Failure::new(Exit::Failed, snapshot.incomplete(INCOMPLETE_ADVICE).to_string()).into()
        );
    }
    Ok(Opened { repository, snapshot })
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

/// Reads what the register step decided for a group.
pub async fn group(
    client: &Client,
    opened: &Opened,
    migration: &str,
    group: &Group,
) -> anyhow::Result<ResolvedGroup> {
    let snapshot = &opened.snapshot;
    let decided = decision::read(client, &snapshot.uuid, migration, &group.name)
        .await?
        .filter(|decided| decided.still_fits(group));
    let Some(decided) = decided else {
        let message = format!(
            "group `{}` is not registered for snapshot `{}` with these patterns; run the register \
             step first",
            group.name, snapshot.name
        );
        return Err(Failure::new(Exit::NotFound, message).into());
    };
    decided.still_stands()?;
    let mut indices = Vec::with_capacity(decided.indices.len());
    for decision::DecidedIndex { name, existed, documents } in decided.indices {
        let index = snapshot.index(&name).cloned().with_context(|| {
            format!(
                "snapshot `{}` has no index `{name}` any more; register it again",
                snapshot.name
            )
        })?;
        indices.push(ResolvedIndex { index, existed, documents });
    }
    Ok(ResolvedGroup { name: decided.group, indices, skipped: decided.skipped })
}
