//! What does a group mean in this snapshot, decided once and read by every later step?
//!
//! ```text
//!   register            prepare              all items ended, or cleanup after a failure
//!   UnderWay ---------> Filling ----------------------------> Ended
//!      |                   |                                    ^
//!      +-------------------+-- superseded by another run -------+
//! ```
//!
//! To announce an index is not to own it: between the register step and prepare a person may think
//! for days, or the run may be gone. Whoever begins to fill it first owns it ([`fill`]).

use cluster::Client;
use contract::{ExistingIndices, Exit, Failure, Group};
use serde::{Deserialize, Serialize};

use crate::{
    earlier,
    working_state::{self, Stored, key_of},
};

/// The value of `kind`.
const KIND: &str = "group";

/// Whether the run that decided goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// It has announced what it will migrate.
    UnderWay,
    /// It has begun to fill the indices.
    Filling,
    /// It has failed, and a partial cleanup has said so; or another run took its place.
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
    /// Which run took its place, in words; then it must not go on, not even when tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<String>,
    /// Why nobody works on it any more, although not all is done ([`abandon`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned: Option<String>,
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
            superseded: None,
            abandoned: None,
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

    /// Fails if another run took the place of the one that decided.
    pub fn still_stands(&self) -> Result<(), Failure> {
        let Some(by) = &self.superseded else { return Ok(()) };
        let Self { group, run, .. } = self;
        let message = format!(
            "group `{group}` of run `{run}` must not go on: {by}; to have this one instead, stop \
             that one and submit this again"
        );
        Err(Failure::new(Exit::Conflict, message))
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

/// Records what was decided, in the place of what an earlier run decided.
pub async fn write(client: &Client, document: &GroupDocument) -> anyhow::Result<()> {
    working_state::put(client, &document.key, document).await
}

/// Notes that the run that decided has ended without success, unless another one has decided anew
/// since `document` was read.
pub async fn end(client: &Client, document: &GroupDocument) -> anyhow::Result<()> {
    working_state::change(
        client,
        &document.key,
        &in_words(&document.group),
        |now: GroupDocument| {
            let goes_on = now.run == document.run && now.state != RunState::Ended;
            Ok(goes_on.then_some(GroupDocument { state: RunState::Ended, ..now }))
        },
    )
    .await
    .map(drop)
}

/// Notes that a group's indices are being filled from now on, also when its run had failed and is
/// tried again. Fails if another migration fills one of them: both write before either looks, so
/// at least one sees the other.
pub async fn fill(
    client: &Client,
    snapshot: &str,
    migration: &str,
    group: &str,
) -> anyhow::Result<()> {
    let key = GroupDocument::key(snapshot, migration, group);
    let mut before = None;
    let written = working_state::change(client, &key, &in_words(group), |now: GroupDocument| {
        now.still_stands()?;
        let filling = GroupDocument { state: RunState::Filling, abandoned: None, ..now.clone() };
        before = Some(now);
        Ok(Some(filling))
    })
    .await?;
    let (Some(document), Some(version)) = (before, written) else { return Ok(()) };
    let conflicts =
        earlier::conflicts(&document, &all(client).await?, &earlier::work(client).await?);
    if conflicts.is_empty() {
        return Ok(());
    }
    // Whoever wrote meanwhile knows better what became of it.
    working_state::replace(client, &key, version, &document).await?;
    Err(Failure::new(Exit::Failed, conflicts.join("\n")).into())
}

/// Notes why nobody works on a group any more, for those who wait for the work: a fleet that failed
/// writes nothing, and one that a person has paused writes nothing either. [`fill`] takes the note
/// away.
pub async fn abandon(
    client: &Client,
    snapshot: &str,
    migration: &str,
    group: &str,
    reason: &str,
) -> anyhow::Result<()> {
    let key = GroupDocument::key(snapshot, migration, group);
    working_state::change(client, &key, &in_words(group), |now: GroupDocument| {
        now.still_stands()?;
        Ok(Some(GroupDocument { abandoned: Some(reason.to_owned()), ..now }))
    })
    .await
    .map(drop)
}

fn in_words(group: &str) -> String {
    format!("the decision on group `{group}`")
}

/// Reads all decisions on the target, those of earlier runs and other migrations too.
pub async fn all(client: &Client) -> anyhow::Result<Vec<GroupDocument>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    Ok(stored(client).await?.into_iter().map(|stored| stored.document).collect())
}

/// Reads all decisions with their versions; the index must be there, and refreshed.
pub(crate) async fn stored(client: &Client) -> anyhow::Result<Vec<Stored<GroupDocument>>> {
    working_state::all(client, &[("kind", KIND)]).await
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
