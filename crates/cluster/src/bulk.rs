//! What is the result of each document of a bulk request?
//!
//! The response has one item for each document, in the order of the request. The request asks for
//! it with `filter_path`, so that a successful item takes only a few bytes.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::ClusterError,
    response::{Response, error_type_of, reason_of},
};

/// The results of a bulk request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkResponse {
    /// One entry for each document, in the order of the request.
    pub items: Vec<ItemResult>,
}

/// The result of one document.
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
    /// Returns whether the target accepted the document.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status) && self.error_type.is_none() && self.reason.is_none()
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

/// Decodes the response to a bulk request of `sent` documents, whose status must be 2xx.
pub fn decode(response: &Response, sent: usize) -> Result<BulkResponse, ClusterError> {
    let Answer { items } = response.json()?;
    if items.len() != sent {
        return Err(ClusterError::Incomplete {
            cluster: response.cluster.clone(),
            url: response.url.clone(),
            request: response.request.clone(),
            problem: format!(
                "{sent} documents were sent, but the response has {} items",
                items.len()
            ),
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

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
        assert!(items[1..].iter().all(|item| !item.is_accepted()));
        assert_eq!(items[3].error_type.as_deref(), Some("cluster_block_exception"));
    }

    #[test]
    fn a_response_with_too_few_items_is_an_error() {
        let error = decode(&response("{\"errors\":false}"), 2).expect_err("an error");
        assert!(error.to_string().contains("2 documents were sent"), "{error}");
    }
}
