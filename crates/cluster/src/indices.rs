//! How are indices listed, made, refreshed, counted and searched?

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
    /// `green`, `yellow` or `red`; closed indices of older clusters have none.
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
    /// The number of replicas of each.
    #[serde(default, rename = "rep", deserialize_with = "number")]
    pub replicas: Option<u64>,
    /// Lucene documents that are not deleted (nested ones count too); none if closed.
    #[serde(default, rename = "docs.count", deserialize_with = "number")]
    pub documents: Option<u64>,
    /// Bytes of the primary shards.
    #[serde(default, rename = "pri.store.size", deserialize_with = "number")]
    pub bytes: Option<u64>,
}

impl IndexSummary {
    /// Returns whether the index is closed.
    pub fn is_closed(&self) -> bool {
        self.status.as_deref() == Some("close")
    }
}

/// The cat API writes numbers as strings, and nothing for what it does not know.
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

/// Lists all indices, hidden and closed ones too, by name.
pub async fn list(client: &Client) -> Result<Vec<IndexSummary>, ClusterError> {
    let mut request = list_request();
    let mut response = client.send(&request).await?;
    if response.status == 400 {
        // Older clusters know neither hidden indices nor the parameter that asks for them.
        request.query.retain(|(name, _)| name != "expand_wildcards");
        response = client.send(&request).await?;
    }
    let mut indices: Vec<IndexSummary> = client.accepted(response)?.json()?;
    indices.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(indices)
}

/// Returns whether an index (or alias, or data stream) of this name exists.
pub async fn exists(client: &Client, name: &str) -> Result<bool, ClusterError> {
    let response = client.send(&Request::head(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.accepted(response).map(|_| true)
}

/// How the creation of an index ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there now.
    Created,
    /// It was there already, and is as it was.
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
    client.accepted(response).map(|_| Creation::Created)
}

/// Deletes an index; returns whether there was one.
pub async fn delete(client: &Client, name: &str) -> Result<bool, ClusterError> {
    let response = client.send(&Request::delete(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.accepted(response).map(|_| true)
}

/// Returns the settings, mappings and aliases of an index; `None` when there is none.
pub async fn get(client: &Client, name: &str) -> Result<Option<Value>, ClusterError> {
    let response = client.send(&Request::get(path(&[name]))).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let mut found: BTreeMap<String, Value> = client.accepted(response)?.json()?;
    // Under an alias the answer has the index's own name.
    Ok(found.remove(name).or_else(|| found.into_values().next()))
}

/// Returns the uuid of an index, which another one of the same name has not; `None` if the cluster
/// does not tell.
pub async fn uuid(client: &Client, name: &str) -> Result<Option<String>, ClusterError> {
    let request = Request::get(path(&[name, "_settings"])).query("flat_settings", "true");
    let answer: BTreeMap<String, Value> = client.call(&request).await?.json()?;
    let uuid = answer.get(name).and_then(|index| index.get("settings")?.get("index.uuid"));
    Ok(uuid.and_then(Value::as_str).map(str::to_owned))
}

/// Makes all that was written to an index visible to searches, in all of its shards.
pub async fn refresh(client: &Client, name: &str) -> Result<(), ClusterError> {
    let request = Request::post(path(&[name, "_refresh"])).repeat(Repeat::Safe);
    let response = client.send(&request).await?;
    if client.is_serverless() {
        // A collection has no such request; it refreshes by itself.
        return Ok(());
    }
    let response = client.accepted(response)?;
    let Sharded { shards } = response.json()?;
    shards.without_failure(&response)
}

/// Counts the documents of an index (nested ones are not counted); a shard that did not answer
/// makes it an error, for unknown is not zero.
pub async fn count(client: &Client, name: &str) -> Result<u64, ClusterError> {
    #[derive(Deserialize)]
    struct Answer {
        count: u64,
        #[serde(rename = "_shards")]
        shards: Shards,
    }
    let response = client.call(&Request::get(path(&[name, "_count"]))).await?;
    let Answer { count, shards } = response.json()?;
    shards.all_answered(&response)?;
    Ok(count)
}

/// Searches an index; `None` if there is none. An answer that lacks a shard is an error: what is
/// unknown is never taken for nothing.
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
    let response = client.accepted(response)?;
    let Answer { timed_out, shards } = response.json()?;
    shards.all_answered(&response)?;
    if timed_out {
        return Err(incomplete(&response, "it ran out of time; see the cluster's load".to_owned()));
    }
    response.json().map(Some)
}

/// An answer that is put together of those of shards.
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
    /// Copies that are not assigned are neither successful nor failed, and need not be there.
    fn without_failure(&self, response: &Response) -> Result<(), ClusterError> {
        let Self { total, successful: _, failed } = *self;
        if failed == 0 {
            return Ok(());
        }
        let problem = format!("{failed} of {total} shards failed; see the cluster's health");
        Err(incomplete(response, problem))
    }

    /// A search asks one copy of each shard. One without any is passed over, and not among the
    /// failed ones.
    fn all_answered(&self, response: &Response) -> Result<(), ClusterError> {
        let Self { total, successful, failed } = *self;
        if failed == 0 && successful == total {
            return Ok(());
        }
        let problem = format!("{successful} of {total} shards answered; see the cluster's health");
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
    fn hidden_and_closed_indices_are_asked_for() {
        assert!(list_request().target().ends_with("&expand_wildcards=all"));
    }

    #[test]
    fn an_answer_of_some_shards_is_no_answer() {
        let response = |body: &'static str| Response {
            status: 200,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::from_static(body.as_bytes()),
            cluster: "new".to_owned(),
            url: "http://target:9200".to_owned(),
            request: "GET /logs/_count".to_owned(),
        };
        let judged = |body: &'static str| {
            let response = response(body);
            let Sharded { shards } = response.json()?;
            Ok::<_, ClusterError>((
                shards.all_answered(&response),
                shards.without_failure(&response),
            ))
        };
        let (all, refreshed) =
            judged(r#"{"_shards":{"total":2,"successful":2,"failed":0}}"#).expect("counts");
        assert!(all.is_ok() && refreshed.is_ok());
        let (all, refreshed) =
            judged(r#"{"_shards":{"total":2,"successful":1,"failed":0}}"#).expect("counts");
        let error = all.expect_err("one is not assigned");
        assert!(error.is_temporary() && error.to_string().contains("1 of 2"), "{error}");
        refreshed.expect("a replica need not be assigned");
        let (all, refreshed) =
            judged(r#"{"_shards":{"total":2,"successful":1,"failed":1}}"#).expect("counts");
        assert!(all.is_err() && refreshed.is_err());
        judged(r#"{"_shards":{"total":2}}"#).expect_err("nobody knows how many failed");
    }
}
