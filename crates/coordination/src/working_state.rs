//! Where is the state of a migration kept, and how is it written by many without a lock?
//!
//! All of it is in one index on the target, [`INDEX`]. A document has a `kind` (`group`, `item`,
//! `tuning`) and a deterministic id, so that writing it twice is writing it once; whatever several
//! processes may change is written under the condition that its version is still the one that
//! was read. No scripts, no update by query: what every target can do.

use std::fmt::Write as _;

use anyhow::Context as _;
use cluster::{Client, Repeat, Request, indices, path};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use step_api::{Exit, Failure};

use crate::faults::decoded;

/// The index that holds the state.
pub const INDEX: &str = ".migrations_working_state";

/// How many documents one search or one bulk request takes.
const PAGE: usize = 1_000;

/// The version of a document: what a conditional write names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `_seq_no`.
    pub sequence_number: u64,
    /// `_primary_term`.
    pub primary_term: u64,
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// Its id, which is also its field `key`.
    pub key: String,
    /// Its version then.
    pub version: Version,
    /// Its content.
    pub document: T,
}

/// Makes a document's id of everything that tells it from others.
pub fn key_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut key = String::new();
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// Makes the index if it is not there.
pub async fn ensure(client: &Client) -> anyhow::Result<()> {
    if exists(client).await? {
        return Ok(());
    }
    let version = cluster::version::detect(client).await.map_err(Failure::from)?;
    let typed = !version.is_opensearch() && version.major < 7;
    // Somebody else may make it meanwhile, which is as good.
    indices::create(client, INDEX, creation(typed, client.is_serverless()))
        .await
        .map(drop)
        .map_err(Failure::from)
        .with_context(|| format!("making the index `{INDEX}` for the state of the migration"))
}

/// The body that makes the index: one shard, nothing but known fields is indexed.
fn creation(typed: bool, serverless: bool) -> Value {
    let keyword = json!({ "type": "keyword" });
    let long = json!({ "type": "long" });
    let keywords = [
        "kind",
        "key",
        "run",
        "migration",
        "group",
        "snapshot",
        "repository",
        "index",
        "state",
        "holder",
    ];
    let longs = ["shard", "from", "to", "position", "documents", "attempts"];
    let ledger =
        ["physical", "deleted", "nested", "withoutSource", "live", "accepted", "rejected", "bytes"];
    let mut properties = serde_json::Map::new();
    properties.extend(keywords.map(|name| (name.to_owned(), keyword.clone())));
    properties.extend(longs.map(|name| (name.to_owned(), long.clone())));
    let ledger: serde_json::Map<_, _> =
        ledger.map(|name| (name.to_owned(), long.clone())).into_iter().collect();
    properties.insert("ledger".to_owned(), json!({ "properties": ledger }));
    let mapping = json!({ "dynamic": false, "properties": properties });
    let mapping = if typed { json!({ "_doc": mapping }) } else { mapping };
    if serverless {
        return json!({ "mappings": mapping });
    }
    let settings = json!({ "index": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s",
    } });
    json!({ "settings": settings, "mappings": mapping })
}

/// Makes everything written before visible to searches.
pub async fn refresh(client: &Client) -> anyhow::Result<()> {
    Ok(indices::refresh(client, INDEX).await.map_err(Failure::from)?)
}

/// Reads one document; neither it nor the index need be there.
pub async fn get<T: DeserializeOwned>(
    client: &Client,
    key: &str,
) -> anyhow::Result<Option<Stored<T>>> {
    let request = Request::get(path(&[INDEX, "_doc", key]));
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 404 {
        return Ok(None);
    }
    let found: Found<T> = decoded(client.accepted(response))?;
    Ok(Some(found.stored()))
}

/// Writes a document, whatever is there.
pub async fn put<T: Serialize>(client: &Client, key: &str, document: &T) -> anyhow::Result<()> {
    let request = Request::put(path(&[INDEX, "_doc", key]))
        .json(serde_json::to_value(document).context("writing a state document as JSON")?);
    client.call(&request).await.map_err(Failure::from)?;
    Ok(())
}

/// Writes a document if its version is still `expected`; answers the new version, or `None` if
/// somebody wrote meanwhile.
pub async fn replace<T: Serialize>(
    client: &Client,
    key: &str,
    expected: Version,
    document: &T,
) -> anyhow::Result<Option<Version>> {
    let request = Request::put(path(&[INDEX, "_doc", key]))
        .query("if_seq_no", expected.sequence_number.to_string())
        .query("if_primary_term", expected.primary_term.to_string())
        .json(serde_json::to_value(document).context("writing a state document as JSON")?);
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 409 {
        return Ok(None);
    }
    let written: Written = decoded(client.accepted(response))?;
    Ok(Some(written.version()))
}

/// Writes those of the documents that are not there yet; answers how many these were.
pub async fn create_missing<T: Serialize>(
    client: &Client,
    documents: &[(String, T)],
) -> anyhow::Result<u64> {
    let mut created = 0;
    for page in documents.chunks(PAGE) {
        let mut body = Vec::new();
        for (key, document) in page {
            serde_json::to_writer(&mut body, &json!({ "create": { "_id": key } }))
                .context("writing a state document as JSON")?;
            body.push(b'\n');
            serde_json::to_writer(&mut body, document)
                .context("writing a state document as JSON")?;
            body.push(b'\n');
        }
        for (status, reason) in bulk(client, body).await? {
            match status {
                200..=299 => created += 1,
                409 => {}
                429 | 500..=599 => {
                    let message = format!("the target did not take a state document now: {reason}");
                    return Err(Failure::new(Exit::Temporary, message).into());
                }
                _ => {
                    let message = format!(
                        "the target refuses a document of `{INDEX}`: {reason}; is the index of \
                         another program?"
                    );
                    return Err(Failure::new(Exit::Failed, message).into());
                }
            }
        }
    }
    Ok(created)
}

/// Sends a bulk request to the index; answers status and reason of each action.
async fn bulk(client: &Client, body: Vec<u8>) -> anyhow::Result<Vec<(u16, String)>> {
    let request = Request::post(path(&[INDEX, "_bulk"]))
        .query("filter_path", "items.*.status,items.*.error.reason")
        .ndjson(body)
        // Creating and deleting by a fixed id may be done twice.
        .repeat(Repeat::Safe);
    let answer: Value = decoded(client.call(&request).await)?;
    let items = answer.get("items").and_then(Value::as_array).into_iter().flatten();
    let results = items.filter_map(|item| item.as_object()?.values().next()).map(|result| {
        let status = result.get("status").and_then(Value::as_u64).unwrap_or(500);
        let reason = result.pointer("/error/reason").and_then(Value::as_str).unwrap_or_default();
        (u16::try_from(status).unwrap_or(500), reason.to_owned())
    });
    Ok(results.collect())
}

/// Makes the query for documents whose fields have these values.
pub fn matching(filter: &[(&str, &str)]) -> Value {
    let terms: Vec<Value> = filter
        .iter()
        .map(|(field, value)| {
            let mut term = serde_json::Map::new();
            term.insert((*field).to_owned(), Value::from(*value));
            json!({ "term": term })
        })
        .collect();
    json!({ "bool": { "filter": terms } })
}

/// Reads at most `size` documents whose keys come after `after`, in the order of keys. Without
/// the index there are none.
pub async fn page<T: DeserializeOwned>(
    client: &Client,
    filter: &[(&str, &str)],
    after: Option<&str>,
    size: usize,
) -> anyhow::Result<Vec<Stored<T>>> {
    let mut body = json!({
        "size": size,
        "seq_no_primary_term": true,
        "sort": [{ "key": "asc" }],
        "query": matching(filter),
    });
    if let (Some(after), Some(body)) = (after, body.as_object_mut()) {
        body.insert("search_after".to_owned(), json!([after]));
    }
    let Some(answer) = search(client, body).await? else { return Ok(Vec::new()) };
    let answer: Answer<T> = serde_json::from_value(answer).with_context(|| {
        format!("reading the documents of `{INDEX}`; was it written by this version?")
    })?;
    Ok(answer.hits.hits.into_iter().map(Found::stored).collect())
}

/// Searches the index; `None` if it is not there. An answer of only some shards is an error:
/// what is unknown is never taken for nothing.
pub async fn search(client: &Client, body: Value) -> anyhow::Result<Option<Value>> {
    let request = Request::post(path(&[INDEX, "_search"]))
        .query("allow_partial_search_results", "false")
        .json(body)
        .repeat(Repeat::Safe);
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 404 {
        return Ok(None);
    }
    let answer: Value = decoded(client.accepted(response))?;
    let complete = answer.pointer("/_shards/failed").and_then(Value::as_u64) == Some(0)
        && answer.get("timed_out").and_then(Value::as_bool) == Some(false);
    if !complete {
        let message = format!("a search of `{INDEX}` was not answered by all shards");
        return Err(Failure::new(Exit::Temporary, message).into());
    }
    Ok(Some(answer))
}

/// Reads all documents whose fields have these values.
pub async fn all<T: DeserializeOwned>(
    client: &Client,
    filter: &[(&str, &str)],
) -> anyhow::Result<Vec<Stored<T>>> {
    let mut found: Vec<Stored<T>> = Vec::new();
    loop {
        let after = found.last().map(|stored| stored.key.clone());
        let more = page(client, filter, after.as_deref(), PAGE).await?;
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more);
    }
}

/// Reads everything that a migration keeps about one group of one snapshot.
pub async fn scope(
    client: &Client,
    snapshot: &str,
    migration: &str,
    group: &str,
) -> anyhow::Result<Vec<Stored<Value>>> {
    if exists(client).await? {
        refresh(client).await?;
    }
    all(client, &[("snapshot", snapshot), ("migration", migration), ("group", group)]).await
}

/// Returns whether there is any state on the target.
pub async fn exists(client: &Client) -> anyhow::Result<bool> {
    Ok(indices::exists(client, INDEX).await.map_err(Failure::from)?)
}

/// Deletes documents.
pub async fn remove<T>(client: &Client, documents: &[Stored<T>]) -> anyhow::Result<()> {
    if !exists(client).await? {
        return Ok(());
    }
    for page in documents.chunks(PAGE) {
        let mut body = Vec::new();
        for stored in page {
            serde_json::to_writer(&mut body, &json!({ "delete": { "_id": stored.key } }))
                .context("writing a bulk request")?;
            body.push(b'\n');
        }
        for (status, reason) in bulk(client, body).await? {
            if status >= 400 && status != 404 {
                let message = format!("cannot delete from `{INDEX}`: {reason}");
                return Err(Failure::new(Exit::Temporary, message).into());
            }
        }
    }
    Ok(())
}

/// Removes the index if nothing is left in it. No target does both in one, so a migration that
/// begins at this moment looks again whether what it wrote stands.
pub async fn remove_if_empty(client: &Client) -> anyhow::Result<()> {
    if !exists(client).await? {
        return Ok(());
    }
    refresh(client).await?;
    let answer = search(client, json!({ "size": 1 })).await?;
    let hits = answer.as_ref().and_then(|answer| answer.pointer("/hits/hits")?.as_array());
    if hits.is_some_and(Vec::is_empty) {
        indices::delete(client, INDEX).await.map_err(Failure::from)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Answer<T> {
    hits: Hits<T>,
}

#[derive(Deserialize)]
struct Hits<T> {
    hits: Vec<Found<T>>,
}

#[derive(Deserialize)]
struct Found<T> {
    #[serde(rename = "_id")]
    key: String,
    #[serde(rename = "_seq_no")]
    sequence_number: u64,
    #[serde(rename = "_primary_term")]
    primary_term: u64,
    #[serde(rename = "_source")]
    source: T,
}

impl<T> Found<T> {
    fn stored(self) -> Stored<T> {
        let Self { key, sequence_number, primary_term, source: document } = self;
        Stored { key, version: Version { sequence_number, primary_term }, document }
    }
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "_seq_no")]
    sequence_number: u64,
    #[serde(rename = "_primary_term")]
    primary_term: u64,
}

impl Written {
    fn version(&self) -> Version {
        let Self { sequence_number, primary_term } = *self;
        Version { sequence_number, primary_term }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_wherever_their_parts_do() {
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
        assert_ne!(key_of(&["a"]), key_of(&["a", ""]));
        assert_eq!(key_of(&["a", "b"]), key_of(&["a", "b"]));
        assert_eq!(key_of(&["a"]).len(), 64);
    }

    #[test]
    fn the_mapping_is_wrapped_in_a_type_for_old_targets_only() {
        assert!(creation(true, false).pointer("/mappings/_doc/properties/key").is_some());
        assert!(creation(false, false).pointer("/mappings/properties/ledger").is_some());
        assert!(creation(false, true).get("settings").is_none());
    }
}
