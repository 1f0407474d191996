//! How are documents of the state read?

use cluster::{Client, Request, indices, path};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    INDEX, PAGE_SIZE, StoreError,
    document::{Stored, Version},
    index::{exists, refresh},
    scope::Scope,
};

/// Reads one document; `None` if there is no such document, or no index.
pub async fn get<T: DeserializeOwned>(
    client: &Client,
    key: &str,
) -> Result<Option<Stored<T>>, StoreError> {
    let request = Request::get(path(&[INDEX, "_doc", key]));
    let response = client.send(&request).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let hit: Hit<T> = client.check_status(response)?.json()?;
    Ok(Some(hit.into_stored()))
}

/// Returns the query for documents whose fields have these values.
pub fn matching(filter: &[(&str, &str)]) -> Value {
    let terms: Vec<Value> = filter
        .iter()
        .map(|(field, value)| {
            let mut term = Map::new();
            term.insert((*field).to_owned(), Value::from(*value));
            json!({ "term": term })
        })
        .collect();
    json!({ "bool": { "filter": terms } })
}

/// Searches the index; `None` if there is none.
pub async fn search(client: &Client, body: Value) -> Result<Option<Value>, StoreError> {
    Ok(indices::search(client, INDEX, body).await?)
}

/// Reads at most `size` documents whose keys come after `after`, in the order of keys. Without
/// the index there are none.
pub async fn page<T: DeserializeOwned>(
    client: &Client,
    filter: &[(&str, &str)],
    after: Option<&str>,
    size: usize,
) -> Result<Vec<Stored<T>>, StoreError> {
    let mut body = json!({
        "size": size,
        "seq_no_primary_term": true,
        "sort": [{ "key": "asc" }],
        "query": matching(filter),
    });
    if let (Some(after), Some(body)) = (after, body.as_object_mut()) {
        body.insert("search_after".to_owned(), json!([after]));
    }
    let Some(found) = search(client, body).await? else { return Ok(Vec::new()) };
    let found: Found<T> = serde_json::from_value(found).map_err(StoreError::Decode)?;
    Ok(found.hits.hits.into_iter().map(Hit::into_stored).collect())
}

/// Reads all documents whose fields have these values.
pub async fn all<T: DeserializeOwned>(
    client: &Client,
    filter: &[(&str, &str)],
) -> Result<Vec<Stored<T>>, StoreError> {
    let mut found: Vec<Stored<T>> = Vec::new();
    loop {
        let after = found.last().map(|stored| stored.key.clone());
        let more = page(client, filter, after.as_deref(), PAGE_SIZE).await?;
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more);
    }
}

/// Reads every document of a scope, of whatever kind.
pub async fn of_scope<T: DeserializeOwned>(
    client: &Client,
    scope: &Scope,
) -> Result<Vec<Stored<T>>, StoreError> {
    if !exists(client).await? {
        return Ok(Vec::new());
    }
    refresh(client).await?;
    all(client, &scope.fields()).await
}

#[derive(Deserialize)]
struct Found<T> {
    hits: Hits<T>,
}

#[derive(Deserialize)]
struct Hits<T> {
    hits: Vec<Hit<T>>,
}

#[derive(Deserialize)]
struct Hit<T> {
    #[serde(rename = "_id")]
    key: String,
    #[serde(rename = "_seq_no")]
    sequence_number: u64,
    #[serde(rename = "_primary_term")]
    primary_term: u64,
    #[serde(rename = "_source")]
    source: T,
}

impl<T> Hit<T> {
    fn into_stored(self) -> Stored<T> {
        let Self { key, sequence_number, primary_term, source: document } = self;
        Stored { key, version: Version { sequence_number, primary_term }, document }
    }
}
