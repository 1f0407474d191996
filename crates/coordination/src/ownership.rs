//! Which migration owns which index, by what is registered on the target?
//!
//! A migration owns an index from the moment when it begins to fill it. It continues what its own
//! earlier runs have begun, whichever group the index was in. What another migration owns is not
//! to be touched: two of them in one index would overwrite each other's documents.

use std::collections::BTreeSet;

use cluster::Client;
use contract::{Group, RunId};
use fleet::{IgnoredWork, Item};

use crate::{
    CoordinationError,
    existing_indices::{ForeignOwner, GroupPlan, KnownTarget},
    group::{GroupDocument, GroupIndex, GroupState, RunOrigin},
};

/// The envelope of a work item: what ownership needs to know of it.
pub type ItemEnvelope = Item<IgnoredWork>;

/// Reads the envelopes of all work items on the target.
pub async fn items(client: &Client) -> Result<Vec<ItemEnvelope>, CoordinationError> {
    if !state_store::exists(client).await? {
        return Ok(Vec::new());
    }
    state_store::refresh(client).await?;
    let stored = fleet::items::envelopes(client).await?;
    Ok(stored.into_iter().map(|stored| stored.document).collect())
}

/// Adds to `known` which indices the registered groups own.
///
/// Work items come before the first document, so an index without any was not begun. A run that
/// was stopped before that must not make the documents of a later, finished migration look like
/// ours: by then they are another migration's data, and perhaps newer than the snapshot.
pub fn note_owners(
    earlier: &[GroupDocument],
    items: &[ItemEnvelope],
    origin: &RunOrigin,
    known: &mut KnownTarget,
) {
    let begun: BTreeSet<(&state_store::Origin, &str)> = items
        .iter()
        .filter(|item| item.scope.migration == origin.migration)
        .map(|item| (&item.scope.origin, item.index.as_str()))
        .collect();
    for document in earlier {
        let own = document.scope.migration == origin.migration;
        let ownership = if own { Ownership::None } else { ownership(document, items, &origin.run) };
        for GroupIndex { name, existed, documents: _ } in &document.indices {
            match ownership {
                Ownership::Owned => {
                    let owner = ForeignOwner {
                        registration: document.key.clone(),
                        same_run: document.run == origin.run,
                        name: name_of(document, &origin.run),
                    };
                    known.owned_by_others.insert(name.clone(), owner);
                }
                Ownership::Registered => {
                    let owner = name_of(document, &origin.run);
                    known.registered_by_others.insert(name.clone(), owner);
                }
                Ownership::None => {}
            }
            if own
                && document.repository == origin.repository
                && !existed
                && begun.contains(&(&document.scope.origin, name.as_str()))
            {
                known.ours.insert(name.clone());
            }
        }
    }
}

/// Whether the run that registered a group owns its indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// It may write into them.
    Owned,
    /// It may begin to.
    Registered,
    /// It writes no more.
    None,
}

fn ownership(document: &GroupDocument, items: &[ItemEnvelope], run: &RunId) -> Ownership {
    let mut items = items.iter().filter(|item| item.scope == document.scope).peekable();
    let begun = items.peek().is_some();
    match document.state {
        GroupState::Ended => Ownership::None,
        _ if document.run == *run || items.any(Item::is_open) => Ownership::Owned,
        _ if begun => Ownership::None,
        GroupState::Filling => Ownership::Owned,
        GroupState::Registered => Ownership::Registered,
    }
}

/// Names the migration that registered a group, and says what to do about it.
fn name_of(document: &GroupDocument, run: &RunId) -> String {
    let GroupDocument { scope, run: theirs, .. } = document;
    let (migration, group) = (&scope.migration, &scope.group);
    if theirs == run {
        return format!(
            "group `{group}` of migration `{migration}` of the same file; exclude it from one of \
             them"
        );
    }
    format!(
        "group `{group}` of migration `{migration}` (run `{theirs}`); exclude it from one of them, \
         wait until that run has ended, or stop it with `workflow stop`"
    )
}

/// Returns which indices of a group are owned by another migration, a problem each.
pub(crate) fn conflicts(
    own: &GroupDocument,
    all: &[GroupDocument],
    items: &[ItemEnvelope],
) -> Vec<String> {
    let mut problems = Vec::new();
    for other in all.iter().filter(|other| other.scope.migration != own.scope.migration) {
        if ownership(other, items, &own.run) != Ownership::Owned {
            continue;
        }
        for GroupIndex { name, .. } in &own.indices {
            if other.indices.iter().any(|index| index.name == *name) {
                let by = name_of(other, &own.run);
                problems.push(also_filled(name, own.scope.group.as_str(), &by));
            }
        }
    }
    problems
}

/// Returns the problem that another migration fills an index too.
pub(crate) fn also_filled(index: &str, group: &str, by: &str) -> String {
    format!("index `{index}` of group `{group}` is also filled by {by}")
}

/// Returns what was registered for this very group and snapshot before: a second run does what the
/// first one did. An index that was deleted since then is as good as new.
pub fn reusable(
    earlier: &[GroupDocument],
    origin: &RunOrigin,
    group: &Group,
    known: &KnownTarget,
) -> Option<GroupPlan> {
    let scope = origin.scope(group);
    let document =
        earlier.iter().find(|document| document.scope == scope && document.fits(group))?;
    let mut indices = document.indices.clone();
    for index in indices.iter_mut().filter(|index| !known.documents.contains_key(&index.name)) {
        index.existed = false;
        index.documents = 0;
    }
    Some(GroupPlan { indices, skipped: document.skipped.clone() })
}

/// Returns the earlier registrations that those now `written` replace: the group was renamed, or
/// its indices were moved, and the work on them continues under the new name.
pub fn replaced<'a>(
    earlier: &'a [GroupDocument],
    written: &[GroupDocument],
) -> Vec<&'a GroupDocument> {
    let is_written = |old: &GroupDocument, name: &str| {
        written.iter().any(|new| {
            new.scope.migration == old.scope.migration
                && new.scope.origin == old.scope.origin
                && new.indices.iter().any(|index| index.name == name)
        })
    };
    earlier
        .iter()
        .filter(|old| written.iter().all(|new| new.key != old.key) && !old.indices.is_empty())
        .filter(|old| old.indices.iter().all(|index| is_written(old, &index.name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use contract::{ExistingIndices, GroupName, IndexName, RepositoryUri};
    use fleet::{ItemLease, ItemState, NewItem};

    use super::*;
    use crate::group::tests::{group, origin};

    /// The run that asks.
    fn ours() -> RunOrigin {
        origin("now", "m", "s2")
    }

    /// A group with the index `logs`.
    fn registered(origin: &RunOrigin, existed: bool) -> GroupDocument {
        let logs = GroupIndex { name: "logs".to_owned(), existed, documents: 3 };
        GroupDocument::new(origin, &group("g"), vec![logs], Vec::new())
    }

    fn item(of: &GroupDocument, state: ItemState) -> ItemEnvelope {
        let item = Item::new(NewItem {
            run: of.run.clone(),
            scope: of.scope.clone(),
            index: IndexName::new("logs"),
            documents: 3,
            work: IgnoredWork::default(),
        });
        Item { lease: ItemLease { state, ..ItemLease::FREE }, ..item }
    }

    #[derive(Debug, PartialEq)]
    enum Logs {
        Ours,
        Owned,
        Registered,
        Free,
    }

    fn logs(document: &GroupDocument, items: &[ItemEnvelope]) -> Logs {
        let mut known = KnownTarget::default();
        note_owners(std::slice::from_ref(document), items, &ours(), &mut known);
        let KnownTarget { ours, owned_by_others, registered_by_others, .. } = &known;
        let is_owned = owned_by_others.contains_key("logs");
        match (ours.contains("logs"), is_owned, registered_by_others.len()) {
            (true, false, 0) => Logs::Ours,
            (false, true, 0) => Logs::Owned,
            (false, false, 1) => Logs::Registered,
            (false, false, 0) => Logs::Free,
            _ => panic!("an index is ours or another's: {known:?}"),
        }
    }

    #[test]
    fn an_index_is_ours_once_our_migration_has_begun_it() {
        let first = origin("first", "m", "s1");
        let begun = registered(&first, false);
        let of_others = registered(&first, true);
        let other: RepositoryUri = "file:///other".parse().expect("a URI");
        let elsewhere = registered(&RunOrigin { repository: other, ..first.clone() }, false);
        let mut renamed = item(&begun, ItemState::Done);
        renamed.scope.group = GroupName::new("renamed");
        let mut other_index = item(&begun, ItemState::Done);
        other_index.index = IndexName::new("other");
        let table = [
            (&begun, vec![item(&begun, ItemState::Done)], Logs::Ours),
            (&begun, vec![item(&begun, ItemState::Failed)], Logs::Ours),
            (&begun, vec![renamed], Logs::Ours),
            (&begun, vec![], Logs::Free),
            (&begun, vec![other_index], Logs::Free),
            (&of_others, vec![item(&of_others, ItemState::Done)], Logs::Free),
            (&elsewhere, vec![item(&elsewhere, ItemState::Done)], Logs::Free),
        ];
        for (document, items, expected) in table {
            assert_eq!(logs(document, &items), expected, "{document:?} {items:?}");
        }
    }

    #[test]
    fn an_index_that_another_migration_may_still_fill_is_owned() {
        let same_run = registered(&origin("now", "other", "s2"), false);
        let other_run = registered(&origin("theirs", "other", "s2"), false);
        let filling = GroupDocument { state: GroupState::Filling, ..other_run.clone() };
        let ended = GroupDocument { state: GroupState::Ended, ..other_run.clone() };
        let table = [
            (&same_run, vec![], Logs::Owned),
            (&same_run, vec![item(&same_run, ItemState::Done)], Logs::Owned),
            (&other_run, vec![], Logs::Registered),
            (&filling, vec![], Logs::Owned),
            (&filling, vec![item(&filling, ItemState::Open)], Logs::Owned),
            (&filling, vec![item(&filling, ItemState::Done)], Logs::Free),
            (
                &other_run,
                vec![item(&other_run, ItemState::Done), item(&other_run, ItemState::Open)],
                Logs::Owned,
            ),
            (
                &other_run,
                vec![item(&other_run, ItemState::Done), item(&other_run, ItemState::Failed)],
                Logs::Free,
            ),
            (&ended, vec![item(&ended, ItemState::Open)], Logs::Free),
            (&ended, vec![], Logs::Free),
        ];
        for (document, items, expected) in table {
            assert_eq!(logs(document, &items), expected, "{document:?} {items:?}");
        }
    }

    #[test]
    fn a_run_that_begins_to_fill_an_index_finds_those_that_have_begun() {
        let own = registered(&ours(), false);
        let theirs = registered(&origin("theirs", "other", "s2"), false);
        let filling = GroupDocument { state: GroupState::Filling, ..theirs.clone() };
        let found = |other: &GroupDocument| conflicts(&own, &[own.clone(), other.clone()], &[]);
        assert_eq!(found(&theirs), Vec::<String>::new());
        assert!(found(&filling)[0].contains("migration `other` (run `theirs`)"));
        let elsewhere = GroupDocument { indices: Vec::new(), ..filling };
        assert_eq!(found(&elsewhere), Vec::<String>::new());
    }

    #[test]
    fn a_renamed_group_is_replaced_and_no_other_one_is() {
        let logs = GroupIndex { name: "logs".to_owned(), existed: false, documents: 0 };
        let metrics = GroupIndex { name: "metrics".to_owned(), ..logs.clone() };
        let of = |origin: &RunOrigin, name: &str, indices: &[&GroupIndex]| {
            let indices = indices.iter().copied().cloned().collect();
            GroupDocument::new(origin, &group(name), indices, Vec::new())
        };
        let written = [of(&ours(), "new", &[&logs])];
        let other_snapshot = origin("now", "m", "s1");
        let other_migration = origin("now", "other", "s2");
        let table = [
            (of(&ours(), "old", &[&logs]), true),
            (of(&ours(), "old", &[&logs, &metrics]), false),
            (of(&ours(), "old", &[]), false),
            (of(&ours(), "new", &[&logs]), false),
            (of(&other_snapshot, "old", &[&logs]), false),
            (of(&other_migration, "old", &[&logs]), false),
        ];
        for (old, expected) in table {
            let old = [old];
            assert_eq!(!replaced(&old, &written).is_empty(), expected, "{old:?}");
        }
    }

    #[test]
    fn a_registration_is_reused_for_the_same_group_only() {
        let earlier = [registered(&origin("first", "m", "s2"), true)];
        let known =
            || KnownTarget { documents: [("logs".to_owned(), 5)].into(), ..KnownTarget::default() };
        let reused =
            |origin: &RunOrigin, group: &Group| reusable(&earlier, origin, group, &known());
        let plan = reused(&ours(), &group("g")).expect("the same group");
        assert_eq!(plan.indices, earlier[0].indices);
        assert_eq!(reused(&ours(), &group("renamed")), None);
        assert_eq!(reused(&origin("now", "other", "s2"), &group("g")), None);
        assert_eq!(reused(&origin("now", "m", "s3"), &group("g")), None);
        let appending = Group { existing_indices: ExistingIndices::Append, ..group("g") };
        assert_eq!(reused(&ours(), &appending), None);
        let deleted =
            reusable(&earlier, &ours(), &group("g"), &KnownTarget::default()).expect("reused");
        assert_eq!((deleted.indices[0].existed, deleted.indices[0].documents), (false, 0));
    }
}
