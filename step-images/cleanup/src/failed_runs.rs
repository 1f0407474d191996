//! Which runs took a snapshot and failed before anything was registered on the target?
//!
//! A later cleanup learns of their snapshots in no other way: what is deleted is never guessed from a
//! name, because a snapshot of that kind may be one that a run in progress has just taken. So a
//! partial cleanup leaves a note in the state, and a complete one removes it.

use cluster::Client;
use contract::{MigrationName, RepositoryUri, RunId};
use serde::{Deserialize, Serialize};
use state_store::{Mapping, StateDocument, StoreError, Stored, key_of};

/// The note of a run that failed early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedRun {
    kind: String,
    key: String,
    pub(crate) run: RunId,
    migration: MigrationName,
    repository: RepositoryUri,
}

impl FailedRun {
    fn new(run: &RunId, migration: &MigrationName, repository: &RepositoryUri) -> Self {
        Self {
            kind: Self::KIND.to_owned(),
            key: key_of(&[Self::KIND, run.as_str(), migration.as_str()]),
            run: run.clone(),
            migration: migration.clone(),
            repository: repository.clone(),
        }
    }
}

impl StateDocument for FailedRun {
    const KIND: &'static str = "run";

    fn mapping() -> Mapping {
        Mapping::default().keywords(&["run", "migration", "repository"])
    }
}

/// Notes that a run failed early.
pub(crate) async fn note(
    client: &Client,
    run: &RunId,
    migration: &MigrationName,
    repository: &RepositoryUri,
) -> Result<(), StoreError> {
    state_store::ensure(client, &Mapping::of::<FailedRun>()).await?;
    let note = FailedRun::new(run, migration, repository);
    state_store::put(client, &note.key, &note).await
}

/// Reads the notes of a migration.
pub(crate) async fn of_migration(
    client: &Client,
    migration: &MigrationName,
    repository: &RepositoryUri,
) -> Result<Vec<Stored<FailedRun>>, StoreError> {
    if !state_store::exists(client).await? {
        return Ok(Vec::new());
    }
    state_store::refresh(client).await?;
    let filter = [("kind", FailedRun::KIND), ("migration", migration.as_str())];
    let mut notes: Vec<Stored<FailedRun>> = state_store::all(client, &filter).await?;
    notes.retain(|note| note.document.repository == *repository);
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_is_written_as_an_earlier_version_writes_it() {
        let repository: RepositoryUri = "file:///r".parse().expect("a URI");
        let note = |migration: &str| {
            FailedRun::new(&RunId::new("run-1"), &MigrationName::new(migration), &repository)
        };
        let old = note("legacy-new");
        let written = serde_json::to_value(&old).expect("JSON");
        let expected = json!({
            "kind": "run",
            "key": key_of(&["run", "run-1", "legacy-new"]),
            "run": "run-1",
            "migration": "legacy-new",
            "repository": "file:///r",
        });
        assert_eq!(written, expected);
        assert_ne!(old.key, note("archive-new").key);
    }
}
