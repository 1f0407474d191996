//! What does a group mean in this snapshot, decided once and read by every later step?

use cluster::Client;
use serde::{Deserialize, Serialize};
use step_api::register::{ExistingIndices, Group};

use crate::working_state::{self, Stored, key_of};

/// The value of `kind`.
const KIND: &str = "group";

/// Whether the run that decided goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// As far as is known.
    UnderWay,
    /// It has failed, and a partial cleanup has said so.
    Ended,
}

/// The document that says what a group means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupDocument {
    /// `group`.
    pub kind: String,
    /// Its id.
    pub key: String,
    /// The run that decided last.
    pub run: String,
    /// Whether that run goes on.
    pub state: RunState,
    /// The migration's name.
    pub migration: String,
    /// The group's name.
    pub group: String,
    /// The snapshot's uuid.
    pub snapshot: String,
    /// The repository's URI.
    pub repository: String,
    /// The group's patterns when it was decided.
    pub patterns: Vec<String>,
    /// What was asked for indices that exist.
    pub existing: ExistingIndices,
    /// The indices to migrate.
    pub indices: Vec<DecidedIndex>,
    /// The indices that stay as they are.
    pub skipped: Vec<String>,
}

/// An index to migrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecidedIndex {
    /// Its name.
    pub name: String,
    /// It held documents of others when the migration began.
    pub existed: bool,
    /// How many documents it held when this was decided, ours and those of others.
    pub documents: u64,
}

/// Where a decision comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The run.
    pub run: &'a str,
    /// The migration's name.
    pub migration: &'a str,
    /// The snapshot's uuid.
    pub snapshot: &'a str,
    /// The repository's URI.
    pub repository: &'a str,
}

impl GroupDocument {
    /// Makes the document of a group.
    pub fn new(
        origin: Origin<'_>,
        group: &Group,
        indices: Vec<DecidedIndex>,
        skipped: Vec<String>,
    ) -> Self {
        Self {
            kind: KIND.to_owned(),
            key: Self::key(origin.snapshot, origin.migration, &group.name),
            run: origin.run.to_owned(),
            state: RunState::UnderWay,
            migration: origin.migration.to_owned(),
            group: group.name.clone(),
            snapshot: origin.snapshot.to_owned(),
            repository: origin.repository.to_owned(),
            patterns: group.indices.patterns().iter().map(ToString::to_string).collect(),
            existing: group.existing_indices,
            indices,
            skipped,
        }
    }

    fn key(snapshot: &str, migration: &str, group: &str) -> String {
        key_of(&[KIND, snapshot, migration, group])
    }

    /// Returns whether the group asks now for what it asked when this was decided.
    pub fn still_fits(&self, group: &Group) -> bool {
        self.existing == group.existing_indices
            && self.patterns.iter().eq(group
                .indices
                .patterns()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .iter())
    }
}

/// Reads what was decided for a group of a snapshot.
pub async fn read(
    client: &Client,
    snapshot: &str,
    migration: &str,
    group: &str,
) -> anyhow::Result<Option<GroupDocument>> {
    let stored =
        working_state::get(client, &GroupDocument::key(snapshot, migration, group)).await?;
    Ok(stored.map(|stored: Stored<GroupDocument>| stored.document))
}

/// Records what was decided.
pub async fn write(client: &Client, document: &GroupDocument) -> anyhow::Result<()> {
    working_state::put(client, &document.key, document).await
}

/// Notes that the run that decided has ended without success.
pub async fn end(client: &Client, document: &GroupDocument) -> anyhow::Result<()> {
    write(client, &GroupDocument { state: RunState::Ended, ..document.clone() }).await
}

/// Notes that a run goes on that had ended: it is tried again.
pub async fn resume(
    client: &Client,
    snapshot: &str,
    migration: &str,
    group: &str,
) -> anyhow::Result<()> {
    match read(client, snapshot, migration, group).await? {
        Some(ended) if ended.state == RunState::Ended => {
            write(client, &GroupDocument { state: RunState::UnderWay, ..ended }).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads all decisions on the target, those of earlier runs and other migrations too.
pub async fn all(client: &Client) -> anyhow::Result<Vec<GroupDocument>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    let stored = working_state::all::<GroupDocument>(client, &[("kind", KIND)]).await?;
    Ok(stored.into_iter().map(|stored| stored.document).collect())
}

/// Reads the decisions of a migration for a repository, of whatever snapshot and run.
pub async fn of_migration(
    client: &Client,
    repository: &str,
    migration: &str,
) -> anyhow::Result<Vec<GroupDocument>> {
    let mut documents = all(client).await?;
    documents
        .retain(|document| document.repository == repository && document.migration == migration);
    Ok(documents)
}
