//! Where is the state of a migration kept, and how is it written by many without a lock?
//!
//! All of it is in one index on the target, [`INDEX`]. A document has a `kind` (`group`, `item`,
//! `tuning`, `run`) and a deterministic id, so that writing it twice is writing it once; whatever
//! several processes may change is written under the condition that its version is still the one
//! that was read ([`replace`]). No scripts, no update by query: what every target can do.

mod index;

use std::fmt::Write as _;

use anyhow::Context as _;
use cluster::{Client, Repeat, Request, bulk, indices, path};
use contract::{Exit, Failure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub use self::index::{INDEX, ensure, exists, refresh, remove_if_empty};
use crate::faults::decoded;

/// Tries to change a document that somebody else writes at the same time.
const ATTEMPTS: usize = 5;

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
    let found: Found<T> = decoded(client.check_status(response))?;
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
    let document = serde_json::to_value(document).context("writing a state document as JSON")?;
    let request = Request::put(path(&[INDEX, "_doc", key]))
        .query("if_seq_no", expected.sequence_number.to_string())
        .query("if_primary_term", expected.primary_term.to_string())
        .json(document.clone());
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 409 {
        // A write of which we did not hear the end may have been executed and then repeated: what
        // is there now is ours if it is exactly what we wrote.
        let there: Option<Stored<Value>> = get(client, key).await?;
        return Ok(there.filter(|there| there.document == document).map(|there| there.version));
    }
    let written: Written = decoded(client.check_status(response))?;
    Ok(Some(written.version()))
}

/// Changes a document, if it is there and `change` wants to, under the condition that nobody else
/// does so at the same time; answers the new version if it was written. `what` names the document
/// for people.
pub(crate) async fn change<T: Serialize + DeserializeOwned>(
    client: &Client,
    key: &str,
    what: &str,
    mut change: impl FnMut(T) -> Result<Option<T>, Failure>,
) -> anyhow::Result<Option<Version>> {
    for _ in 0..ATTEMPTS {
        let there: Option<Stored<T>> = get(client, key).await?;
        let Some(Stored { version, document, .. }) = there else { return Ok(None) };
        let Some(changed) = change(document)? else { return Ok(None) };
        let written = replace(client, key, version, &changed).await?;
        if written.is_some() {
            return Ok(written);
        }
    }
    let message = format!("{what} in `{INDEX}` changes all the time; try again");
    Err(Failure::new(Exit::Temporary, message).into())
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
        for bulk::ItemResult { status, reason, .. } in send(client, body, page.len()).await? {
            let reason = reason.as_deref().unwrap_or("no reason given");
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

/// Sends a number of `actions` to the index; answers what became of each.
async fn send(
    client: &Client,
    body: Vec<u8>,
    actions: usize,
) -> anyhow::Result<Vec<bulk::ItemResult>> {
    let request = Request::post(path(&[INDEX, "_bulk"]))
        .query("filter_path", "items.*.status,items.*.error")
        .ndjson(body)
        // Creating and deleting by a fixed id may be done twice.
        .repeat(Repeat::Safe);
    let response = client.call(&request).await.map_err(Failure::from)?;
    Ok(bulk::decode(&response, actions).map_err(Failure::from)?.items)
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

/// Searches the index; `None` if it is not there.
pub async fn search(client: &Client, body: Value) -> anyhow::Result<Option<Value>> {
    Ok(indices::search(client, INDEX, body).await.map_err(Failure::from)?)
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
    if !exists(client).await? {
        return Ok(Vec::new());
    }
    refresh(client).await?;
    all(client, &[("snapshot", snapshot), ("migration", migration), ("group", group)]).await
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
        for bulk::ItemResult { status, reason, .. } in send(client, body, page.len()).await? {
            if status >= 400 && status != 404 {
                let reason = reason.as_deref().unwrap_or("no reason given");
                let message = format!("cannot delete from `{INDEX}` now: {reason}");
                return Err(Failure::new(Exit::Temporary, message).into());
            }
        }
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
}
