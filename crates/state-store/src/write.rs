//! How are documents of the state written?

use cluster::{Client, Repeat, Request, bulk, path};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    INDEX, PAGE_SIZE, StoreError,
    document::{Stored, Version},
    index::exists,
    read::get,
};

/// Attempts to change a document that other processes write at the same time.
const MAX_ATTEMPTS: usize = 5;

/// Writes a document, whatever is there.
pub async fn put<T: Serialize>(client: &Client, key: &str, document: &T) -> Result<(), StoreError> {
    let request = Request::put(path(&[INDEX, "_doc", key])).json(encoded(document)?);
    client.call(&request).await?;
    Ok(())
}

/// Writes a document if its version is still `expected`; returns the new version, or `None` if
/// another process wrote meanwhile.
pub async fn replace<T: Serialize>(
    client: &Client,
    key: &str,
    expected: Version,
    document: &T,
) -> Result<Option<Version>, StoreError> {
    let document = encoded(document)?;
    let request = Request::put(path(&[INDEX, "_doc", key]))
        .query("if_seq_no", expected.sequence_number.to_string())
        .query("if_primary_term", expected.primary_term.to_string())
        .json(document.clone());
    let response = client.send(&request).await?;
    if response.status == 409 {
        // A write whose answer was lost may have been executed and then repeated: what is there
        // now is ours if it is exactly what we wrote.
        let there: Option<Stored<Value>> = get(client, key).await?;
        return Ok(there.filter(|there| there.document == document).map(|there| there.version));
    }
    let Written { sequence_number, primary_term } = client.check_status(response)?.json()?;
    Ok(Some(Version { sequence_number, primary_term }))
}

/// Changes a document, if it is there and `change` returns a new one, under the condition that no
/// other process does so at the same time; returns the new version if it was written. `what`
/// names the document for people.
pub async fn change<T, E>(
    client: &Client,
    key: &str,
    what: &str,
    change: impl AsyncFnMut(T) -> Result<Option<T>, E>,
) -> Result<Option<Version>, E>
where
    T: Serialize + DeserializeOwned,
    E: From<StoreError>,
{
    let found: Option<Stored<T>> = get(client, key).await?;
    match found {
        Some(found) => change_found(client, found, what, change).await,
        None => Ok(None),
    }
}

/// As [`change`], beginning with a document that was read already.
pub async fn change_found<T, E>(
    client: &Client,
    found: Stored<T>,
    what: &str,
    mut change: impl AsyncFnMut(T) -> Result<Option<T>, E>,
) -> Result<Option<Version>, E>
where
    T: Serialize + DeserializeOwned,
    E: From<StoreError>,
{
    let mut found = Some(found);
    for _ in 0..MAX_ATTEMPTS {
        let Some(Stored { key, version, document }) = found else { return Ok(None) };
        let Some(changed) = change(document).await? else { return Ok(None) };
        let written = replace(client, &key, version, &changed).await?;
        if written.is_some() {
            return Ok(written);
        }
        found = get(client, &key).await?;
    }
    Err(StoreError::Contended { what: what.to_owned() }.into())
}

/// Writes those of the documents that are not there yet; returns how many these were.
pub async fn create_missing<T: Serialize>(
    client: &Client,
    documents: &[(String, T)],
) -> Result<u64, StoreError> {
    let mut created = 0;
    for page in documents.chunks(PAGE_SIZE) {
        let mut body = Vec::new();
        for (key, document) in page {
            write_line(&mut body, &json!({ "create": { "_id": key } }))?;
            write_line(&mut body, document)?;
        }
        for bulk::ItemResult { status, reason, .. } in send(client, body, page.len()).await? {
            let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
            match status {
                200..=299 => created += 1,
                409 => {}
                429 | 500..=599 => return Err(StoreError::Busy { reason }),
                _ => return Err(StoreError::Refused { reason }),
            }
        }
    }
    Ok(created)
}

/// Deletes documents.
pub async fn remove<T>(client: &Client, documents: &[Stored<T>]) -> Result<(), StoreError> {
    if !exists(client).await? {
        return Ok(());
    }
    for page in documents.chunks(PAGE_SIZE) {
        let mut body = Vec::new();
        for stored in page {
            write_line(&mut body, &json!({ "delete": { "_id": stored.key } }))?;
        }
        for bulk::ItemResult { status, reason, .. } in send(client, body, page.len()).await? {
            if status >= 400 && status != 404 {
                let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
                return Err(StoreError::NotDeleted { reason });
            }
        }
    }
    Ok(())
}

/// Sends a number of `actions` to the index; returns the result of each.
async fn send(
    client: &Client,
    body: Vec<u8>,
    actions: usize,
) -> Result<Vec<bulk::ItemResult>, StoreError> {
    let request = Request::post(path(&[INDEX, "_bulk"]))
        .query("filter_path", "items.*.status,items.*.error")
        .ndjson(body)
        // Creating and deleting by a fixed id may be done twice.
        .repeat(Repeat::Safe);
    let response = client.call(&request).await?;
    Ok(bulk::decode(&response, actions)?.items)
}

fn encoded<T: Serialize>(document: &T) -> Result<Value, StoreError> {
    serde_json::to_value(document).map_err(StoreError::Encode)
}

fn write_line<T: Serialize>(body: &mut Vec<u8>, value: &T) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *body, value).map_err(StoreError::Encode)?;
    body.push(b'\n');
    Ok(())
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "_seq_no")]
    sequence_number: u64,
    #[serde(rename = "_primary_term")]
    primary_term: u64,
}
