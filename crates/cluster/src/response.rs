//! What did the cluster respond?

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ClusterError;

/// The error type for an index that is closed, read-only or on a full disk.
pub(crate) const CLUSTER_BLOCK: &str = "cluster_block_exception";

/// The number of characters of an unreadable body that a message shows.
const MAX_EXCERPT_CHARS: usize = 300;

/// A complete response of any status, and where it came from.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The complete body.
    pub body: Bytes,
    /// The name of the cluster, for messages.
    pub cluster: String,
    /// The cluster's endpoint, for messages.
    pub url: String,
    /// The method and path of the request, for messages.
    pub request: String,
}

impl Response {
    /// Returns whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Decodes the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClusterError> {
        serde_json::from_slice(&self.body).map_err(|source| ClusterError::NotUnderstood {
            cluster: self.cluster.clone(),
            url: self.url.clone(),
            request: self.request.clone(),
            status: self.status,
            source,
        })
    }

    /// Returns the error type in the body, such as `index_not_found_exception`.
    pub fn error_type(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        error_type_of(body.get("error")?)
    }

    /// Returns the reason in the body, or the beginning of the body as text.
    pub fn error_reason(&self) -> String {
        let reason = serde_json::from_slice::<Value>(&self.body).ok().and_then(|body| {
            let message = || body.get("message")?.as_str().map(str::to_owned);
            body.get("error").and_then(reason_of).or_else(message)
        });
        reason.unwrap_or_else(|| {
            let text: String =
                String::from_utf8_lossy(&self.body).chars().take(MAX_EXCERPT_CHARS).collect();
            let text = text.trim();
            if text.is_empty() { "no reason given".to_owned() } else { text.to_owned() }
        })
    }
}

/// Returns the type in an `error` object of Elasticsearch or OpenSearch.
pub(crate) fn error_type_of(error: &Value) -> Option<String> {
    Some(error.get("type")?.as_str()?.to_owned())
}

/// Returns the reason in an `error` value, with the innermost cause if that adds anything.
pub(crate) fn reason_of(error: &Value) -> Option<String> {
    if let Some(text) = error.as_str() {
        return Some(text.to_owned());
    }
    let reason = error.get("reason")?.as_str()?.to_owned();
    let mut cause = error.get("caused_by");
    let mut innermost = None;
    // The loop ends even for a hostile response: serde_json limits the depth of what it reads.
    while let Some(inner) = cause {
        innermost = inner.get("reason").and_then(Value::as_str).or(innermost);
        cause = inner.get("caused_by");
    }
    match innermost {
        Some(inner) if !reason.contains(inner) => Some(format!("{reason}: {inner}")),
        _ => Some(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &'static str) -> Response {
        Response {
            status: 400,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            cluster: "legacy".to_owned(),
            url: "http://localhost:9200".to_owned(),
            request: "GET /".to_owned(),
        }
    }

    #[test]
    fn reasons_are_found_in_all_the_shapes_of_errors() {
        let nested = response(
            r#"{"error":{"type":"x","reason":"outer","caused_by":{"reason":"mid","caused_by":{"reason":"inner"}}}}"#,
        );
        assert_eq!(nested.error_reason(), "outer: inner");
        assert_eq!(nested.error_type().as_deref(), Some("x"));
        assert_eq!(response(r#"{"error":"plain"}"#).error_reason(), "plain");
        assert_eq!(response(r#"{"message":"Forbidden"}"#).error_reason(), "Forbidden");
        assert_eq!(response("Unauthorized\n").error_reason(), "Unauthorized");
        assert_eq!(response("").error_reason(), "no reason given");
    }

    #[test]
    fn a_body_that_is_not_json_names_the_request() {
        let error = response("<html>").json::<Value>().expect_err("no JSON");
        let text = error.to_string();
        assert!(text.contains("`legacy`") && text.contains("`GET /`"), "{text}");
    }
}
