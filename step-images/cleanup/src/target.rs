//! What is cleaned on the target: settings that were tuned, and the state of the migration.
//!
//! The state is also the only record of what is to be removed from the source, so it goes last:
//! first it is read ([`read`]), then the source is cleaned, then it is removed.

use cluster::{Client, RetryPolicy, indices};
use contract::{
    Failure, RunId,
    cleanup::{CleanupMode, CleanupRequest},
};
use coordination::{
    group::{GroupDocument, GroupState},
    ownership::ItemEnvelope,
    registration,
};
use load::{FAILED_DOCUMENTS_INDEX, tuning};
use serde_json::Value;
use state_store::{Scope, StateDocument as _, Stored};
use step::Context;

use crate::{
    failed_runs::{self, FailedRun},
    report::CleanupReport,
    source,
};

/// The state that is to be removed when all else is done.
pub(crate) struct Removable {
    client: Client,
    groups: Vec<StoredGroup>,
    notes: Vec<Stored<FailedRun>>,
}

/// Everything that the state says about one group.
struct StoredGroup {
    scope: Scope,
    items: Vec<Stored<ItemEnvelope>>,
    /// The registration of the group.
    registration: Vec<Stored<GroupDocument>>,
    /// Every document, whatever its kind, for the log.
    documents: Vec<Stored<Value>>,
}

impl StoredGroup {
    async fn read(client: &Client, scope: &Scope) -> Result<Self, Failure> {
        let documents: Vec<Stored<Value>> = state_store::of_scope(client, scope).await?;
        let (mut items, mut registration) = (Vec::new(), Vec::new());
        if !documents.is_empty() {
            items = fleet::items::of_scope(client, scope).await?;
            registration = state_store::all(client, &scope.fields_of(GroupDocument::KIND)).await?;
        }
        Ok(Self { scope: scope.clone(), items, registration, documents })
    }

    fn items(&self) -> impl Iterator<Item = &ItemEnvelope> {
        self.items.iter().map(|stored| &stored.document)
    }
}

/// Restores what was tuned and finds out which runs there were. Of a failed migration, all state
/// stays.
pub(crate) async fn read(
    request: &CleanupRequest,
    context: &Context,
    report: &mut CleanupReport,
) -> Result<Removable, Failure> {
    let CleanupRequest { mode, migration, target, snapshot, .. } = request;
    let client = context.target(target)?;
    let client = match mode {
        CleanupMode::Complete => client,
        // The run has failed; perhaps because this cluster cannot be reached.
        CleanupMode::Partial => client.with_retry_policy(RetryPolicy::BRIEF),
    };
    let mut kept = 0;
    let repository = &snapshot.repository.uri;
    let registrations = registration::of_migration(&client, repository, migration).await?;
    let registered = registrations.iter().any(|document| document.run == context.run);
    let mut groups = Vec::new();
    for document in registrations {
        let state = StoredGroup::read(&client, &document.scope).await?;
        if may_continue(&document, &state.items, &context.run) {
            report.actions.push(left(&document));
            report.left.push(document.run);
            continue;
        }
        report.actions.extend(tuning::restore(&client, &document.scope).await?);
        match mode {
            CleanupMode::Partial => {
                kept += state.items.len();
                registration::end(&client, &document).await?;
            }
            CleanupMode::Complete => {
                report.add_run(&document.run);
                groups.push(state);
            }
        }
    }
    let mut notes = Vec::new();
    match mode {
        CleanupMode::Partial => {
            // A run that wrote nothing leaves nothing: no note without a snapshot.
            let taken = snapshot.is_created() && source::is_in_repository(snapshot, context).await;
            if taken && !registered {
                failed_runs::note(&client, &context.run, migration, repository).await?;
            }
        }
        CleanupMode::Complete => {
            notes = failed_runs::of_migration(&client, migration, repository).await?;
            for note in &notes {
                report.add_run(&note.document.run);
            }
        }
    }
    if kept > 0 {
        report.actions.push(format!(
            "kept {kept} work items in `{}` on cluster `{}`: `workflow resume` or a new submission continues with them",
            state_store::INDEX,
            client.cluster()
        ));
    }
    Ok(Removable { client, groups, notes })
}

/// Logs and removes the state that was found.
pub(crate) async fn remove(found: Removable, report: &mut CleanupReport) -> Result<(), Failure> {
    let Removable { client, groups, notes } = found;
    for group in groups {
        archive(&group.documents);
        report.actions.push(removal(&group));
        let StoredGroup { registration, documents, .. } = group;
        let is_registration =
            |stored: &Stored<Value>| registration.iter().any(|own| own.key == stored.key);
        let others: Vec<Stored<Value>> =
            documents.into_iter().filter(|stored| !is_registration(stored)).collect();
        // The registration goes last: by it, what is left is found when this is started again.
        state_store::remove(&client, &others).await?;
        state_store::remove(&client, &registration).await?;
    }
    state_store::remove(&client, &notes).await?;
    state_store::remove_if_empty(&client).await?;
    // Without any state, no process is about to write a failed document.
    if !state_store::exists(&client).await? {
        remove_if_empty(&client, FAILED_DOCUMENTS_INDEX, report).await?;
    }
    Ok(())
}

async fn remove_if_empty(
    client: &Client,
    index: &str,
    report: &mut CleanupReport,
) -> Result<(), Failure> {
    if !indices::exists(client, index).await? {
        return Ok(());
    }
    let documents = coordination::count::refresh_and_count(client, index).await?;
    if documents == 0 && indices::delete(client, index).await? {
        report.actions.push(format!("removed the empty index `{index}`"));
    }
    Ok(())
}

/// Returns whether another run of the same migration may still use this state. A run that failed
/// has said so in its partial cleanup, and one whose items have all ended needs them no more.
fn may_continue(document: &GroupDocument, items: &[Stored<ItemEnvelope>], run: &RunId) -> bool {
    if document.run == *run || document.state == GroupState::Ended {
        return false;
    }
    items.is_empty() || items.iter().any(|item| item.document.is_open())
}

fn left(document: &GroupDocument) -> String {
    let GroupDocument { scope: Scope { group, .. }, run, .. } = document;
    format!(
        "left the state of group `{group}` of run `{run}` and its snapshot: that run may be in \
         progress; if it was killed, they are removed when this migration is submitted again and \
         succeeds"
    )
}

/// Writes every document to the log, which outlives the index.
fn archive(documents: &[Stored<Value>]) {
    for Stored { key, document, version: _ } in documents {
        tracing::info!(key, "removed state: {document}");
    }
}

fn removal(state: &StoredGroup) -> String {
    let sum = |count: fn(&ItemEnvelope) -> u64| -> u64 {
        state.items().map(count).fold(0, u64::saturating_add)
    };
    format!(
        "removed the state of group `{}`: {} work items, {} documents accepted, {} rejected",
        state.scope.group,
        state.items.len(),
        sum(|item| item.ledger.accepted),
        sum(|item| item.ledger.rejected)
    )
}

#[cfg(test)]
mod tests {
    use contract::{
        ExistingIndices, Group, GroupName, IndexName, Ledger, MigrationName, SnapshotUuid,
    };
    use coordination::group::RunOrigin;
    use fleet::{IgnoredWork, Item, ItemLease, ItemState, NewItem};
    use state_store::Version;

    use super::*;

    fn group_document(run: &str, state: GroupState) -> GroupDocument {
        let origin = RunOrigin {
            run: RunId::new(run),
            migration: MigrationName::new("legacy-new"),
            snapshot: SnapshotUuid::new("uuid"),
            repository: "file:///r".parse().expect("a URI"),
        };
        let group = Group {
            name: GroupName::new("group-1"),
            indices: vec!["*".to_owned()].try_into().expect("a pattern"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty: false,
        };
        let document = GroupDocument::new(&origin, &group, Vec::new(), Vec::new());
        GroupDocument { state, ..document }
    }

    fn item(state: ItemState, accepted: u64, rejected: u64) -> Stored<ItemEnvelope> {
        let document = group_document("r", GroupState::Filling);
        let item = Item::new(NewItem {
            run: document.run,
            scope: document.scope,
            index: IndexName::new("logs"),
            documents: 7,
            work: IgnoredWork::default(),
        });
        let ledger = Ledger { accepted, rejected, ..Ledger::default() };
        let document = Item { lease: ItemLease { state, ..ItemLease::FREE }, ledger, ..item };
        let version = Version { sequence_number: 0, primary_term: 1 };
        Stored { key: document.key.clone(), version, document }
    }

    #[test]
    fn the_state_of_a_run_that_may_continue_is_left_alone() {
        let of = |state| item(state, 0, 0);
        let (open, done, failed) = (ItemState::Open, ItemState::Done, ItemState::Failed);
        let (registered, ended) = (GroupState::Registered, GroupState::Ended);
        let table = [
            ("ours", registered, vec![of(open)], false),
            ("ours", registered, vec![], false),
            ("earlier", ended, vec![of(open)], false),
            ("earlier", ended, vec![], false),
            ("earlier", registered, vec![of(done), of(failed)], false),
            ("earlier", registered, vec![of(done), of(open)], true),
            ("earlier", registered, vec![], true),
        ];
        for (run, state, items, expected) in table {
            let ours = RunId::new("ours");
            let found = may_continue(&group_document(run, state), &items, &ours);
            assert_eq!(found, expected, "{run} {state:?} {items:?}");
        }
    }

    #[test]
    fn a_removal_is_summed_up() {
        let state = StoredGroup {
            scope: group_document("r", GroupState::Filling).scope,
            items: vec![item(ItemState::Done, 3, 1), item(ItemState::Done, 4, 0)],
            registration: Vec::new(),
            documents: Vec::new(),
        };
        assert_eq!(
            removal(&state),
            "removed the state of group `group-1`: 2 work items, 7 documents accepted, 1 rejected"
        );
    }
}
