//! How are single documents read and written, as coordination needs it?
//!
//! A conditional write that comes too late is a value ([`Written::Conflict`]), not an error. Raw
//! sources are kept as bytes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use crate::{
    bulk::{self, BulkBody, TypeNames},
    client::Client,
    error::ClusterError,
    request::{Repeat, Request, path},
    response::Response,
};

/// The state of a document that a conditional write builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersion {
    /// `_seq_no`.
    #[serde(rename = "_seq_no", alias = "seq_no")]
    pub seq_no: u64,
    /// `_primary_term`.
    #[serde(rename = "_primary_term", alias = "primary_term")]
    pub primary_term: u64,
}

/// A document as it is stored.
#[derive(Clone, Debug)]
pub struct StoredDocument {
    /// Its id.
    pub id: String,
    /// Its routing value.
    pub routing: Option<String>,
    /// Its state; absent from answers that were not asked for it.
    pub version: Option<DocumentVersion>,
    /// Its source, byte for byte as the cluster gave it.
    pub source: Box<RawValue>,
}

impl StoredDocument {
    /// Decodes the source.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.source.get())
    }
}

/// How a conditional write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored, in this state.
    Done(DocumentVersion),
    /// It exists already, or changed meanwhile; nothing was written.
    Conflict,
}

/// When a write can be found by a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// At the next refresh, whenever it comes.
    Later,
    /// When the answer is there.
    Now,
}

impl Refresh {
    fn add_to(self, request: Request) -> Request {
        match self {
            Self::Later => request,
            Self::Now => request.query("refresh", "true"),
        }
    }
}

/// Makes the request that reads one document.
pub fn get_request(index: &str, id: &str) -> Request {
    Request::get(path(&[index, "_doc", id]))
}

/// Makes the request that writes a document if there is none of this id.
pub fn create_request(index: &str, id: &str, source: Value, refresh: Refresh) -> Request {
    refresh.add_to(Request::put(path(&[index, "_create", id])).json(source))
}

/// Makes the request that writes a document over one of this state, and no other.
pub fn replace_request(
    index: &str,
    id: &str,
    source: Value,
    version: DocumentVersion,
    refresh: Refresh,
) -> Request {
    let request = Request::put(path(&[index, "_doc", id]))
        .query("if_seq_no", version.seq_no.to_string())
        .query("if_primary_term", version.primary_term.to_string())
        .json(source)
        // If the answer to the first is lost, the second is a conflict with ourselves.
        .repeat(Repeat::Unsafe);
    refresh.add_to(request)
}

/// Makes the request that searches with a body of the query language; states are in the hits.
pub fn search_request(index: &str, mut body: Value) -> Request {
    if let Some(body) = body.as_object_mut() {
        body.insert("seq_no_primary_term".to_owned(), Value::Bool(true));
    }
    Request::post(path(&[index, "_search"])).json(body).repeat(Repeat::Safe)
}

/// Reads one document; `None` when the index has none of this id.
pub async fn get(
    client: &Client,
    index: &str,
    id: &str,
) -> Result<Option<StoredDocument>, ClusterError> {
    let response = client.send(&get_request(index, id)).await?;
    // A missing document is a 404 without an error; a missing index is one with.
    if response.status == 404 && response.error_type().is_none() {
        return match response.json::<Hit>()?.found {
            Some(false) => Ok(None),
            _ => client.accepted(response).map(|_| None),
        };
    }
    let hit: Hit = client.accepted(response)?.json()?;
    Ok(hit.into_document())
}

/// Writes a document if there is none of this id.
pub async fn create(
    client: &Client,
    index: &str,
    id: &str,
    source: Value,
    refresh: Refresh,
) -> Result<Written, ClusterError> {
    written(client, client.send(&create_request(index, id, source, refresh)).await?)
}

/// Writes a document over one of this state, and no other.
pub async fn replace(
    client: &Client,
    index: &str,
    id: &str,
    source: Value,
    version: DocumentVersion,
    refresh: Refresh,
) -> Result<Written, ClusterError> {
    written(client, client.send(&replace_request(index, id, source, version, refresh)).await?)
}

/// Writes a document, over whatever is there.
pub async fn put(
    client: &Client,
    index: &str,
    id: &str,
    source: Value,
    refresh: Refresh,
) -> Result<DocumentVersion, ClusterError> {
    let request = refresh.add_to(Request::put(path(&[index, "_doc", id])).json(source));
    client.call(&request).await?.json()
}

/// Deletes a document; returns whether there was one.
pub async fn delete(
    client: &Client,
    index: &str,
    id: &str,
    refresh: Refresh,
) -> Result<bool, ClusterError> {
    let request = refresh.add_to(Request::delete(path(&[index, "_doc", id])));
    let response = client.send(&request).await?;
    if response.status == 404 && response.error_type().is_none() {
        return Ok(false);
    }
    client.accepted(response).map(|_| true)
}

/// Deletes documents by id; missing ones are fine. Returns how many there were.
pub async fn delete_many(
    client: &Client,
    index: &str,
    ids: &[String],
) -> Result<usize, ClusterError> {
    const AT_ONCE: usize = 1000;
    let mut deleted = 0;
    for some in ids.chunks(AT_ONCE) {
        let mut body = BulkBody::new(TypeNames::Omitted);
        for id in some {
            body.push_delete(index, id);
        }
        for (id, item) in some.iter().zip(bulk::send(client, body).await?.items) {
            match item.status {
                404 => {}
                _ if item.is_accepted() => deleted += 1,
                status => {
                    return Err(ClusterError::Refused {
                        cluster: client.cluster().to_owned(),
                        url: client.url().to_owned(),
                        request: format!("DELETE {}", path(&[index, "_doc", id])),
                        status,
                        kind: item.error_type,
                        reason: item.reason.unwrap_or_default(),
                    });
                }
            }
        }
    }
    Ok(deleted)
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many documents match; at least so many when the cluster stopped counting.
    pub total: u64,
    /// The documents, with their states.
    pub documents: Vec<StoredDocument>,
}

/// Searches; shards that failed make it an error, for a failed query is not an empty one.
pub async fn search(client: &Client, index: &str, body: Value) -> Result<Found, ClusterError> {
    let response = client.call(&search_request(index, body)).await?;
    let answer: SearchAnswer = response.json()?;
    answer.into_found(&response).map(|(found, _)| found)
}

/// Returns every document that matches `query`, of a set that fits into memory.
pub async fn search_all(
    client: &Client,
    index: &str,
    query: Value,
) -> Result<Vec<StoredDocument>, ClusterError> {
    let body = json!({ "size": 1000, "sort": ["_doc"], "query": query });
    let request = search_request(index, body).query("scroll", "1m");
    let mut documents = Vec::new();
    let mut response = client.call(&request).await?;
    loop {
        let (found, scroll) = response.json::<SearchAnswer>()?.into_found(&response)?;
        let last = found.documents.is_empty();
        documents.extend(found.documents);
        let Some(scroll) = scroll else { return Ok(documents) };
        if last {
            let clear = Request::delete("/_search/scroll").json(json!({ "scroll_id": [scroll] }));
            // It ends by itself a minute later.
            if let Err(error) = client.call(&clear).await {
                tracing::debug!(%error, "a scroll stays open");
            }
            return Ok(documents);
        }
        let next =
            Request::post("/_search/scroll").json(json!({ "scroll": "1m", "scroll_id": scroll }));
        response = client.call(&next).await?;
    }
}

/// An id and its routing value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentKey {
    /// The id.
    pub id: String,
    /// The routing value.
    pub routing: Option<String>,
}

/// Makes the request that reads many documents by id.
pub fn get_many_request(index: &str, keys: &[DocumentKey]) -> Request {
    let documents: Vec<Value> = keys
        .iter()
        .map(|DocumentKey { id, routing }| match routing {
            Some(routing) => json!({ "_id": id, "routing": routing }),
            None => json!({ "_id": id }),
        })
        .collect();
    Request::post(path(&[index, "_mget"])).json(json!({ "docs": documents })).repeat(Repeat::Safe)
}

/// Reads many documents by id, in the order of `keys`; `None` where there is none.
pub async fn get_many(
    client: &Client,
    index: &str,
    keys: &[DocumentKey],
) -> Result<Vec<Option<StoredDocument>>, ClusterError> {
    let response = client.call(&get_many_request(index, keys)).await?;
    let ManyAnswer { docs } = response.json()?;
    let incomplete = |problem: String| ClusterError::Incomplete {
        cluster: response.cluster.clone(),
        url: response.url.clone(),
        request: response.request.clone(),
        problem,
    };
    if docs.len() != keys.len() {
        return Err(incomplete(format!("{} of {} documents", docs.len(), keys.len())));
    }
    docs.into_iter()
        .map(|hit| match &hit.error {
            Some(error) => Err(incomplete(
                crate::response::reason_of(error).unwrap_or_else(|| error.to_string()),
            )),
            None => Ok(hit.into_document()),
        })
        .collect()
}

fn written(client: &Client, response: Response) -> Result<Written, ClusterError> {
    if response.status == 409 {
        return Ok(Written::Conflict);
    }
    Ok(Written::Done(client.accepted(response)?.json()?))
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id", default)]
    id: String,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_seq_no")]
    seq_no: Option<u64>,
    #[serde(rename = "_primary_term")]
    primary_term: Option<u64>,
    found: Option<bool>,
    #[serde(rename = "_source")]
    source: Option<Box<RawValue>>,
    error: Option<Value>,
}

impl Hit {
    fn into_document(self) -> Option<StoredDocument> {
        if self.found == Some(false) {
            return None;
        }
        let version = self
            .seq_no
            .zip(self.primary_term)
            .map(|(seq_no, primary_term)| DocumentVersion { seq_no, primary_term });
        // A document without a stored source is there all the same.
        let source = self.source.unwrap_or_else(|| RawValue::NULL.to_owned());
        Some(StoredDocument { id: self.id, routing: self.routing, version, source })
    }
}

#[derive(Deserialize)]
struct ManyAnswer {
    docs: Vec<Hit>,
}

#[derive(Deserialize)]
struct SearchAnswer {
    #[serde(rename = "_scroll_id")]
    scroll: Option<String>,
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Deserialize)]
pub(crate) struct Shards {
    pub(crate) total: u64,
    #[serde(default)]
    pub(crate) failed: u64,
}

#[derive(Deserialize)]
struct Hits {
    total: Option<Total>,
    hits: Vec<Hit>,
}

/// A number up to Elasticsearch 6, an object since.
#[derive(Deserialize)]
#[serde(untagged)]
enum Total {
    Number(u64),
    Object { value: u64 },
}

impl SearchAnswer {
    fn into_found(self, response: &Response) -> Result<(Found, Option<String>), ClusterError> {
        if self.shards.failed > 0 || self.timed_out {
            let Shards { total, failed } = self.shards;
            let problem = format!("{failed} of {total} shards failed; see the cluster's health");
            return Err(ClusterError::Incomplete {
                cluster: response.cluster.clone(),
                url: response.url.clone(),
                request: response.request.clone(),
                problem,
            });
        }
        let total = match self.hits.total {
            Some(Total::Number(value) | Total::Object { value }) => value,
            None => 0,
        };
        let documents = self.hits.hits.into_iter().filter_map(Hit::into_document).collect();
        Ok((Found { total, documents }, self.scroll))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    fn response(body: &'static str) -> Response {
        Response {
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            cluster: "new".to_owned(),
            url: "http://target:9200".to_owned(),
            request: "POST /x/_search".to_owned(),
        }
    }

    #[test]
    fn a_conditional_write_names_the_state_and_is_not_repeated_blindly() {
        let version = DocumentVersion { seq_no: 7, primary_term: 2 };
        let request = replace_request(".work", "a/b", json!({}), version, Refresh::Now);
        assert_eq!(request.method, Method::PUT);
        assert_eq!(
            request.target(),
            "/.work/_doc/a%2Fb?if_seq_no=7&if_primary_term=2&refresh=true"
        );
        assert_eq!(request.repeat, Repeat::Unsafe);
        assert_eq!(
            create_request(".work", "x", json!({}), Refresh::Later).target(),
            "/.work/_create/x"
        );
    }

    #[test]
    fn hits_keep_source_bytes_and_state() {
        let response = response(
            r#"{"_shards":{"total":1,"failed":0},"hits":{"total":{"value":1},"hits":[
                {"_id":"1","_seq_no":4,"_primary_term":1,"_routing":"k","_source":{"a":1.10}}]}}"#,
        );
        let answer: SearchAnswer = response.json().expect("JSON");
        let (found, _) = answer.into_found(&response).expect("found");
        assert_eq!(found.total, 1);
        assert_eq!(found.documents[0].source.get(), r#"{"a":1.10}"#);
        assert_eq!(
            found.documents[0].version,
            Some(DocumentVersion { seq_no: 4, primary_term: 1 })
        );
        assert_eq!(found.documents[0].routing.as_deref(), Some("k"));
    }

    #[test]
    fn a_search_with_failed_shards_is_no_answer() {
        let response =
            response(r#"{"_shards":{"total":2,"failed":1},"hits":{"total":0,"hits":[]}}"#);
        let answer: SearchAnswer = response.json().expect("JSON");
        let error = answer.into_found(&response).expect_err("an error");
        assert!(error.is_temporary() && error.to_string().contains("1 of 2"), "{error}");
    }

    #[test]
    fn many_ids_travel_with_their_routing() {
        let keys = [
            DocumentKey { id: "1".to_owned(), routing: None },
            DocumentKey { id: "2".to_owned(), routing: Some("k".to_owned()) },
        ];
        let request = get_many_request("logs", &keys);
        assert_eq!(
            request.body,
            crate::Body::Json(json!({ "docs": [{ "_id": "1" }, { "_id": "2", "routing": "k" }] }))
        );
    }
}
