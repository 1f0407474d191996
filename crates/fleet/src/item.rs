//! What is a work item, and what becomes of one that is found where another was to be written?

use contract::{IndexName, IndexUuid, Ledger, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use state_store::{Mapping, Scope, StateDocument, key_of};

use crate::work::Work;

/// The value of `kind` of every work item.
pub(crate) const KIND: &str = "item";

/// A work item: the envelope, and the work in it.
///
/// The id is made of what is read, how, and where it goes, so preparing twice writes it once, and a
/// second run finds what the first one has done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Item<W: Work> {
    /// `item`.
    pub kind: String,
    /// The id.
    pub key: String,
    /// The run that opened it.
    pub run: RunId,
    /// The migration, the group and the origin.
    #[serde(flatten)]
    pub scope: Scope,
    /// The index of the target that it fills.
    pub index: IndexName,
    /// The UUID of that index; absent if the target does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_uuid: Option<IndexUuid>,
    /// Who works on it, and with what result.
    #[serde(flatten)]
    pub lease: ItemLease,
    /// Everything before it is finished.
    // Stored under its old name.
    #[serde(rename = "position")]
    pub cursor: W::Cursor,
    /// Documents to expect, for the display of progress.
    pub documents: u64,
    /// What became of the documents before the cursor.
    pub ledger: Ledger,
    /// The work itself.
    #[serde(flatten)]
    pub work: W,
}

/// Who works on an item, and with what result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemLease {
    /// The state of the item.
    pub state: ItemState,
    /// The process that holds it.
    pub holder: Option<String>,
    /// How often it was taken since its cursor moved last.
    pub attempts: u32,
    /// Why it failed, or why its last holder gave it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The state of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemState {
    /// To be done, or in progress.
    Open,
    /// Done, and its ledger adds up.
    Done,
    /// It cannot be done; `error` says why.
    Failed,
}

/// What a new item is made of.
#[derive(Clone, Debug)]
pub struct NewItem<W> {
    /// The run.
    pub run: RunId,
    /// The migration, the group and the origin.
    pub scope: Scope,
    /// The index of the target that it fills.
    pub index: IndexName,
    /// Documents to expect.
    pub documents: u64,
    /// The work.
    pub work: W,
}

impl ItemState {
    /// Returns the word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl ItemLease {
    /// The lease of an item that no process has taken yet.
    pub const FREE: Self = Self { state: ItemState::Open, holder: None, attempts: 0, error: None };
}

impl<W: Work> Item<W> {
    /// Makes an open item.
    pub fn new(of: NewItem<W>) -> Self {
        let NewItem { run, scope, index, documents, work } = of;
        let (_, origin) = scope.origin.field();
        let work_key = work.key();
        let mut parts = vec![KIND, origin];
        parts.extend(work_key.iter().map(String::as_str));
        parts.push(index.as_str());
        Self {
            kind: KIND.to_owned(),
            key: key_of(&parts),
            run,
            index,
            target_uuid: None,
            lease: ItemLease::FREE,
            cursor: W::Cursor::default(),
            documents,
            ledger: Ledger::default(),
            work,
            scope,
        }
    }

    /// Returns the name of the item for people, as in "index `logs` shard 3".
    pub fn name(&self) -> String {
        format!("index `{}` {}", self.index, self.work)
    }

    /// Returns whether it is to be done, or in progress.
    pub fn is_open(&self) -> bool {
        self.lease.state == ItemState::Open
    }

    /// Returns the item with what was acknowledged since.
    #[must_use]
    pub(crate) fn advanced(mut self, cursor: W::Cursor, ledger: Ledger) -> Self {
        if cursor != self.cursor {
            self.lease.attempts = 0;
            self.lease.error = None;
        }
        self.cursor = cursor;
        self.ledger = ledger;
        self
    }

    /// Returns the item as one that failed.
    #[must_use]
    pub fn failed(self, reason: String) -> Self {
        let attempts = self.lease.attempts;
        let lease =
            ItemLease { state: ItemState::Failed, holder: None, attempts, error: Some(reason) };
        Self { lease, ..self }
    }

    /// Returns what becomes of this item, found where `fresh` was to be written; `None` if it
    /// stays as it is.
    ///
    /// It moves to the group that the register step gave its index. It is done again if it failed,
    /// if an earlier run had rejections, because the user may have fixed what was wrong, and if the
    /// index that it filled is not the one that is there now.
    pub fn continued(&self, fresh: &Self) -> Option<Self> {
        let is_another_index = match (&self.target_uuid, &fresh.target_uuid) {
            (Some(filled), Some(now)) => filled != now,
            (None, _) | (_, None) => false,
        };
        let again = match self.lease.state {
            ItemState::Open => is_another_index,
            ItemState::Failed => true,
            ItemState::Done => {
                is_another_index || (self.ledger.rejected > 0 && self.run != fresh.run)
            }
        };
        let mut next = self.clone();
        next.scope.migration.clone_from(&fresh.scope.migration);
        next.scope.group.clone_from(&fresh.scope.group);
        if fresh.target_uuid.is_some() {
            next.target_uuid.clone_from(&fresh.target_uuid);
        }
        let next = if again { next.reopened(&fresh.run) } else { next };
        (next != *self).then_some(next)
    }

    /// Returns the item as it was at first, to be done again.
    #[must_use]
    pub fn reopened(self, run: &RunId) -> Self {
        Self {
            run: run.clone(),
            lease: ItemLease::FREE,
            cursor: W::Cursor::default(),
            ledger: Ledger::default(),
            ..self
        }
    }
}

impl<W: Work> StateDocument for Item<W> {
    const KIND: &'static str = KIND;

    fn mapping() -> Mapping {
        let names = ledger_names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Scope::mapping()
            .keywords(&["run", "index", "state", "holder"])
            .longs(&["documents", "attempts"])
            .object("ledger", Mapping::default().longs(&names))
            .and(W::mapping())
    }
}

/// Returns the names of the numbers of a ledger, as they are stored.
pub(crate) fn ledger_names() -> Vec<String> {
    let ledger = serde_json::to_value(Ledger::default());
    let fields: Map<String, Value> =
        ledger.ok().and_then(|ledger| ledger.as_object().cloned()).unwrap_or_default();
    fields.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt;

    use contract::{GroupName, MigrationName, SnapshotUuid};
    use serde_json::json;
    use state_store::Origin;

    use super::*;
    use crate::work::IgnoredWork;

    /// A piece of a snapshot, as the fleet's own tests divide it.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Piece {
        pub(crate) index_id: String,
        pub(crate) shard: u32,
    }

    impl fmt::Display for Piece {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "shard {}", self.shard)
        }
    }

    impl Work for Piece {
        const KIND: &'static str = "shard";

        type Cursor = u64;

        fn key(&self) -> Vec<String> {
            vec![self.index_id.clone(), self.shard.to_string(), "unchanged".to_owned()]
        }

        fn mapping() -> Mapping {
            Mapping::default().longs(&["shard", "position"])
        }
    }

    pub(crate) fn item() -> Item<Piece> {
        Item::new(NewItem {
            run: RunId::new("r"),
            scope: Scope {
                migration: MigrationName::new("m"),
                group: GroupName::new("g"),
                origin: Origin::Snapshot(SnapshotUuid::new("s")),
            },
            index: IndexName::new("logs"),
            documents: 10,
            work: Piece { index_id: "i".to_owned(), shard: 3 },
        })
    }

    #[test]
    fn progress_clears_attempts_and_standing_still_does_not() {
        let lease = ItemLease { attempts: 2, error: Some("busy".to_owned()), ..ItemLease::FREE };
        let held = Item { lease, ..item() };
        assert_eq!(held.clone().advanced(held.cursor, held.ledger).lease.attempts, 2);
        let moved = held.advanced(5, Ledger::default());
        assert_eq!((moved.lease.attempts, moved.lease.error), (0, None));
    }

    #[test]
    fn an_item_found_continues_starts_again_or_changes_hands() {
        let now = |uuid: &str| Some(IndexUuid::new(uuid));
        let fresh = Item { target_uuid: now("now"), run: RunId::new("r2"), ..item() };
        let one = Ledger { physical: 1, live: 1, accepted: 1, ..Ledger::default() };
        let refused = Ledger { physical: 1, live: 1, rejected: 1, ..Ledger::default() };
        let found = |state, ledger, uuid: Option<&str>, group: &str| {
            let lease = ItemLease { state, ..ItemLease::FREE };
            let target_uuid = uuid.map(IndexUuid::new);
            let scope = Scope { group: GroupName::new(group), ..item().scope };
            Item { lease, ledger, cursor: 1, target_uuid, scope, ..item() }
        };
        let (open, done, failed) = (ItemState::Open, ItemState::Done, ItemState::Failed);
        // What is found, whether it is written again, and whether it starts again.
        let table = [
            (found(open, one, Some("now"), "g"), false, false),
            (found(done, one, Some("now"), "g"), false, false),
            (found(done, one, None, "g"), true, false),
            (found(done, one, Some("now"), "renamed"), true, false),
            (found(open, one, Some("now"), "renamed"), true, false),
            (found(done, refused, Some("now"), "g"), true, true),
            (found(failed, one, Some("now"), "g"), true, true),
            (found(done, one, Some("deleted"), "g"), true, true),
            (found(open, one, Some("deleted"), "renamed"), true, true),
        ];
        for (found, written, again) in table {
            let next = found.continued(&fresh);
            assert_eq!(next.is_some(), written, "{found:?}");
            let next = next.unwrap_or_else(|| found.clone());
            assert_eq!((next.cursor == 0, next.scope.group.as_str()), (again, "g"), "{found:?}");
            assert_eq!(next.ledger == Ledger::default(), again, "{found:?}");
            assert_eq!(next.continued(&fresh), None, "preparing twice is preparing once");
        }
    }

    /// What an earlier version has written; a run that it began is continued.
    fn written() -> Value {
        json!({
            "kind": "item",
            "key": "d190ebdbf1d4d4d8cc8ac1917c002c42b8eb1d23cf787a9437e27d28c0b7c6e3",
            "run": "r",
            "migration": "m",
            "group": "g",
            "snapshot": "s",
            "index": "logs",
            "indexId": "i",
            "shard": 3,
            "state": "open",
            "holder": null,
            "position": 0,
            "documents": 10,
            "ledger": {
                "physical": 0, "deleted": 0, "nested": 0, "withoutSource": 0, "live": 0,
                "accepted": 0, "rejected": 0, "bytes": 0,
            },
            "attempts": 0,
        })
    }

    #[test]
    fn an_item_is_written_as_an_earlier_version_writes_it() {
        assert_eq!(serde_json::to_value(item()).expect("JSON"), written());
        assert_eq!(serde_json::from_value::<Item<Piece>>(written()).expect("an item"), item());
    }

    #[test]
    fn an_item_has_the_fields_that_searches_use() {
        let mapping = Mapping::of::<Item<Piece>>().properties();
        let mut written = written();
        written["holder"] = json!("w");
        for (name, field) in mapping.as_object().expect("fields") {
            let value = &written[name];
            assert!(!value.is_null(), "{name}");
            let inner = field.get("properties").and_then(Value::as_object);
            for (name, _) in inner.into_iter().flatten() {
                assert!(value[name].is_u64(), "{name}");
            }
        }
        assert_eq!(mapping["ledger"]["properties"].as_object().map(Map::len), Some(8));
    }

    #[test]
    fn the_envelope_alone_loses_nothing_of_the_work() {
        let item: Item<IgnoredWork> = serde_json::from_value(written()).expect("an item");
        assert!(item.is_open());
        let failed = item.failed("another run took its place".to_owned());
        let text = serde_json::to_string(&failed).expect("JSON");
        assert_eq!(text.matches("\"migration\"").count(), 1, "{text}");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let mut expected = written();
        expected["state"] = json!("failed");
        expected["error"] = json!("another run took its place");
        assert_eq!(read, expected);
    }
}
