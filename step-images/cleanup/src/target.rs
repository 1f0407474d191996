//! What is cleaned on the target: settings that were tuned, and the state of the migration.

use cluster::{Client, Patience};
use register_step::{
    decision::{self, GroupDocument},
    working_state::{self, Stored},
};
use serde_json::Value;
use step_api::{
    Context, Failure,
    cleanup::{CleanupMode, CleanupRequest},
};

use crate::Done;

/// Restores what was tuned and, in a complete cleanup, logs and removes the state.
pub(crate) async fn clean(
    request: &CleanupRequest,
    context: &Context,
    done: &mut Done,
) -> anyhow::Result<()> {
    let CleanupRequest { mode, migration, target, snapshot, groups, .. } = request;
    let client = Client::new(target, &context.target, &context.storage).map_err(Failure::from)?;
    let client = match mode {
        CleanupMode::Complete => client,
        // The run has failed; perhaps because this cluster cannot be reached.
        CleanupMode::Partial => client.with_patience(Patience::LOOKING),
    };
    let mut kept = 0;
    for group in groups {
        let uri = &snapshot.repository.uri;
        for decided in decision::of_repository(&client, uri, &group.name).await? {
            let scope = working_state::scope(&client, &decided.snapshot, &group.name).await?;
            let documents = scope.iter().map(|stored| &stored.document);
            if !is_ours(&decided, documents, migration, context.run.as_str()) {
                continue;
            }
            let restored =
                rfs_step::tuning::restore(&client, &decided.snapshot, &group.name).await?;
            done.actions.extend(restored);
            match mode {
                CleanupMode::Partial => kept += items(&scope).count(),
                CleanupMode::Complete => {
                    archive(&scope);
                    done.actions.push(removal(&group.name, &scope));
                    working_state::remove(&client, &scope).await?;
                    done.also(&decided.run);
                }
            }
        }
    }
    if kept > 0 {
        done.actions.push(format!(
            "kept {kept} work items in `{}` on cluster `{}`: a second try goes on with them",
            working_state::INDEX,
            client.cluster()
        ));
    }
    Ok(())
}

/// Another migration may read the same repository in a group of the same name: its state is not
/// ours to touch. Work items say whose they are; without any, the run does.
fn is_ours<'a>(
    decided: &GroupDocument,
    documents: impl Iterator<Item = &'a Value>,
    migration: &str,
    run: &str,
) -> bool {
    let mut migrations = documents
        .filter(|document| kind(document) == Some("item"))
        .filter_map(|document| document.get("migration")?.as_str())
        .peekable();
    if migrations.peek().is_none() {
        return decided.run == run;
    }
    migrations.all(|name| name == migration)
}

fn kind(document: &Value) -> Option<&str> {
    document.get("kind")?.as_str()
}

fn items(scope: &[Stored<Value>]) -> impl Iterator<Item = &Value> {
    scope.iter().map(|stored| &stored.document).filter(|document| kind(document) == Some("item"))
}

/// Writes every document to the log, which outlives the index.
fn archive(scope: &[Stored<Value>]) {
    for Stored { key, document, version: _ } in scope {
        tracing::info!(key, "removed state: {document}");
    }
}

fn removal(group: &str, scope: &[Stored<Value>]) -> String {
    let sum = |field: &str| -> u64 {
        items(scope)
            .filter_map(|item| item.get("ledger")?.get(field)?.as_u64())
            .fold(0, u64::saturating_add)
    };
    format!(
        "removed the state of group `{group}`: {} work items, {} documents accepted, {} rejected",
        items(scope).count(),
        sum("accepted"),
        sum("rejected")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use step_api::register::ExistingIndices;

    use super::*;

    fn decided(run: &str) -> GroupDocument {
        GroupDocument {
            kind: "group".to_owned(),
            key: String::new(),
            run: run.to_owned(),
            group: "group-1".to_owned(),
            snapshot: "uuid".to_owned(),
            repository: "file:///r".to_owned(),
            patterns: Vec::new(),
            existing: ExistingIndices::Refuse,
            indices: Vec::new(),
            skipped: Vec::new(),
        }
    }

    #[test]
    fn the_state_of_another_migration_is_left_alone() {
        let item = |migration: &str| json!({ "kind": "item", "migration": migration });
        let ours = |documents: &[Value], run: &str| {
            is_ours(&decided(run), documents.iter(), "legacy-new", "run-2")
        };
        assert!(ours(&[item("legacy-new")], "run-1"), "an earlier run of this migration");
        assert!(!ours(&[item("archive-new")], "run-1"));
        assert!(!ours(&[item("legacy-new"), item("archive-new")], "run-2"));
        assert!(ours(&[json!({ "kind": "group" })], "run-2"));
        assert!(!ours(&[json!({ "kind": "group" })], "run-1"));
    }

    #[test]
    fn what_was_removed_is_summed_up() {
        let stored = |document: Value| Stored {
            key: String::new(),
            version: working_state::Version { sequence_number: 0, primary_term: 1 },
            document,
        };
        let scope = [
            stored(json!({ "kind": "group" })),
            stored(json!({ "kind": "item", "ledger": { "accepted": 3, "rejected": 1 } })),
            stored(json!({ "kind": "item", "ledger": { "accepted": 4 } })),
        ];
        assert_eq!(
            removal("g", &scope),
            "removed the state of group `g`: 2 work items, 7 documents accepted, 1 rejected"
        );
    }
}
