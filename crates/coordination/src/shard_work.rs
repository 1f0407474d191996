//! The work of a migration from a snapshot: one shard of one index.

use std::fmt;

use fleet::Work;
use serde::{Deserialize, Serialize};
use state_store::Mapping;

/// A part of the key that is reserved for what is done to documents on the way: another
/// transformation makes another item.
const TRANSFORMATION: &str = "unchanged";

/// One shard of an index of a snapshot. The cursor is the first physical position in the shard that
/// is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardWork {
    /// The index's folder in the repository.
    pub index_id: String,
    /// The shard's number.
    pub shard: u32,
}

impl fmt::Display for ShardWork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "shard {}", self.shard)
    }
}

impl Work for ShardWork {
    const KIND: &'static str = "shard";

    type Cursor = u64;

    fn key(&self) -> Vec<String> {
        let Self { index_id, shard } = self;
        vec![index_id.clone(), shard.to_string(), TRANSFORMATION.to_owned()]
    }

    fn mapping() -> Mapping {
        Mapping::default().longs(&["shard", "position"])
    }
}

#[cfg(test)]
mod tests {
    use contract::{GroupName, IndexName, MigrationName, RunId, SnapshotUuid};
    use fleet::{Item, NewItem};
    use serde_json::json;
    use state_store::{Origin, Scope};

    use super::*;

    #[test]
    fn the_item_of_a_shard_is_written_as_an_earlier_version_writes_it() {
        let item = Item::new(NewItem {
            run: RunId::new("r"),
            scope: Scope {
                migration: MigrationName::new("m"),
                group: GroupName::new("g"),
                origin: Origin::Snapshot(SnapshotUuid::new("s")),
            },
            index: IndexName::new("logs"),
            documents: 10,
            work: ShardWork { index_id: "i".to_owned(), shard: 3 },
        });
        let expected = json!({
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
        });
        assert_eq!(serde_json::to_value(&item).expect("JSON"), expected);
        assert_eq!(item.name(), "index `logs` shard 3");
    }
}
