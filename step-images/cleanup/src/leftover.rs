//! Which runs took a snapshot and failed before anything was decided on the target?
//!
//! Nothing else tells a later cleanup of their snapshots: what is deleted is never guessed from a
//! name, since a snapshot of that kind may be one that a run under way has just taken. So a
//! partial cleanup leaves a note in the working state, and a complete one takes it away.

use cluster::Client;
use coordination::working_state::{self, Stored, key_of};
use serde::{Deserialize, Serialize};

/// The value of `kind`.
const KIND: &str = "run";

/// The note of a run that failed early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedRun {
    kind: String,
    key: String,
    pub(crate) run: String,
    migration: String,
    repository: String,
}

impl FailedRun {
    fn new(run: &str, migration: &str, repository: &str) -> Self {
        Self {
            kind: KIND.to_owned(),
            key: key_of(&[KIND, run, migration]),
            run: run.to_owned(),
            migration: migration.to_owned(),
            repository: repository.to_owned(),
        }
    }
}

/// Notes that a run failed early.
pub(crate) async fn note(
    client: &Client,
    run: &str,
    migration: &str,
    repository: &str,
) -> anyhow::Result<()> {
    working_state::ensure(client).await?;
    let note = FailedRun::new(run, migration, repository);
    working_state::put(client, &note.key, &note).await
}

/// Reads the notes of a migration.
pub(crate) async fn of_migration(
    client: &Client,
    migration: &str,
    repository: &str,
) -> anyhow::Result<Vec<Stored<FailedRun>>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    let filter = [("kind", KIND), ("migration", migration), ("repository", repository)];
    working_state::all(client, &filter).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_has_the_fields_by_which_it_is_found() {
        let note = FailedRun::new("run-1", "legacy-new", "file:///r");
        let written = serde_json::to_value(&note).expect("JSON");
        let expected = json!({
            "kind": "run",
            "key": note.key,
            "run": "run-1",
            "migration": "legacy-new",
            "repository": "file:///r",
        });
        assert_eq!(written, expected);
        assert_ne!(note.key, FailedRun::new("run-1", "archive-new", "file:///r").key);
    }
}
