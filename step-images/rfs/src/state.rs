//! What is a work item, and how is it read and written on the target?
//!
//! An item is a shard of the snapshot. Its id is made of what is read, what is done to it and where
//! it goes, so preparing twice makes it once, and a second run finds what the first has done.

use anyhow::Context as _;
use cluster::Client;
use contract::Ledger;
use coordination::working_state::{self, Stored, Version, key_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::acknowledged::Checkpoint;

/// The value of `kind`.
const KIND: &str = "item";

/// What is done to documents on the way. It is part of an item's id: another treatment is another
/// item.
const TREATMENT: &str = "unchanged";

/// The sums over items that [`totals`] asks for, by their names in the ledger.
const SUMS: [&str; 8] =
    ["physical", "deleted", "nested", "withoutSource", "live", "accepted", "rejected", "bytes"];

/// Which items are meant: those of one group of a migration from one snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The snapshot's uuid.
    pub snapshot: &'a str,
    /// The migration's name.
    pub migration: &'a str,
    /// The group's name.
    pub group: &'a str,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemState {
    /// To be done, or under way.
    Open,
    /// Done, and its ledger adds up.
    Done,
    /// It cannot be done; `error` says why.
    Failed,
}

impl<'a> Scope<'a> {
    /// The fields, and their values, of all documents of `kind` that are meant.
    pub(crate) fn filter(self, kind: &'a str) -> [(&'static str, &'a str); 4] {
        let Self { snapshot, migration, group } = self;
        [("kind", kind), ("snapshot", snapshot), ("migration", migration), ("group", group)]
    }
}

impl ItemState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A work item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// `item`.
    pub kind: String,
    /// Its id.
    pub key: String,
    /// The run that opened it.
    pub run: String,
    /// The migration's name.
    pub migration: String,
    /// The group's name.
    pub group: String,
    /// The snapshot's uuid.
    pub snapshot: String,
    /// The index, which has the same name on the target.
    pub index: String,
    /// The index's folder in the repository.
    pub index_id: String,
    /// The uuid of the target's index that it fills; absent if the target does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_uuid: Option<String>,
    /// The shard's number.
    pub shard: u32,
    /// Where it stands.
    pub state: ItemState,
    /// The process that holds it.
    pub holder: Option<String>,
    /// The first physical position that is not finished.
    pub position: u64,
    /// Documents to expect, nested ones included, for the display of progress.
    pub documents: u64,
    /// What became of the documents before `position`.
    pub ledger: Ledger,
    /// How often it was taken since its position moved last.
    pub attempts: u32,
    /// Why it failed, or why its last holder gave it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an item is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewItem<'a> {
    /// The run.
    pub run: &'a str,
    /// Snapshot, migration and group.
    pub scope: Scope<'a>,
    /// The index's name.
    pub index: &'a str,
    /// The index's folder in the repository.
    pub index_id: &'a str,
    /// The shard's number.
    pub shard: u32,
    /// Documents to expect.
    pub documents: u64,
}

impl Item {
    /// Makes an open item.
    pub fn new(of: NewItem<'_>) -> Self {
        let NewItem { run, scope, index, index_id, shard, documents } = of;
        let key = key_of(&[KIND, scope.snapshot, index_id, &shard.to_string(), TREATMENT, index]);
        Self {
            kind: KIND.to_owned(),
            key,
            run: run.to_owned(),
            migration: scope.migration.to_owned(),
            group: scope.group.to_owned(),
            snapshot: scope.snapshot.to_owned(),
            index: index.to_owned(),
            index_id: index_id.to_owned(),
            target_uuid: None,
            shard,
            state: ItemState::Open,
            holder: None,
            position: 0,
            documents,
            ledger: Ledger::default(),
            attempts: 0,
            error: None,
        }
    }

    /// Returns where work goes on.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { position: self.position, ledger: self.ledger }
    }

    /// Returns the item with what was acknowledged since.
    #[must_use]
    pub fn advanced(mut self, checkpoint: Checkpoint) -> Self {
        let Checkpoint { position, ledger } = checkpoint;
        if position > self.position {
            self.attempts = 0;
            self.error = None;
        }
        self.position = position;
        self.ledger = ledger;
        self
    }

    /// Returns what becomes of this item, found where `fresh` was to be written; `None` if it
    /// stays as it is.
    ///
    /// It belongs to whom the register step gave its index. It is done again if it failed, if an
    /// earlier run had rejections, for the user may have mended what was wrong, and if the index
    /// that it filled is not the one that is there now.
    pub fn continued(&self, fresh: &Self) -> Option<Self> {
        let is_another_index = match (&self.target_uuid, &fresh.target_uuid) {
            (Some(filled), Some(now)) => filled != now,
            (None, _) | (_, None) => false,
        };
        let again = match self.state {
            ItemState::Open => is_another_index,
            ItemState::Failed => true,
            ItemState::Done => {
                is_another_index || (self.ledger.rejected > 0 && self.run != fresh.run)
            }
        };
        let taken_over = Self {
            migration: fresh.migration.clone(),
            group: fresh.group.clone(),
            target_uuid: fresh.target_uuid.clone().or_else(|| self.target_uuid.clone()),
            ..self.clone()
        };
        let next = if again { taken_over.reopened(&fresh.run) } else { taken_over };
        (next != *self).then_some(next)
    }

    /// Returns the item as it was at first, to be done again.
    #[must_use]
    pub fn reopened(self, run: &str) -> Self {
        Self {
            run: run.to_owned(),
            state: ItemState::Open,
            holder: None,
            position: 0,
            ledger: Ledger::default(),
            attempts: 0,
            error: None,
            ..self
        }
    }
}

/// Writes those items that are not there yet.
pub async fn create_missing(client: &Client, items: Vec<Item>) -> anyhow::Result<u64> {
    let documents: Vec<(String, Item)> =
        items.into_iter().map(|item| (item.key.clone(), item)).collect();
    working_state::create_missing(client, &documents).await
}

/// Reads all items.
pub async fn items(client: &Client, scope: Scope<'_>) -> anyhow::Result<Vec<Stored<Item>>> {
    working_state::refresh(client).await?;
    working_state::all(client, &scope.filter(KIND)).await
}

/// Reads the items of all groups of a snapshot.
pub async fn of_snapshot(client: &Client, snapshot: &str) -> anyhow::Result<Vec<Stored<Item>>> {
    working_state::refresh(client).await?;
    working_state::all(client, &[("kind", KIND), ("snapshot", snapshot)]).await
}

/// Reads some items of one state, beginning after the key `after` and going round.
pub async fn some_in_state(
    client: &Client,
    scope: Scope<'_>,
    state: ItemState,
    after: &str,
    size: usize,
) -> anyhow::Result<Vec<Stored<Item>>> {
    working_state::refresh(client).await?;
    let [kind, snapshot, migration, group] = scope.filter(KIND);
    let filter = [kind, snapshot, migration, group, ("state", state.as_str())];
    let mut found: Vec<Stored<Item>> =
        working_state::page(client, &filter, Some(after), size).await?;
    if found.len() < size {
        let round: Vec<Stored<Item>> =
            working_state::page(client, &filter, None, size - found.len()).await?;
        found.extend(round.into_iter().filter(|stored| stored.key.as_str() <= after));
    }
    Ok(found)
}

/// Says why items failed, or why their last holders gave them back: a line each.
pub(crate) fn reasons(items: &[Stored<Item>]) -> Vec<String> {
    items
        .iter()
        .filter_map(|stored| {
            let Item { index, shard, error, .. } = &stored.document;
            error.as_ref().map(|error| format!("- index `{index}` shard {shard}: {error}"))
        })
        .collect()
}

/// Writes an item if its version is still `expected`; answers the new version, or `None` if it is
/// another's by now.
pub async fn save(
    client: &Client,
    expected: Version,
    item: &Item,
) -> anyhow::Result<Option<Version>> {
    working_state::replace(client, &item.key, expected, item).await
}

/// The sums over all items of a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Items to be done or under way.
    pub open: u64,
    /// Items that are done.
    pub done: u64,
    /// Items that failed.
    pub failed: u64,
    /// Documents to expect, about.
    pub documents: u64,
    /// The ledgers added up.
    pub ledger: Ledger,
    /// Grows whenever a worker takes an item or moves on.
    pub movement: u64,
}

/// Adds up all items of a scope, with one request.
pub async fn totals(client: &Client, scope: Scope<'_>) -> anyhow::Result<Totals> {
    working_state::refresh(client).await?;
    let sum = |field: &str| json!({ "sum": { "field": field } });
    let mut sums = serde_json::Map::new();
    for name in SUMS {
        sums.insert(name.to_owned(), sum(&format!("ledger.{name}")));
    }
    for name in ["documents", "position", "attempts"] {
        sums.insert(name.to_owned(), sum(name));
    }
    let body = json!({
        "size": 0,
        "query": working_state::matching(&scope.filter(KIND)),
        "aggs": { "states": { "terms": { "field": "state" }, "aggs": sums } },
    });
    let answer = working_state::search(client, body).await?.unwrap_or_default();
    totals_of(&answer).context("adding up the work items; is the working state of this version?")
}

fn totals_of(answer: &Value) -> Option<Totals> {
    let mut totals = Totals::default();
    let states = answer.pointer("/aggregations/states/buckets")?.as_array()?;
    for bucket in states {
        let count = bucket.get("doc_count")?.as_u64()?;
        match bucket.get("key")?.as_str()? {
            "open" => totals.open = count,
            "done" => totals.done = count,
            "failed" => totals.failed = count,
            _ => return None,
        }
        let sum = |name: &str| whole(bucket.get(name)?.get("value")?);
        totals.documents += sum("documents")?;
        totals.movement += sum("position")? + sum("attempts")? + count;
        totals.ledger.add(&Ledger {
            physical: sum("physical")?,
            deleted: sum("deleted")?,
            nested: sum("nested")?,
            without_source: sum("withoutSource")?,
            live: sum("live")?,
            accepted: sum("accepted")?,
            rejected: sum("rejected")?,
            bytes: sum("bytes")?,
        });
    }
    Some(totals)
}

/// Sums come as floating point numbers, which are exact up to 2^53.
fn whole(value: &Value) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let number = value.as_f64().filter(|number| *number >= 0.0 && *number <= 9e15)?;
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item::new(NewItem {
            run: "r",
            scope: Scope { snapshot: "s", migration: "m", group: "g" },
            index: "logs",
            index_id: "i",
            shard: 3,
            documents: 10,
        })
    }

    #[test]
    fn progress_clears_attempts_and_standing_still_does_not() {
        let held = Item { attempts: 2, error: Some("busy".to_owned()), ..item() };
        assert_eq!(held.clone().advanced(held.checkpoint()).attempts, 2);
        let moved = held.advanced(Checkpoint { position: 5, ledger: Ledger::default() });
        assert_eq!((moved.attempts, moved.error), (0, None));
    }

    #[test]
    fn an_item_found_goes_on_starts_again_or_changes_hands() {
        let fresh = Item { target_uuid: Some("now".to_owned()), run: "r2".to_owned(), ..item() };
        let one = Ledger { physical: 1, live: 1, accepted: 1, ..Ledger::default() };
        let refused = Ledger { physical: 1, live: 1, rejected: 1, ..Ledger::default() };
        let found = |state, ledger, uuid: Option<&str>, group: &str| Item {
            state,
            ledger,
            position: 1,
            target_uuid: uuid.map(str::to_owned),
            group: group.to_owned(),
            ..item()
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
            assert_eq!((next.position == 0, next.group.as_str()), (again, "g"), "{found:?}");
            assert_eq!(next.ledger == Ledger::default(), again, "{found:?}");
            assert_eq!(next.continued(&fresh), None, "preparing twice is preparing once");
        }
    }

    #[test]
    fn an_item_is_written_with_the_fields_that_searches_use() {
        let json = serde_json::to_value(item()).expect("JSON");
        assert_eq!(json["kind"], "item");
        assert_eq!(json["state"], ItemState::Open.as_str());
        for name in SUMS {
            assert!(json["ledger"].get(name).is_some(), "{name}");
        }
        assert_eq!(serde_json::from_value::<Item>(json).expect("an item"), item());
    }

    #[test]
    fn sums_of_all_states_are_added() {
        let value = |number: f64| json!({ "value": number });
        let mut bucket = json!({ "key": "done", "doc_count": 2, "documents": value(12.0),
            "position": value(14.0), "attempts": value(0.0) });
        for name in SUMS {
            bucket[name] = value(3.0);
        }
        let mut open = bucket.clone();
        open["key"] = json!("open");
        let answer = json!({ "aggregations": { "states": { "buckets": [bucket, open] } } });
        let totals = totals_of(&answer).expect("totals");
        assert_eq!((totals.done, totals.open, totals.failed), (2, 2, 0));
        assert_eq!((totals.documents, totals.ledger.accepted), (24, 6));
        assert_eq!(totals_of(&json!({})), None);
    }
}
