//! Where do the documents go that the target refuses, and how are they kept once only?
//!
//! Each one becomes a document of [`INDEX`] on the target, with the reason and its source as
//! text. Its id is made of the snapshot, the shard and the position, so writing it twice changes
//! nothing. Only after that does the ledger count it as rejected.

use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::{Client, Repeat, Request, bulk::ItemResult, indices, path};
use contract::{Exit, Failure};
use coordination::working_state::{self, key_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::{Item, Scope};

/// The index that holds the documents that the target refused.
pub const INDEX: &str = ".argosy-failed-documents";

/// Documents deleted with one request.
const FORGOTTEN_AT_ONCE: usize = 1_000;

/// How often a deletion is tried, and the pause after the first time; each one is longer.
const DELETE_ATTEMPTS: u32 = 8;
const DELETE_PAUSE: Duration = Duration::from_secs(1);

/// The first reasons that a message shows.
const SHOWN: usize = 5;

/// A document that the target refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedDocument {
    pub(crate) key: String,
    pub(crate) run: String,
    pub(crate) migration: String,
    pub(crate) group: String,
    pub(crate) snapshot: String,
    pub(crate) item: String,
    pub(crate) index: String,
    pub(crate) shard: u32,
    pub(crate) position: u64,
    pub(crate) id: String,
    pub(crate) routing: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// Absent if it is no text, or too large for this index too.
    pub(crate) source: Option<String>,
}

/// What was refused, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) position: u64,
    pub(crate) id: &'a str,
    pub(crate) routing: Option<&'a str>,
    pub(crate) kind: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) source: &'a [u8],
}

impl FailedDocument {
    pub(crate) fn new(item: &Item, run: &str, refusal: Refusal<'_>) -> Self {
        let Refusal { position, id, routing, kind, reason, source } = refusal;
        let shard = item.shard.to_string();
        Self {
            key: key_of(&[&item.snapshot, &item.index_id, &shard, &position.to_string()]),
            run: run.to_owned(),
            migration: item.migration.clone(),
            group: item.group.clone(),
            snapshot: item.snapshot.clone(),
            item: item.key.clone(),
            index: item.index.clone(),
            shard: item.shard,
            position,
            id: id.to_owned(),
            routing: routing.map(str::to_owned),
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            source: std::str::from_utf8(source).ok().map(str::to_owned),
        }
    }
}

/// Makes the index if it is not there.
pub(crate) async fn ensure(client: &Client) -> anyhow::Result<()> {
    if indices::exists(client, INDEX).await.map_err(Failure::from)? {
        return Ok(());
    }
    // Somebody else may make it meanwhile, which is as good.
    indices::create(client, INDEX, creation(client.is_serverless()))
        .await
        .map(drop)
        .map_err(Failure::from)
        .with_context(|| format!("making the index `{INDEX}` for refused documents"))
}

fn creation(serverless: bool) -> Value {
    let keywords =
        ["key", "run", "migration", "group", "snapshot", "item", "index", "id", "routing", "type"];
    let mut properties = serde_json::Map::new();
    properties.extend(
        keywords.map(|name| (name.to_owned(), json!({ "type": "keyword", "ignore_above": 1024 }))),
    );
    properties
        .extend(["shard", "position"].map(|name| (name.to_owned(), json!({ "type": "long" }))));
    properties.insert("reason".to_owned(), json!({ "type": "text" }));
    // The source is kept as text and not searched: it may be anything.
    let mapping = json!({ "dynamic": false, "properties": properties });
    if serverless {
        return json!({ "mappings": mapping });
    }
    json!({
        "settings": { "index": { "number_of_shards": 1, "auto_expand_replicas": "0-1" } },
        "mappings": mapping,
    })
}

/// Writes documents, one request each if all at once are too large.
pub(crate) async fn write(client: &Client, documents: &[FailedDocument]) -> anyhow::Result<()> {
    if documents.is_empty() || write_at_once(client, documents).await? {
        return Ok(());
    }
    for document in documents {
        if write_at_once(client, std::slice::from_ref(document)).await? {
            continue;
        }
        let without = FailedDocument { source: None, ..document.clone() };
        if !write_at_once(client, &[without]).await? {
            bail!("`{INDEX}` does not take the refused document `{}`", document.id);
        }
    }
    Ok(())
}

/// Answers `false` if the request was too large.
async fn write_at_once(client: &Client, documents: &[FailedDocument]) -> anyhow::Result<bool> {
    let mut body = Vec::new();
    for document in documents {
        serde_json::to_writer(&mut body, &json!({ "index": { "_id": document.key } }))?;
        body.push(b'\n');
        serde_json::to_writer(&mut body, document)?;
        body.push(b'\n');
    }
    let request = Request::post(path(&[INDEX, "_bulk"]))
        .query("filter_path", "items.*.status,items.*.error")
        .ndjson(body)
        .repeat(Repeat::Safe);
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 413 {
        return Ok(false);
    }
    let response = client.check_status(response).map_err(Failure::from)?;
    let answer = cluster::bulk::decode(&response, documents.len()).map_err(Failure::from)?;
    if let Some(refused) = answer.items.iter().find(|item| !item.is_accepted()) {
        let reason = refused.reason.as_deref().unwrap_or("no reason given");
        bail!("`{INDEX}` does not take a refused document: {reason}");
    }
    Ok(true)
}

/// Returns the first reasons for which documents of a group were refused, a line each.
pub(crate) async fn first_reasons(
    client: &Client,
    Scope { snapshot, migration, group }: Scope<'_>,
) -> anyhow::Result<Vec<String>> {
    refresh(client).await?;
    let body = json!({
        "size": SHOWN,
        "sort": [{ "key": "asc" }],
        "query": working_state::matching(&[
            ("snapshot", snapshot), ("migration", migration), ("group", group),
        ]),
    });
    let found = hits(client, body).await?.unwrap_or_default();
    let reason = |mut hit: Value| {
        let source = hit.get_mut("_source").map(Value::take).unwrap_or_default();
        let FailedDocument { index, id, kind, reason, .. } = serde_json::from_value(source)?;
        Ok(format!("index `{index}` document `{id}`: {kind}: {reason}"))
    };
    let reasons: Result<_, serde_json::Error> = found.into_iter().map(reason).collect();
    reasons.with_context(|| format!("reading `{INDEX}`; was it written by this version?"))
}

/// Makes what was written before visible to searches; the index need not be there.
async fn refresh(client: &Client) -> anyhow::Result<()> {
    match indices::refresh(client, INDEX).await {
        Err(error) if !error.is_missing() => Err(Failure::from(error).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Searches all shards; `None` if there is no index.
async fn hits(client: &Client, body: Value) -> anyhow::Result<Option<Vec<Value>>> {
    let answer = indices::search(client, INDEX, body).await.map_err(Failure::from)?;
    let Some(mut answer) = answer else { return Ok(None) };
    match answer.pointer_mut("/hits/hits").map(Value::take) {
        Some(Value::Array(hits)) => Ok(Some(hits)),
        _ => bail!("a search of `{INDEX}` was answered without hits"),
    }
}

/// Deletes what was kept for one item, which is about to be done again.
pub(crate) async fn forget(client: &Client, item: &Item) -> anyhow::Result<()> {
    refresh(client).await?;
    // Each page begins after the last one, so that a search that still finds what was deleted
    // comes to an end too.
    let mut after: Option<String> = None;
    loop {
        let mut body = json!({
            "size": FORGOTTEN_AT_ONCE,
            "_source": false,
            "sort": [{ "key": "asc" }],
            "query": { "term": { "item": item.key } },
        });
        if let Some(after) = &after {
            body["search_after"] = json!([after]);
        }
        let Some(hits) = hits(client, body).await? else { return Ok(()) };
        let keys: Vec<String> =
            hits.iter().filter_map(|hit| hit.get("_id")?.as_str().map(str::to_owned)).collect();
        let Some(last) = keys.last() else { return Ok(()) };
        after = Some(last.clone());
        delete(client, keys).await?;
    }
}

/// Deletes documents; those for which the target is too busy are tried again after a pause.
async fn delete(client: &Client, mut keys: Vec<String>) -> anyhow::Result<()> {
    for attempt in 1_u32.. {
        let mut body = Vec::new();
        for key in &keys {
            serde_json::to_writer(&mut body, &json!({ "delete": { "_id": key } }))?;
            body.push(b'\n');
        }
        let request = Request::post(path(&[INDEX, "_bulk"]))
            .query("filter_path", "items.*.status,items.*.error")
            .ndjson(body)
            .repeat(Repeat::Safe);
        let response = client.call(&request).await.map_err(Failure::from)?;
        let answer = cluster::bulk::decode(&response, keys.len()).map_err(Failure::from)?;
        let (left, reason) = not_deleted(keys, &answer.items);
        let Some(reason) = reason else { return Ok(()) };
        if attempt >= DELETE_ATTEMPTS {
            let message = format!("`{INDEX}` does not delete its documents: {reason}");
            return Err(Failure::new(Exit::Temporary, message).into());
        }
        keys = left;
        tokio::time::sleep(DELETE_PAUSE * attempt).await;
    }
    Ok(())
}

/// Returns what is still there, and why. A document that was not there is gone.
fn not_deleted(keys: Vec<String>, items: &[ItemResult]) -> (Vec<String>, Option<String>) {
    let mut reason = None;
    let mut left = Vec::new();
    for (key, item) in keys.into_iter().zip(items) {
        let is_gone = item.is_accepted() || (item.status == 404 && item.error_type.is_none());
        if !is_gone {
            let told = item.reason.as_deref().unwrap_or("no reason given");
            reason = Some(format!("status {}: {told}", item.status));
            left.push(key);
        }
    }
    (left, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::NewItem;

    #[test]
    fn a_refused_document_is_written_under_one_id_however_often() {
        let item = Item::new(NewItem {
            run: "r",
            scope: Scope { snapshot: "s", migration: "m", group: "g" },
            index: "logs",
            index_id: "i",
            shard: 0,
            documents: 1,
        });
        let refusal = Refusal {
            position: 7,
            id: "a",
            routing: None,
            kind: "mapper_parsing_exception",
            reason: "no number",
            source: b"\xff",
        };
        let first = FailedDocument::new(&item, "run-1", refusal);
        let second = FailedDocument::new(&item, "run-2", refusal);
        assert_eq!(first.key, second.key);
        assert_eq!(first.source, None);
        let other = FailedDocument::new(&item, "run-1", Refusal { position: 8, ..refusal });
        assert_ne!(first.key, other.key);
    }

    #[test]
    fn a_deletion_that_was_refused_is_tried_again_and_a_missing_document_is_gone() {
        let item = |status, reason: Option<&str>| ItemResult {
            status,
            error_type: reason.map(|_| "rejected".to_owned()),
            reason: reason.map(str::to_owned),
        };
        let keys = || ["a", "b", "c"].map(str::to_owned).to_vec();
        let items = [item(200, None), item(429, Some("queue full")), item(404, None)];
        let (left, reason) = not_deleted(keys(), &items);
        assert_eq!(left, ["b"]);
        assert_eq!(reason.as_deref(), Some("status 429: queue full"));
        let items = [item(200, None), item(404, None), item(404, Some("no such index"))];
        assert_eq!(not_deleted(keys(), &items).0, ["c"]);
    }
}
