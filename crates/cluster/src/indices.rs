//! How are indices listed, created, refreshed, counted and searched?

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    client::Client,
    error::ClusterError,
    request::{Repeat, Request, path},
    response::Response,
};

/// One index, as the cluster lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IndexSummary {
    /// Its name.
    #[serde(rename = "index")]
    pub name: String,
    /// `green`, `yellow` or `red`; `None` for closed indices of older clusters.
    #[serde(default)]
    pub health: Option<String>,
    /// `open` or `close`.
    #[serde(default)]
    pub status: Option<String>,
    /// Its uuid.
    #[serde(default)]
    pub uuid: Option<String>,
    /// The number of primary shards.
    #[serde(default, rename = "pri", deserialize_with = "number")]
    pub primaries: Option<u64>,
    /// The number of replicas of each primary shard.
    #[serde(default, rename = "rep", deserialize_with = "number")]
    pub replicas: Option<u64>,
    /// Lucene documents that are not deleted, including nested ones; `None` if the index is closed.
    #[serde(default, rename = "docs.count", deserialize_with = "number")]
    pub documents: Option<u64>,
    /// The size of the primary shards in bytes.
    #[serde(default, rename = "pri.store.size", deserialize_with = "number")]
    pub bytes: Option<u64>,
}

impl IndexSummary {
    /// Returns whether the index is closed.
    pub fn is_closed(&self) -> bool {
        self.status.as_deref() == Some("close")
    }
}

/// The cat API writes numbers as strings, and null for unknown values.
fn number<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn list_request() -> Request {
    Request::get("/_cat/indices")
        .query("format", "json")
        .query("bytes", "b")
        .query("h", "index,health,status,uuid,pri,rep,docs.count,pri.store.size")
        .query("expand_wildcards", "all")
}

/// Lists all indices by name, including hidden and closed ones.
pub async fn list(client: &Client) -> Result<Vec<IndexSummary>, ClusterError> {
    let mut request = list_request();
    let mut response = client.send(&request).await?;
    if response.status == 400 {
        // Older clusters have neither hidden indices nor this parameter.
        request.query.retain(|(name, _)| name != "expand_wildcards");
        response = client.send(&request).await?;
    }
    let mut indices: Vec<IndexSummary> = client.check_status(response)?.json()?;
    indices.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(indices)
}

/// Returns whether an index (or alias, or data stream) of this name exists.
pub async fn exists(client: &Client, name: &str) -> Result<bool, ClusterError> {
    let response = client.send(&Request::head(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.check_status(response).map(|_| true)
}

/// The result of creating an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The index was created.
    Created,
    /// An index of this name existed before and was not changed.
    Exists,
}

/// Creates an index with `settings`, `mappings` and `aliases` of `body`.
pub async fn create(client: &Client, name: &str, body: Value) -> Result<Creation, ClusterError> {
    let response = client.send(&Request::put(path(&[name])).json(body)).await?;
    if response.status == 400
        && matches!(
            response.error_type().as_deref(),
            Some("resource_already_exists_exception" | "index_already_exists_exception")
        )
    {
        return Ok(Creation::Exists);
    }
    client.check_status(response).map(|_| Creation::Created)
}

/// Deletes an index; returns whether there was one.
pub async fn delete(client: &Client, name: &str) -> Result<bool, ClusterError> {
    let response = client.send(&Request::delete(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.check_status(response).map(|_| true)
}

/// Returns the settings, mappings and aliases of an index, or `None` if there is none.
pub async fn get(client: &Client, name: &str) -> Result<Option<Value>, ClusterError> {
    let response = client.send(&Request::get(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let mut found: BTreeMap<String, Value> = client.check_status(response)?.json()?;
    // For an alias, the response has the name of the index.
    Ok(found.remove(name).or_else(|| found.into_values().next()))
}

/// Returns the UUID of an index, which changes when the index is deleted and created again; `None`
/// if the cluster does not report it.
pub async fn uuid(client: &Client, name: &str) -> Result<Option<String>, ClusterError> {
    let request = Request::get(path(&[name, "_settings"])).query("flat_settings", "true");
    let answer: BTreeMap<String, Value> = client.call(&request).await?.json()?;
    let uuid = answer.get(name).and_then(|index| index.get("settings")?.get("index.uuid"));
    Ok(uuid.and_then(Value::as_str).map(str::to_owned))
}

/// Makes all writes to an index visible to searches, in all of its shards.
pub async fn refresh(client: &Client, name: &str) -> Result<(), ClusterError> {
    let request = Request::post(path(&[name, "_refresh"])).repeat(Repeat::Safe);
    let response = client.send(&request).await?;
    if client.is_serverless() {
        // A collection has no such API and refreshes by itself.
        return Ok(());
    }
    let response = client.check_status(response)?;
    let Sharded { shards } = response.json()?;
    shards.without_failure(&response)
}

/// Counts the documents of an index, without nested ones. A shard that did not respond is an error,
/// because unknown is not zero.
pub async fn count(client: &Client, name: &str) -> Result<u64, ClusterError> {
    #[derive(Deserialize)]
    struct Answer {
        count: u64,
        #[serde(rename = "_shards")]
        shards: Shards,
    }
    let response = client.call(&Request::get(path(&[name, "_count"]))).await?;
    let Answer { count, shards } = response.json()?;
    shards.all_responded(&response)?;
    Ok(count)
}

/// Searches an index; returns `None` if there is none. A shard that did not respond is an error,
/// because unknown is not nothing.
pub async fn search(
    client: &Client,
    name: &str,
    body: Value,
) -> Result<Option<Value>, ClusterError> {
    #[derive(Deserialize)]
    struct Answer {
        timed_out: bool,
        #[serde(rename = "_shards")]
        shards: Shards,
    }
    let request = Request::post(path(&[name, "_search"])).json(body).repeat(Repeat::Safe);
    let response = client.send(&request).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let response = client.check_status(response)?;
    let Answer { timed_out, shards } = response.json()?;
    shards.all_responded(&response)?;
    if timed_out {
        return Err(incomplete(
            &response,
            "the search timed out; check the load of the cluster".to_owned(),
        ));
    }
    response.json().map(Some)
}

/// A response that combines those of several shards.
#[derive(Deserialize)]
struct Sharded {
    #[serde(rename = "_shards")]
    shards: Shards,
}

#[derive(Deserialize)]
struct Shards {
    total: u64,
    successful: u64,
    failed: u64,
}

impl Shards {
    /// Checks that no shard failed. Unassigned copies are neither successful nor failed, and are
    /// accepted.
    fn without_failure(&self, response: &Response) -> Result<(), ClusterError> {
        let Self { total, successful: _, failed } = *self;
        if failed == 0 {
            return Ok(());
        }
        let problem = format!("{failed} of {total} shards failed; check the health of the cluster");
        Err(incomplete(response, problem))
    }

    /// Checks that all shards responded. A search uses one copy of each shard; a shard without any
    /// copy is left out, and is not counted as failed.
    fn all_responded(&self, response: &Response) -> Result<(), ClusterError> {
        let Self { total, successful, failed } = *self;
        if failed == 0 && successful == total {
            return Ok(());
        }
        let problem =
            format!("{successful} of {total} shards responded; check the health of the cluster");
        Err(incomplete(response, problem))
    }
}

fn incomplete(response: &Response, problem: String) -> ClusterError {
    ClusterError::Incomplete {
        cluster: response.cluster.clone(),
        url: response.url.clone(),
        request: response.request.clone(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads_what_old_and_new_clusters_write() {
        let text = r#"[{"index":"a","health":"green","status":"open","uuid":"u","pri":"2",
            "rep":"1","docs.count":"7","pri.store.size":"123"},
            {"index":"b","health":null,"status":"close","docs.count":null}]"#;
        let indices: Vec<IndexSummary> = serde_json::from_str(text).expect("JSON");
        assert_eq!((indices[0].primaries, indices[0].documents), (Some(2), Some(7)));
        assert!(indices[1].is_closed() && indices[1].documents.is_none());
    }

    #[test]
    fn hidden_and_closed_indices_are_listed() {
        assert!(list_request().target().ends_with("&expand_wildcards=all"));
    }

    #[test]
    fn a_response_of_only_some_shards_is_an_error() {
        let response = |body: &'static str| Response {
            status: 200,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::from_static(body.as_bytes()),
            cluster: "new".to_owned(),
            url: "http://target:9200".to_owned(),
            request: "GET /logs/_count".to_owned(),
        };
        let checked = |body: &'static str| {
            let response = response(body);
            let Sharded { shards } = response.json()?;
            Ok::<_, ClusterError>((
                shards.all_responded(&response),
                shards.without_failure(&response),
            ))
        };
        let (all, refreshed) =
            checked(r#"{"_shards":{"total":2,"successful":2,"failed":0}}"#).expect("counts");
        assert!(all.is_ok() && refreshed.is_ok());
        let (all, refreshed) =
            checked(r#"{"_shards":{"total":2,"successful":1,"failed":0}}"#).expect("counts");
        let error = all.expect_err("one is not assigned");
        assert!(error.is_temporary() && error.to_string().contains("1 of 2"), "{error}");
        refreshed.expect("a replica need not be assigned");
        let (all, refreshed) =
            checked(r#"{"_shards":{"total":2,"successful":1,"failed":1}}"#).expect("counts");
        assert!(all.is_err() && refreshed.is_err());
        checked(r#"{"_shards":{"total":2}}"#).expect_err("the number of failed shards is unknown");
    }
}
