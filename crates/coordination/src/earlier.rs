//! What do earlier decisions on the target, ours and those of others, say about this one?
//!
//! A migration owns the indices that it decided to migrate. It goes on with what its own earlier
//! runs have begun, in whatever group they had an index. What another migration fills now is not
//! to be touched: two of them in one index would overwrite each other's documents.

use std::collections::BTreeSet;

use cluster::Client;
use contract::Group;
use serde::Deserialize;

use crate::{
    decision::{DecidedIndex, GroupDocument, Origin, RunState},
    existing::{Claim, Decided, Known},
    working_state::{self, Stored},
};

/// What a decision needs to know of a work item.
#[derive(Clone, Debug, Deserialize)]
pub struct Work {
    migration: String,
    group: String,
    snapshot: String,
    index: String,
    state: String,
}

/// Reads all work items on the target.
pub async fn work(client: &Client) -> anyhow::Result<Vec<Work>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    Ok(stored(client).await?.into_iter().map(|stored| stored.document).collect())
}

/// Reads all work items with their versions; the index must be there, and refreshed.
pub(crate) async fn stored(client: &Client) -> anyhow::Result<Vec<Stored<Work>>> {
    working_state::all(client, &[("kind", "item")]).await
}

impl Work {
    /// Returns whether the item is of this group, and in this snapshot.
    pub(crate) fn is_of(&self, document: &GroupDocument) -> bool {
        self.snapshot == document.snapshot
            && self.migration == document.migration
            && self.group == document.group
    }

    /// Returns whether it is to be done, or under way.
    pub(crate) fn is_open(&self) -> bool {
        self.state == "open"
    }
}

/// Notes what earlier decisions say of indices that are on the target by now.
///
/// Work items come before the first document, so an index without any was not begun. A run that
/// was stopped before that must not make the documents of a later, finished migration look like
/// ours: by then they are somebody's data, and perhaps newer than the snapshot.
pub fn remember(earlier: &[GroupDocument], work: &[Work], origin: Origin<'_>, known: &mut Known) {
    let begun: BTreeSet<(&str, &str)> = work
        .iter()
        .filter(|item| item.migration == origin.migration)
        .map(|item| (item.snapshot.as_str(), item.index.as_str()))
        .collect();
    for document in earlier {
        let own = document.migration == origin.migration;
        let hold = if own { Hold::None } else { hold(document, work, origin.run) };
        for DecidedIndex { name, existed, documents: _ } in &document.indices {
            match hold {
                Hold::Filled => {
                    let claim = Claim {
                        decision: document.key.clone(),
                        same_run: document.run == origin.run,
                        by: claimant(document, origin.run),
                    };
                    known.claimed.insert(name.clone(), claim);
                }
                Hold::Announced => {
                    known.announced.insert(name.clone(), claimant(document, origin.run));
                }
                Hold::None => {}
            }
            if own
                && document.repository == origin.repository
                && !existed
                && begun.contains(&(document.snapshot.as_str(), name.as_str()))
            {
                known.ours.insert(name.clone());
            }
        }
    }
}

/// What a run that decided has to do with its indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// It may write into them.
    Filled,
    /// It may begin to.
    Announced,
    /// It writes no more.
    None,
}

fn hold(document: &GroupDocument, work: &[Work], run: &str) -> Hold {
    let mut items = work.iter().filter(|item| item.is_of(document)).peekable();
    let begun = items.peek().is_some();
    match document.state {
        RunState::Ended => Hold::None,
        _ if document.run == run || items.any(Work::is_open) => Hold::Filled,
        _ if begun => Hold::None,
        RunState::Filling => Hold::Filled,
        RunState::UnderWay => Hold::Announced,
    }
}

fn claimant(document: &GroupDocument, run: &str) -> String {
    let GroupDocument { migration, group, run: theirs, .. } = document;
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

/// Says which indices of a decision are filled by another migration.
pub(crate) fn conflicts(own: &GroupDocument, all: &[GroupDocument], work: &[Work]) -> Vec<String> {
    let mut problems = Vec::new();
    for other in all.iter().filter(|other| other.migration != own.migration) {
        if hold(other, work, &own.run) != Hold::Filled {
            continue;
        }
        for DecidedIndex { name, .. } in &own.indices {
            if other.indices.iter().any(|index| index.name == *name) {
                problems.push(also_filled(name, &own.group, &claimant(other, &own.run)));
            }
        }
    }
    problems
}

/// Says that an index is another's too.
pub(crate) fn also_filled(index: &str, group: &str, by: &str) -> String {
    format!("index `{index}` of group `{group}` is also filled by {by}")
}

/// Returns what was decided for this very group and snapshot before: a second try does what the
/// first one did. An index that was deleted since then is as good as new.
pub fn reusable(
    earlier: &[GroupDocument],
    origin: Origin<'_>,
    group: &Group,
    known: &Known,
) -> Option<Decided> {
    let document = earlier.iter().find(|document| {
        document.snapshot == origin.snapshot
            && document.migration == origin.migration
            && document.group == group.name
            && document.still_fits(group)
    })?;
    let mut indices = document.indices.clone();
    for index in indices.iter_mut().filter(|index| !known.documents.contains_key(&index.name)) {
        index.existed = false;
        index.documents = 0;
    }
    Some(Decided { indices, skipped: document.skipped.clone() })
}

/// Returns the earlier decisions in whose place others were `written`: the group was renamed, or
/// its indices were moved, and the work on them goes on under the new name.
pub fn superseded<'a>(
    earlier: &'a [GroupDocument],
    written: &[GroupDocument],
) -> Vec<&'a GroupDocument> {
    let is_written = |old: &GroupDocument, name: &str| {
        written.iter().any(|new| {
            new.migration == old.migration
                && new.snapshot == old.snapshot
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
    use contract::ExistingIndices;

    use super::*;

    const ORIGIN: Origin<'_> =
        Origin { run: "now", migration: "m", snapshot: "s2", repository: "file:///r" };

    fn group(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            indices: vec!["*".to_owned()].try_into().expect("a pattern"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty: false,
        }
    }

    /// A decision for the index `logs`.
    fn decided(origin: Origin<'_>, existed: bool) -> GroupDocument {
        let logs = DecidedIndex { name: "logs".to_owned(), existed, documents: 3 };
        GroupDocument::new(origin, &group("g"), vec![logs], Vec::new())
    }

    fn item(of: &GroupDocument, state: &str) -> Work {
        Work {
            migration: of.migration.clone(),
            group: of.group.clone(),
            snapshot: of.snapshot.clone(),
            index: "logs".to_owned(),
            state: state.to_owned(),
        }
    }

    #[derive(Debug, PartialEq)]
    enum Logs {
        Ours,
        Claimed,
        Announced,
        Nobodys,
    }

    fn logs(document: &GroupDocument, work: &[Work]) -> Logs {
        let mut known = Known::default();
        remember(std::slice::from_ref(document), work, ORIGIN, &mut known);
        let Known { ours, claimed, announced, .. } = &known;
        match (ours.contains("logs"), claimed.contains_key("logs"), announced.len()) {
            (true, false, 0) => Logs::Ours,
            (false, true, 0) => Logs::Claimed,
            (false, false, 1) => Logs::Announced,
            (false, false, 0) => Logs::Nobodys,
            _ => panic!("an index is ours or another's: {known:?}"),
        }
    }

    #[test]
    fn an_index_is_ours_once_our_migration_has_begun_it() {
        let first = Origin { run: "first", snapshot: "s1", ..ORIGIN };
        let begun = decided(first, false);
        let of_others = decided(first, true);
        let elsewhere = decided(Origin { repository: "file:///other", ..first }, false);
        let renamed = Work { group: "renamed".to_owned(), ..item(&begun, "done") };
        let other_index = Work { index: "other".to_owned(), ..item(&begun, "done") };
        let table = [
            (&begun, vec![item(&begun, "done")], Logs::Ours),
            (&begun, vec![item(&begun, "failed")], Logs::Ours),
            (&begun, vec![renamed], Logs::Ours),
            (&begun, vec![], Logs::Nobodys),
            (&begun, vec![other_index], Logs::Nobodys),
            (&of_others, vec![item(&of_others, "done")], Logs::Nobodys),
            (&elsewhere, vec![item(&elsewhere, "done")], Logs::Nobodys),
        ];
        for (document, work, expected) in table {
            assert_eq!(logs(document, &work), expected, "{document:?} {work:?}");
        }
    }

    #[test]
    fn an_index_that_another_migration_may_still_fill_is_claimed() {
        let sibling = Origin { migration: "other", ..ORIGIN };
        let same_run = decided(sibling, false);
        let other_run = decided(Origin { run: "theirs", ..sibling }, false);
        let filling = GroupDocument { state: RunState::Filling, ..other_run.clone() };
        let ended = GroupDocument { state: RunState::Ended, ..other_run.clone() };
        let table = [
            (&same_run, vec![], Logs::Claimed),
            (&same_run, vec![item(&same_run, "done")], Logs::Claimed),
            (&other_run, vec![], Logs::Announced),
            (&filling, vec![], Logs::Claimed),
            (&filling, vec![item(&filling, "open")], Logs::Claimed),
            (&filling, vec![item(&filling, "done")], Logs::Nobodys),
            (&other_run, vec![item(&other_run, "done"), item(&other_run, "open")], Logs::Claimed),
            (&other_run, vec![item(&other_run, "done"), item(&other_run, "failed")], Logs::Nobodys),
            (&ended, vec![item(&ended, "open")], Logs::Nobodys),
            (&ended, vec![], Logs::Nobodys),
        ];
        for (document, work, expected) in table {
            assert_eq!(logs(document, &work), expected, "{document:?} {work:?}");
        }
    }

    #[test]
    fn who_begins_to_fill_an_index_finds_those_who_have_begun() {
        let own = decided(ORIGIN, false);
        let announced = decided(Origin { migration: "other", run: "theirs", ..ORIGIN }, false);
        let filling = GroupDocument { state: RunState::Filling, ..announced.clone() };
        let found = |other: &GroupDocument| conflicts(&own, &[own.clone(), other.clone()], &[]);
        assert_eq!(found(&announced), Vec::<String>::new());
        assert!(found(&filling)[0].contains("migration `other` (run `theirs`)"));
        let elsewhere = GroupDocument { indices: Vec::new(), ..filling };
        assert_eq!(found(&elsewhere), Vec::<String>::new());
    }

    #[test]
    fn a_renamed_group_is_superseded_and_no_other_one_is() {
        let logs = DecidedIndex { name: "logs".to_owned(), existed: false, documents: 0 };
        let metrics = DecidedIndex { name: "metrics".to_owned(), ..logs.clone() };
        let of = |origin, name: &str, indices: &[&DecidedIndex]| {
            let indices = indices.iter().copied().cloned().collect();
            GroupDocument::new(origin, &group(name), indices, Vec::new())
        };
        let written = [of(ORIGIN, "new", &[&logs])];
        let other_snapshot = Origin { snapshot: "s1", ..ORIGIN };
        let other_migration = Origin { migration: "other", ..ORIGIN };
        let table = [
            (of(ORIGIN, "old", &[&logs]), true),
            (of(ORIGIN, "old", &[&logs, &metrics]), false),
            (of(ORIGIN, "old", &[]), false),
            (of(ORIGIN, "new", &[&logs]), false),
            (of(other_snapshot, "old", &[&logs]), false),
            (of(other_migration, "old", &[&logs]), false),
        ];
        for (old, expected) in table {
            let old = [old];
            assert_eq!(!superseded(&old, &written).is_empty(), expected, "{old:?}");
        }
    }

    #[test]
    fn a_decision_is_reused_for_the_same_question_only() {
        let earlier = [decided(Origin { run: "first", ..ORIGIN }, true)];
        let known = || Known { documents: [("logs".to_owned(), 5)].into(), ..Known::default() };
        let reused = |origin, group: &Group| reusable(&earlier, origin, group, &known());
        let decided = reused(ORIGIN, &group("g")).expect("the same question");
        assert_eq!(decided.indices, earlier[0].indices);
        assert_eq!(reused(ORIGIN, &group("renamed")), None);
        assert_eq!(reused(Origin { migration: "other", ..ORIGIN }, &group("g")), None);
        assert_eq!(reused(Origin { snapshot: "s3", ..ORIGIN }, &group("g")), None);
        let appending = Group { existing_indices: ExistingIndices::Append, ..group("g") };
        assert_eq!(reused(ORIGIN, &appending), None);
        let deleted = reusable(&earlier, ORIGIN, &group("g"), &Known::default()).expect("reused");
        assert_eq!((deleted.indices[0].existed, deleted.indices[0].documents), (false, 0));
    }
}
