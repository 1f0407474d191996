//! Do the documents of an index on the target agree with the ledgers?

use contract::{Ledger, verify::VerifiedIndex};
use coordination::shard_work::ShardWork;
use fleet::{Item, ItemState};

/// What is known of one index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// It held other documents before.
    pub(crate) existed: bool,
    /// Its shards in the snapshot.
    pub(crate) shards: u32,
    /// Its work items.
    pub(crate) items: &'a [&'a Item<ShardWork>],
    /// Documents that the target counts.
    pub(crate) found: u64,
    /// The uuid of the target's index, if the target reports it.
    pub(crate) uuid: Option<&'a str>,
}

/// The counts of an index, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexReport {
    /// The counts.
    pub(crate) index: VerifiedIndex,
    /// What is wrong, a line each.
    pub(crate) problems: Vec<String>,
}

/// Compares what is known of an index with its ledgers.
pub(crate) fn check(evidence: Evidence<'_>) -> IndexReport {
    let Evidence { name, existed, shards, items, found, uuid } = evidence;
    let mut problems = Vec::new();
    let mut ledger = Ledger::default();
    for item in items {
        ledger.add(&item.ledger);
        if item.lease.state != ItemState::Done {
            problems.push(format!("shard {} is not done", item.work.shard));
        } else if !item.ledger.adds_up() {
            problems.push(format!(
                "the ledger of shard {} does not add up: {:?}",
                item.work.shard, item.ledger
            ));
        }
    }
    for shard in 0..shards {
        if !items.iter().any(|item| item.work.shard == shard) {
            problems.push(format!(
                "shard {shard} has no work item: the group's state on the target was removed; \
                 submit the migration again"
            ));
        }
    }
    let filled = items.iter().filter_map(|item| item.target_uuid.as_ref());
    if uuid.is_some_and(|uuid| filled.into_iter().any(|filled| *filled != uuid)) {
        problems.push(
            "the index was deleted while it was filled, and the target created it again without the \
             mapping and settings that it had; delete it and submit the migration again"
                .to_owned(),
        );
    }
    let expected = ledger.accepted;
    // Counts mean something only when all is done.
    let settled = problems.is_empty();
    if settled && found < expected {
        problems.push(format!(
            "{} of {expected} documents are missing on the target; if the source has several \
             documents of one id (with different types or routings), they replaced each other",
            expected - found
        ));
    } else if settled && found > expected && !existed {
        problems.push(format!(
            "the target has {} documents more than the snapshot; another program or an earlier \
             migration wrote into it: delete the index and submit the migration again, or set \
             `existingIndices: append`",
            found - expected
        ));
    }
    let index = VerifiedIndex {
        name: name.to_owned(),
        expected,
        found,
        rejected: ledger.rejected,
        existed,
        present: None,
        compared: None,
    };
    IndexReport { index, problems }
}

#[cfg(test)]
mod tests {
    use contract::{GroupName, IndexName, IndexUuid, MigrationName, RunId, SnapshotUuid};
    use fleet::{ItemLease, NewItem};
    use state_store::{Origin, Scope};

    use super::*;

    fn item(shard: u32, state: ItemState, accepted: u64, rejected: u64) -> Item<ShardWork> {
        let item = Item::new(NewItem {
            run: RunId::new("r"),
            scope: Scope {
                migration: MigrationName::new("m"),
                group: GroupName::new("g"),
                origin: Origin::Snapshot(SnapshotUuid::new("s")),
            },
            index: IndexName::new("logs"),
            documents: accepted + rejected,
            work: ShardWork { index_id: "i".to_owned(), shard },
        });
        let live = accepted + rejected;
        let ledger = Ledger { physical: live, live, accepted, rejected, ..Ledger::default() };
        Item { lease: ItemLease { state, ..ItemLease::FREE }, ledger, ..item }
    }

    fn problems(existed: bool, items: &[Item<ShardWork>], found: u64) -> Vec<String> {
        let items: Vec<&Item<ShardWork>> = items.iter().collect();
        let uuid = Some("now");
        check(Evidence { name: "logs", existed, shards: 2, items: &items, found, uuid }).problems
    }

    #[test]
    fn counts_must_be_equal_unless_the_index_held_documents_before() {
        let items = [item(0, ItemState::Done, 3, 0), item(1, ItemState::Done, 4, 1)];
        assert_eq!(problems(false, &items, 7), Vec::<String>::new());
        assert!(problems(false, &items, 6)[0].contains("1 of 7 documents are missing"));
        assert!(problems(false, &items, 8)[0].contains("1 documents more"));
        assert_eq!(problems(true, &items, 8), Vec::<String>::new());
        assert!(problems(true, &items, 6)[0].contains("missing"));
    }

    #[test]
    fn an_index_that_was_created_again_while_it_was_filled_is_a_problem_even_if_counts_agree() {
        let filled = |uuid: &str| {
            [0, 1].map(|shard| Item {
                target_uuid: Some(IndexUuid::new(uuid)),
                ..item(shard, ItemState::Done, 3, 0)
            })
        };
        assert_eq!(problems(false, &filled("now"), 6), Vec::<String>::new());
        assert!(problems(false, &filled("before"), 6)[0].contains("was deleted"));
    }

    #[test]
    fn a_shard_that_is_not_done_or_unknown_is_a_problem_even_if_counts_agree() {
        let open = [item(0, ItemState::Done, 3, 0), item(1, ItemState::Open, 0, 0)];
        assert_eq!(problems(false, &open, 3), ["shard 1 is not done"]);
        let missing = [item(0, ItemState::Done, 3, 0)];
        assert!(problems(false, &missing, 3)[0].starts_with("shard 1 has no work item"));
    }

    #[test]
    fn a_ledger_that_lost_a_document_is_a_problem() {
        let mut lossy = [item(0, ItemState::Done, 3, 0), item(1, ItemState::Done, 0, 0)];
        lossy[0].ledger.physical += 1;
        assert!(problems(false, &lossy, 3)[0].contains("does not add up"));
    }
}
