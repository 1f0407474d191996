//! How far are all items of a scope together?

use cluster::Client;
use contract::Ledger;
use serde_json::{Map, Value, json};
use state_store::Scope;

use crate::{
    FleetError,
    item::{ItemState, KIND, ledger_names},
};

/// The sums over all items of a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Items to be done or in progress.
    pub open: u64,
    /// Items that are done.
    pub done: u64,
    /// Items that failed.
    pub failed: u64,
    /// Documents to expect, about.
    pub documents: u64,
    /// The ledgers added up.
    pub ledger: Ledger,
    /// Grows whenever a worker takes an item or advances in it.
    pub movement: u64,
}

impl Totals {
    /// Returns how many items there are.
    pub fn items(&self) -> u64 {
        self.open + self.done + self.failed
    }
}

/// Adds up all items of a scope, with one request.
pub async fn totals(client: &Client, scope: &Scope) -> Result<Totals, FleetError> {
    state_store::refresh(client).await?;
    let sum = |field: &str| json!({ "sum": { "field": field } });
    let mut sums = Map::new();
    for name in ledger_names() {
        let field = format!("ledger.{name}");
        sums.insert(name, sum(&field));
    }
    for name in ["documents", "attempts"] {
        sums.insert(name.to_owned(), sum(name));
    }
    let body = json!({
        "size": 0,
        "query": state_store::matching(&scope.fields_of(KIND)),
        "aggs": { "states": { "terms": { "field": "state" }, "aggs": sums } },
    });
    let found = state_store::search(client, body).await?.unwrap_or_default();
    totals_of(&found).ok_or(FleetError::Totals)
}

fn totals_of(found: &Value) -> Option<Totals> {
    let mut totals = Totals::default();
    let states = found.pointer("/aggregations/states/buckets")?.as_array()?;
    for bucket in states {
        let count = bucket.get("doc_count")?.as_u64()?;
        let state: ItemState = serde_json::from_value(bucket.get("key")?.clone()).ok()?;
        match state {
            ItemState::Open => totals.open = count,
            ItemState::Done => totals.done = count,
            ItemState::Failed => totals.failed = count,
        }
        let sum = |name: &str| whole(bucket.get(name)?.get("value")?);
        let mut numbers = Map::new();
        for name in ledger_names() {
            let value = sum(&name)?;
            numbers.insert(name, Value::from(value));
        }
        let ledger: Ledger = serde_json::from_value(Value::Object(numbers)).ok()?;
        totals.documents += sum("documents")?;
        // Whatever a cursor passes is counted in the ledger.
        totals.movement += ledger.physical + sum("attempts")? + count;
        totals.ledger.add(&ledger);
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

    #[test]
    fn sums_of_all_states_are_added() {
        let value = |number: f64| json!({ "value": number });
        let mut bucket = json!({ "key": "done", "doc_count": 2, "documents": value(12.0),
            "attempts": value(1.0) });
        for name in ledger_names() {
            bucket[name] = value(3.0);
        }
        let mut open = bucket.clone();
        open["key"] = json!("open");
        let found = json!({ "aggregations": { "states": { "buckets": [bucket, open] } } });
        let totals = totals_of(&found).expect("totals");
        assert_eq!((totals.done, totals.open, totals.failed), (2, 2, 0));
        assert_eq!((totals.documents, totals.ledger.accepted), (24, 6));
        assert_eq!(totals.ledger.without_source, 6);
        assert_eq!(totals.movement, 2 * (3 + 1 + 2));
        assert_eq!(totals_of(&json!({})), None);
    }
}
