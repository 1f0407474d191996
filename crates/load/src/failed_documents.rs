//! Where are the documents kept that the target rejects, and how is each kept once only?
//!
//! Each one becomes a document of [`INDEX`] on the target, with the reason and its source as
//! text. Its id is made of where it comes from and its position there, so writing it twice changes
//! nothing. Only after that does the ledger count it as rejected.

use std::time::Duration;

use cluster::{Client, Repeat, Request, bulk::ItemResult, indices, path};
use contract::{IndexName, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state_store::{
    Mapping, Scope, key_of,
    own_index::{self, OwnIndex},
};

use crate::{FAILED_DOCUMENTS_INDEX as INDEX, LoadError};

/// Documents deleted with one request.
const DELETE_PAGE_SIZE: usize = 1_000;

/// Attempts to delete a document, and the pause after the first one; each pause is longer.
const MAX_DELETE_ATTEMPTS: u32 = 8;
const DELETE_PAUSE: Duration = Duration::from_secs(1);

/// The first reasons that a message shows.
const MAX_REASONS: usize = 5;

/// Where the documents of a load come from. It is written beside each one that is rejected.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The run that loads.
    pub run: RunId,
    /// The migration, the group and the origin.
    pub scope: Scope,
    /// The id of the work item.
    pub item: String,
    /// The index that is filled.
    pub index: IndexName,
    /// What distinguishes these documents from all others of the same origin; with the position of
    /// a document it makes the id under which the document is kept.
    pub identity: Vec<String>,
    /// What else is written, such as the number of the shard.
    pub fields: Map<String, Value>,
}

/// A document that the target rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailedDocument {
    pub(crate) key: String,
    pub(crate) run: RunId,
    #[serde(flatten)]
    pub(crate) scope: Scope,
    pub(crate) item: String,
    pub(crate) index: IndexName,
    pub(crate) position: u64,
    pub(crate) id: String,
    pub(crate) routing: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// Absent if it is no text, or too large for this index too.
    pub(crate) source: Option<String>,
    #[serde(flatten)]
    pub(crate) fields: Map<String, Value>,
}

/// What was rejected, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejection<'a> {
    pub(crate) position: u64,
    pub(crate) id: &'a str,
    pub(crate) routing: Option<&'a str>,
    pub(crate) kind: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) source: &'a [u8],
}

impl FailedDocument {
    pub(crate) fn new(from: &Provenance, rejection: Rejection<'_>) -> Self {
        let Rejection { position, id, routing, kind, reason, source } = rejection;
        let Provenance { run, scope, item, index, identity, fields } = from;
        let place = position.to_string();
        let (_, origin) = scope.origin.field();
        let mut parts = vec![origin];
        parts.extend(identity.iter().map(String::as_str));
        parts.push(&place);
        Self {
            key: key_of(&parts),
            run: run.clone(),
            scope: scope.clone(),
            item: item.clone(),
            index: index.clone(),
            position,
            id: id.to_owned(),
            routing: routing.map(str::to_owned),
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            source: std::str::from_utf8(source).ok().map(str::to_owned),
            fields: fields.clone(),
        }
    }
}

/// Creates the index if it is missing; `fields` are those of [`Provenance::fields`].
pub async fn ensure(client: &Client, fields: &Mapping) -> Result<(), LoadError> {
    if let Some(found) = indices::get(client, INDEX).await? {
        return Ok(own_index::correct(client, INDEX, &found).await?);
    }
    let properties = properties(fields);
    let index = OwnIndex { name: INDEX, purpose: "rejected documents", properties };
    Ok(own_index::create(client, &index).await?)
}

/// The source is kept as text and not searched: it may be anything.
fn properties(fields: &Mapping) -> Value {
    let keywords = ["key", "run", "item", "index", "id", "routing", "type"];
    let mut properties = Map::new();
    for name in Scope::FIELDS.into_iter().chain(keywords) {
        properties.insert(name.to_owned(), json!({ "type": "keyword", "ignore_above": 1024 }));
    }
    properties.insert("position".to_owned(), json!({ "type": "long" }));
    properties.insert("reason".to_owned(), json!({ "type": "text" }));
    if let Value::Object(fields) = fields.properties() {
        properties.extend(fields);
    }
    Value::Object(properties)
}

/// Writes documents, one request each if all together are too large.
pub(crate) async fn write(client: &Client, documents: &[FailedDocument]) -> Result<(), LoadError> {
    if documents.is_empty() || write_together(client, documents).await? {
        return Ok(());
    }
    for document in documents {
        if write_together(client, std::slice::from_ref(document)).await? {
            continue;
        }
        let without = FailedDocument { source: None, ..document.clone() };
        if !write_together(client, &[without]).await? {
            return Err(LoadError::NotKept {
                id: document.id.clone(),
                reason: "it is too large even without its source".to_owned(),
            });
        }
    }
    Ok(())
}

/// Returns `false` if the request was too large.
async fn write_together(client: &Client, documents: &[FailedDocument]) -> Result<bool, LoadError> {
    let mut body = Vec::new();
    for document in documents {
        write_line(&mut body, &json!({ "index": { "_id": document.key } }))?;
        write_line(&mut body, document)?;
    }
    let request = Request::post(path(&[INDEX, "_bulk"]))
        .query("filter_path", "items.*.status,items.*.error")
        .ndjson(body)
        .repeat(Repeat::Safe);
    let response = client.send(&request).await?;
    if response.status == 413 {
        return Ok(false);
    }
    let response = client.check_status(response)?;
    let answer = cluster::bulk::decode(&response, documents.len())?;
    for (document, item) in documents.iter().zip(&answer.items) {
        if !item.is_accepted() {
            let reason = item.reason.as_deref().unwrap_or("no reason given");
            return Err(LoadError::NotKept { id: document.id.clone(), reason: reason.to_owned() });
        }
    }
    Ok(true)
}

/// Returns the first reasons for which documents of a group were rejected, a line each.
pub async fn first_reasons(client: &Client, scope: &Scope) -> Result<Vec<String>, LoadError> {
    refresh(client).await?;
    let body = json!({
        "size": MAX_REASONS,
        "sort": [{ "key": "asc" }],
        "query": state_store::matching(&scope.fields()),
    });
    let found = hits(client, body).await?.unwrap_or_default();
    let reason = |mut hit: Value| {
        let source = hit.get_mut("_source").map(Value::take).unwrap_or_default();
        let FailedDocument { index, id, kind, reason, .. } = serde_json::from_value(source)?;
        Ok(format!("index `{index}` document `{id}`: {kind}: {reason}"))
    };
    let reasons: Result<_, serde_json::Error> = found.into_iter().map(reason).collect();
    reasons.map_err(LoadError::Decode)
}

/// Makes what was written before visible to searches; the index need not be there.
async fn refresh(client: &Client) -> Result<(), LoadError> {
    match indices::refresh(client, INDEX).await {
        Err(error) if !error.is_missing() => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Searches all shards; `None` if there is no index.
async fn hits(client: &Client, body: Value) -> Result<Option<Vec<Value>>, LoadError> {
    let answer = indices::search(client, INDEX, body).await?;
    let Some(mut answer) = answer else { return Ok(None) };
    match answer.pointer_mut("/hits/hits").map(Value::take) {
        Some(Value::Array(hits)) => Ok(Some(hits)),
        _ => Err(LoadError::NoHits),
    }
}

/// Deletes what was kept for one work item, which is about to be done again.
pub async fn forget(client: &Client, item: &str) -> Result<(), LoadError> {
    refresh(client).await?;
    // Each page begins after the last one, so that a search that still finds what was deleted
    // comes to an end too.
    let mut after: Option<String> = None;
    loop {
        let mut body = json!({
            "size": DELETE_PAGE_SIZE,
            "_source": false,
            "sort": [{ "key": "asc" }],
            "query": { "term": { "item": item } },
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
async fn delete(client: &Client, mut keys: Vec<String>) -> Result<(), LoadError> {
    for attempt in 1_u32.. {
        let mut body = Vec::new();
        for key in &keys {
            write_line(&mut body, &json!({ "delete": { "_id": key } }))?;
        }
        let request = Request::post(path(&[INDEX, "_bulk"]))
            .query("filter_path", "items.*.status,items.*.error")
            .ndjson(body)
            .repeat(Repeat::Safe);
        let response = client.call(&request).await?;
        let answer = cluster::bulk::decode(&response, keys.len())?;
        let (left, reason) = not_deleted(keys, &answer.items);
        let Some(reason) = reason else { return Ok(()) };
        if attempt >= MAX_DELETE_ATTEMPTS {
            return Err(LoadError::NotDeleted { reason });
        }
        keys = left;
        tokio::time::sleep(DELETE_PAUSE * attempt).await;
    }
    Ok(())
}

/// Returns what is still there, and why. A document that was missing is gone.
fn not_deleted(keys: Vec<String>, items: &[ItemResult]) -> (Vec<String>, Option<String>) {
    let mut reason = None;
    let mut left = Vec::new();
    for (key, item) in keys.into_iter().zip(items) {
        let is_gone = item.is_accepted() || (item.status == 404 && item.error_type.is_none());
        if !is_gone {
            let said = item.reason.as_deref().unwrap_or("no reason given");
            reason = Some(format!("status {}: {said}", item.status));
            left.push(key);
        }
    }
    (left, reason)
}

fn write_line<T: Serialize>(body: &mut Vec<u8>, value: &T) -> Result<(), LoadError> {
    serde_json::to_writer(&mut *body, value).map_err(LoadError::Encode)?;
    body.push(b'\n');
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use contract::{GroupName, MigrationName, SnapshotUuid};
    use state_store::Origin;

    use super::*;

    pub(crate) fn provenance(run: &str) -> Provenance {
        Provenance {
            run: RunId::new(run),
            scope: Scope {
                migration: MigrationName::new("m"),
                group: GroupName::new("g"),
                origin: Origin::Snapshot(SnapshotUuid::new("s")),
            },
            item: "k".to_owned(),
            index: IndexName::new("logs"),
            identity: vec!["i".to_owned(), "0".to_owned()],
            fields: [("shard".to_owned(), json!(0))].into_iter().collect(),
        }
    }

    const REJECTION: Rejection<'_> = Rejection {
        position: 7,
        id: "a",
        routing: None,
        kind: "mapper_parsing_exception",
        reason: "no number",
        source: b"\xff",
    };

    #[test]
    fn a_rejected_document_is_written_under_one_id_however_often() {
        let first = FailedDocument::new(&provenance("run-1"), REJECTION);
        let second = FailedDocument::new(&provenance("run-2"), REJECTION);
        assert_eq!(first.key, second.key);
        assert_eq!(first.source, None);
        let rejection = Rejection { position: 8, ..REJECTION };
        assert_ne!(first.key, FailedDocument::new(&provenance("run-1"), rejection).key);
    }

    #[test]
    fn a_rejected_document_is_written_as_an_earlier_version_writes_it() {
        let rejection = Rejection { source: b"{}", ..REJECTION };
        let document = FailedDocument::new(&provenance("r"), rejection);
        let expected = json!({
            "key": key_of(&["s", "i", "0", "7"]),
            "run": "r",
            "migration": "m",
            "group": "g",
            "snapshot": "s",
            "item": "k",
            "index": "logs",
            "shard": 0,
            "position": 7,
            "id": "a",
            "routing": null,
            "type": "mapper_parsing_exception",
            "reason": "no number",
            "source": "{}",
        });
        assert_eq!(serde_json::to_value(&document).expect("JSON"), expected);
        let read: FailedDocument = serde_json::from_value(expected).expect("a document");
        assert_eq!(read, document);
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
