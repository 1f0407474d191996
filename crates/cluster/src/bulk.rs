//! How are many documents sent in one request, and what became of each?
//!
//! ```text
//! {"index":{"_index":"logs","_id":"1","routing":"k"}}\n     action line
//! {"message":"as it was stored"}\n                          source line, bytes as given
//! ```
//!
//! The answer has one item a document, in the order of the request, and is asked for with a
//! filter that leaves a few bytes of an item that went well.

use std::io::Write as _;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    client::Client,
    error::ClusterError,
    request::{Repeat, Request},
    response::{CLUSTER_BLOCK, Response, error_type_of, reason_of},
};

/// What is left of the answer.
const FILTER: &str = "errors,items.*.status,items.*.error";

/// Whether action lines name the document's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeNames {
    /// Elasticsearch 5 and 6 want them.
    Written,
    /// Elasticsearch 7 and newer, and OpenSearch, do not.
    Omitted,
}

/// What is done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Write it, over one of the same id.
    Index,
    /// Write it if there is none of the same id; data streams take nothing else.
    Create,
}

/// One document to write.
#[derive(Clone, Copy, Debug)]
pub struct BulkDocument<'a> {
    /// Write over or write new.
    pub operation: Operation,
    /// The index.
    pub index: &'a str,
    /// The id; without one, the target makes one, and sending twice is not idempotent.
    pub id: Option<&'a str>,
    /// The type, written only for targets that have types.
    pub doc_type: Option<&'a str>,
    /// The routing value.
    pub routing: Option<&'a str>,
    /// The source: JSON without a newline.
    pub source: &'a [u8],
}

/// The body of a bulk request, as it grows.
#[derive(Clone, Debug)]
pub struct BulkBody {
    bytes: Vec<u8>,
    documents: usize,
    types: TypeNames,
}

#[derive(Serialize)]
struct Action<'a> {
    #[serde(rename = "_index")]
    index: &'a str,
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    doc_type: Option<&'a str>,
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<&'a str>,
}

impl BulkBody {
    /// Makes an empty body.
    pub fn new(types: TypeNames) -> Self {
        Self { bytes: Vec::new(), documents: 0, types }
    }

    /// Makes an empty body with room for `bytes`.
    pub fn with_capacity(types: TypeNames, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), documents: 0, types }
    }

    /// Adds a document.
    pub fn push(&mut self, document: &BulkDocument<'_>) {
        let BulkDocument { operation, index, id, doc_type, routing, source } = *document;
        let doc_type = match self.types {
            TypeNames::Written => doc_type,
            TypeNames::Omitted => None,
        };
        let word = match operation {
            Operation::Index => "index",
            Operation::Create => "create",
        };
        self.line(word, &Action { index, doc_type, id, routing });
        self.bytes.extend_from_slice(source);
        self.bytes.push(b'\n');
    }

    /// Adds the deletion of a document.
    pub fn push_delete(&mut self, index: &str, id: &str) {
        self.line("delete", &Action { index, doc_type: None, id: Some(id), routing: None });
    }

    fn line(&mut self, word: &str, action: &Action<'_>) {
        const INVARIANT: &str = "writing strings as JSON to memory cannot fail";
        write!(self.bytes, "{{\"{word}\":").expect(INVARIANT);
        serde_json::to_writer(&mut self.bytes, action).expect(INVARIANT);
        self.bytes.extend_from_slice(b"}\n");
        self.documents += 1;
    }

    /// Returns the number of documents (or deletions) in it.
    pub fn len(&self) -> usize {
        self.documents
    }

    /// Returns whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }

    /// Returns its size in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the size in bytes that `document` adds at most.
    pub fn size_of(document: &BulkDocument<'_>) -> usize {
        let BulkDocument { operation: _, index, id, doc_type, routing, source } = *document;
        let text = |text: Option<&str>| text.map_or(0, |text| text.len() * 6);
        // The braces, keys and newlines; JSON writes one byte as six at worst.
        80 + index.len() * 6 + text(id) + text(doc_type) + text(routing) + source.len()
    }

    /// Returns the finished lines.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.bytes)
    }
}

/// Makes the request for finished lines; `repeat` is safe when every document has an id.
pub fn request(lines: Bytes, repeat: Repeat) -> Request {
    Request::post("/_bulk").query("filter_path", FILTER).ndjson(lines).repeat(repeat)
}

/// What became of the documents of a bulk request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkResponse {
    /// One entry a document, in the order of the request.
    pub items: Vec<ItemResult>,
}

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemResult {
    /// The HTTP status.
    pub status: u16,
    /// The type of the error, as in `mapper_parsing_exception`.
    pub error_type: Option<String>,
    /// The reason, with the innermost cause.
    pub reason: Option<String>,
}

impl ItemResult {
    /// Returns whether the target took the document.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status) && self.error_type.is_none() && self.reason.is_none()
    }

    /// Returns whether sending the same document again later may help.
    pub fn is_temporary(&self) -> bool {
        // A blocked index (a full disk, say) is no fault of the document.
        matches!(self.status, 408 | 429 | 502 | 503 | 504)
            || self.error_type.as_deref() == Some(CLUSTER_BLOCK)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(alias = "index", alias = "create", alias = "update", alias = "delete")]
    done: Done,
}

#[derive(Deserialize)]
struct Done {
    status: u16,
    #[serde(default)]
    error: Option<Value>,
}

/// Decodes the answer to a bulk request of `sent` documents; its status must be a success.
pub fn decode(response: &Response, sent: usize) -> Result<BulkResponse, ClusterError> {
    let Answer { items } = response.json()?;
    if items.len() != sent {
        return Err(ClusterError::Incomplete {
            cluster: response.cluster.clone(),
            url: response.url.clone(),
            request: response.request.clone(),
            problem: format!("{sent} documents were sent, {} are in the answer", items.len()),
        });
    }
    let items = items
        .into_iter()
        .map(|Item { done: Done { status, error } }| ItemResult {
            status,
            error_type: error.as_ref().and_then(error_type_of),
            reason: error
                .as_ref()
                .map(|error| reason_of(error).unwrap_or_else(|| error.to_string())),
        })
        .collect();
    Ok(BulkResponse { items })
}

/// Sends lines of documents that all have ids, and decodes the answer.
pub async fn send(client: &Client, body: BulkBody) -> Result<BulkResponse, ClusterError> {
    let sent = body.len();
    if sent == 0 {
        return Ok(BulkResponse { items: Vec::new() });
    }
    let response = client.call(&request(body.into_bytes(), Repeat::Safe)).await?;
    decode(&response, sent)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn document<'a>(id: &'a str, routing: Option<&'a str>) -> BulkDocument<'a> {
        BulkDocument {
            operation: Operation::Index,
            index: "logs",
            id: Some(id),
            doc_type: Some("_doc"),
            routing,
            source: b"{\"a\": 1}",
        }
    }

    fn response(body: &'static str) -> Response {
        Response {
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            cluster: "new".to_owned(),
            url: "http://target:9200".to_owned(),
            request: "POST /_bulk".to_owned(),
        }
    }

    #[test]
    fn types_are_written_only_for_targets_that_have_them() {
        let mut body = BulkBody::new(TypeNames::Omitted);
        body.push(&document("1", Some("k")));
        body.push(&BulkDocument { operation: Operation::Create, ..document("2", None) });
        body.push_delete("logs", "3");
        assert_eq!(body.len(), 3);
        assert_eq!(
            body.into_bytes(),
            "{\"index\":{\"_index\":\"logs\",\"_id\":\"1\",\"routing\":\"k\"}}\n{\"a\": 1}\n\
             {\"create\":{\"_index\":\"logs\",\"_id\":\"2\"}}\n{\"a\": 1}\n\
             {\"delete\":{\"_index\":\"logs\",\"_id\":\"3\"}}\n"
        );
        let mut body = BulkBody::new(TypeNames::Written);
        body.push(&document("1", None));
        assert!(
            body.into_bytes().starts_with(b"{\"index\":{\"_index\":\"logs\",\"_type\":\"_doc\"")
        );
    }

    #[test]
    fn every_item_keeps_its_status_and_reason() {
        let response = response(
            r#"{"errors":true,"items":[{"index":{"status":201}},
                {"index":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"x","reason":"not a number"}}}},
                {"create":{"status":429,"error":{"type":"rejected","reason":"queue full"}}},
                {"index":{"status":403,"error":{"type":"cluster_block_exception","reason":"read-only"}}}]}"#,
        );
        let items = decode(&response, 4).expect("an answer").items;
        assert!(items[0].is_accepted());
        assert_eq!(items[1].error_type.as_deref(), Some("mapper_parsing_exception"));
        assert_eq!(items[1].reason.as_deref(), Some("failed to parse: not a number"));
        assert!(!items[1].is_accepted() && !items[1].is_temporary());
        assert!(items[2].is_temporary() && items[3].is_temporary());
    }

    #[test]
    fn an_answer_with_too_few_items_is_no_success() {
        let error = decode(&response("{\"errors\":false}"), 2).expect_err("an error");
        assert!(error.to_string().contains("2 documents were sent"), "{error}");
    }

    proptest! {
        #[test]
        fn any_id_stays_in_its_line_and_comes_back(id in ".*", routing in ".*") {
            let mut body = BulkBody::new(TypeNames::Omitted);
            let document = document(&id, Some(&routing));
            body.push(&document);
            prop_assert!(body.bytes() <= BulkBody::size_of(&document));
            let bytes = body.into_bytes();
            let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            prop_assert_eq!(lines.len(), 3);
            let action: Value = serde_json::from_slice(lines[0]).expect("JSON");
            prop_assert_eq!(action["index"]["_id"].as_str(), Some(id.as_str()));
            prop_assert_eq!(action["index"]["routing"].as_str(), Some(routing.as_str()));
        }
    }
}
