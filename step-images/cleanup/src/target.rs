//! What is cleaned on the target: settings that were tuned, and the state of the migration.
//!
//! The state is also the only record of what is to be removed from the source, so it goes last:
//! first it is looked through ([`look`]), then the source is cleaned, then it is removed.

use cluster::{Client, RetryPolicy, indices};
use contract::{
    Failure,
    cleanup::{CleanupMode, CleanupRequest},
};
use coordination::{
    decision::{self, GroupDocument, RunState},
    working_state::{self, Stored},
};
use rfs_step::{FAILED_DOCUMENTS_INDEX, state::Scope, tuning};
use serde_json::Value;
use step::Context;

use crate::{
    Done,
    leftover::{self, FailedRun},
    source,
};

/// The state that is to be removed when all else is done.
pub(crate) struct Removable {
    client: Client,
    groups: Vec<(String, Vec<Stored<Value>>)>,
    notes: Vec<Stored<FailedRun>>,
}

/// Restores what was tuned and finds out which runs there were. Of a failed migration, all state
/// stays.
pub(crate) async fn look(
    request: &CleanupRequest,
    context: &Context,
    done: &mut Done,
) -> anyhow::Result<Removable> {
    let CleanupRequest { mode, migration, target, snapshot, .. } = request;
    let client = context.target(target)?;
    let client = match mode {
        CleanupMode::Complete => client,
        // The run has failed; perhaps because this cluster cannot be reached.
        CleanupMode::Partial => client.with_retry_policy(RetryPolicy::BRIEF),
    };
    let mut kept = 0;
    let run = context.run.as_str();
    let repository = &snapshot.repository.uri.to_string();
    let decisions = decision::of_migration(&client, repository, migration).await?;
    let registered = decisions.iter().any(|decided| decided.run == run);
    let mut groups = Vec::new();
    for decided in decisions {
        let GroupDocument { group, snapshot, .. } = &decided;
        let scope = working_state::scope(&client, snapshot, migration, group).await?;
        if is_under_way(&decided, &scope, run) {
            done.actions.push(left(&decided));
            done.left.push(decided.run);
            continue;
        }
        let restored = tuning::restore(&client, Scope { snapshot, migration, group }).await?;
        done.actions.extend(restored);
        match mode {
            CleanupMode::Partial => {
                kept += items(&scope).count();
                decision::end(&client, &decided).await?;
            }
            CleanupMode::Complete => {
                done.also(&decided.run);
                groups.push((decided.group, scope));
            }
        }
    }
    let mut notes = Vec::new();
    match mode {
        CleanupMode::Partial => {
            // A run that wrote nothing leaves nothing: no note without a snapshot.
            let taken = snapshot.is_created() && source::stands(snapshot, context).await;
            if taken && !registered {
                leftover::note(&client, run, migration, repository).await?;
            }
        }
        CleanupMode::Complete => {
            notes = leftover::of_migration(&client, migration, repository).await?;
            for note in &notes {
                done.also(&note.document.run);
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
    Ok(Removable { client, groups, notes })
}

/// Logs and removes the state that was found.
pub(crate) async fn remove(found: Removable, done: &mut Done) -> anyhow::Result<()> {
    let Removable { client, groups, notes } = found;
    for (group, scope) in groups {
        archive(&scope);
        done.actions.push(removal(&group, &scope));
        // The decision goes last: by it, what is left is found when this is started again.
        let (decision, others): (Vec<_>, Vec<_>) =
            scope.into_iter().partition(|stored| kind(&stored.document) == Some("group"));
        working_state::remove(&client, &others).await?;
        working_state::remove(&client, &decision).await?;
    }
    working_state::remove(&client, &notes).await?;
    working_state::remove_if_empty(&client).await?;
    // While nobody keeps any state, nobody is about to write a failed document.
    if !working_state::exists(&client).await? {
        remove_if_empty(&client, FAILED_DOCUMENTS_INDEX, done).await?;
    }
    Ok(())
}

async fn remove_if_empty(client: &Client, index: &str, done: &mut Done) -> anyhow::Result<()> {
    if !indices::exists(client, index).await.map_err(Failure::from)? {
        return Ok(());
    }
    let documents = coordination::count::visible(client, index).await?;
    if documents == 0 && indices::delete(client, index).await.map_err(Failure::from)? {
        done.actions.push(format!("removed the empty index `{index}`"));
    }
    Ok(())
}

/// Returns whether another run of the same migration may still use this state. A run that failed
/// has said so in its partial cleanup, and one whose items have all ended needs them no more.
fn is_under_way(decided: &GroupDocument, scope: &[Stored<Value>], run: &str) -> bool {
    if decided.run == run || decided.state == RunState::Ended {
        return false;
    }
    let mut states = items(scope).map(|item| item.get("state").and_then(Value::as_str)).peekable();
    states.peek().is_none() || states.any(|state| state == Some("open"))
}

fn left(decided: &GroupDocument) -> String {
    let GroupDocument { group, run, .. } = decided;
    format!(
        "left the state of group `{group}` of run `{run}` and its snapshot: that run may be under \
         way; if it was killed, they are removed when this migration is submitted again and succeeds"
    )
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
    use contract::ExistingIndices;
    use serde_json::json;

    use super::*;

    fn decided(run: &str, state: RunState) -> GroupDocument {
        GroupDocument {
            kind: "group".to_owned(),
            key: String::new(),
            run: run.to_owned(),
            state,
            superseded: None,
            abandoned: None,
            migration: "legacy-new".to_owned(),
            group: "group-1".to_owned(),
            snapshot: "uuid".to_owned(),
            repository: "file:///r".to_owned(),
            patterns: Vec::new(),
            existing: ExistingIndices::Refuse,
            indices: Vec::new(),
            skipped: Vec::new(),
        }
    }

    fn stored(document: Value) -> Stored<Value> {
        Stored {
            key: String::new(),
            version: working_state::Version { sequence_number: 0, primary_term: 1 },
            document,
        }
    }

    #[test]
    fn the_state_of_a_run_that_may_go_on_is_left_alone() {
        let item = |state: &str| json!({ "kind": "item", "state": state });
        let group = || json!({ "kind": "group", "state": "underWay" });
        let (under_way, ended) = (RunState::UnderWay, RunState::Ended);
        let table = [
            ("ours", under_way, vec![group(), item("open")], false),
            ("ours", under_way, vec![group()], false),
            ("earlier", ended, vec![group(), item("open")], false),
            ("earlier", ended, vec![group()], false),
            ("earlier", under_way, vec![group(), item("done"), item("failed")], false),
            ("earlier", under_way, vec![group(), item("done"), item("open")], true),
            ("earlier", under_way, vec![group()], true),
        ];
        for (run, state, documents, expected) in table {
            let told = format!("{run} {state:?} {documents:?}");
            let scope: Vec<_> = documents.into_iter().map(stored).collect();
            assert_eq!(is_under_way(&decided(run, state), &scope, "ours"), expected, "{told}");
        }
    }

    #[test]
    fn what_was_removed_is_summed_up() {
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
