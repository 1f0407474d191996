//! Requests that make a part of some data, and data as the requests that make it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::Value;
use test_servers::http::{Http, encoded};

/// The content type of one document.
pub(crate) const JSON: &str = "application/json";

/// One request that makes a part of the data.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    /// How many lines of a bulk request the server has to refuse.
    refused: usize,
}

/// One line, or pair of lines, of a bulk request.
#[derive(Clone, Debug)]
pub(crate) enum BulkLine {
    /// Writes a document, over an older one of the same id if there is one. Without an id the
    /// server makes one.
    Index { id: Option<String>, routing: Option<String>, source: String },
    /// Deletes a document.
    Delete { id: String, routing: Option<String> },
}

/// Data to load: its requests in order.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name.
    pub name: &'static str,
    /// The requests.
    pub calls: Vec<Call>,
}

/// Data that changes between two snapshots.
#[derive(Clone, Debug)]
pub struct Steps {
    /// The requests before the first snapshot: they make and fill the indices.
    pub first: Vec<Call>,
    /// Those between it and the second: they change what is there.
    pub second: Vec<Call>,
}

impl Call {
    pub(crate) fn put(path: impl Into<String>, body: &Value) -> Self {
        let (path, body) = (path.into(), body.to_string().into_bytes());
        Self { method: Method::PUT, path, content_type: JSON, body, refused: 0 }
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        let (path, body) = (path.into(), body.to_string().into_bytes());
        Self { method: Method::POST, path, content_type: JSON, body, refused: 0 }
    }

    /// A request that only acts on an index, such as `_refresh`.
    pub(crate) fn act(index: &str, action: &str) -> Self {
        let path = format!("/{}/{action}", encoded(index));
        Self { method: Method::POST, path, content_type: JSON, body: Vec::new(), refused: 0 }
    }

    /// One document in a request of its own, kept by the server byte for byte; a bulk request
    /// could not hold line breaks or other formats than JSON.
    pub(crate) fn document(
        index: &str,
        id: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Self {
        Self::document_to(format!("/{}/_doc/{}", encoded(index), encoded(id)), content_type, body)
    }

    /// The same to a path, which names a mapping type where the server asks for one.
    pub(crate) fn document_to(path: String, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { method: Method::PUT, path, content_type, body, refused: 0 }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        let (path, body) = (path.into(), Vec::new());
        Self { method: Method::DELETE, path, content_type: JSON, body, refused: 0 }
    }

    pub(crate) fn bulk(index: &str, lines: &[BulkLine]) -> Self {
        Self::bulk_to(format!("/{}/_bulk", encoded(index)), lines)
    }

    /// A bulk request to a path, which names a mapping type where the server asks for one.
    pub(crate) fn bulk_to(path: String, lines: &[BulkLine]) -> Self {
        let mut body = String::new();
        for line in lines {
            let (verb, id, routing, source) = match line {
                BulkLine::Index { id, routing, source } => {
                    ("index", id.as_ref(), routing.as_ref(), Some(source))
                }
                BulkLine::Delete { id, routing } => ("delete", Some(id), routing.as_ref(), None),
            };
            let address: BTreeMap<&str, &String> =
                [("_id", id), ("routing", routing)].into_iter().filter_map(with_value).collect();
            body.push_str(&serde_json::json!({ verb: address }).to_string());
            body.push('\n');
            if let Some(source) = source {
                body.push_str(source);
                body.push('\n');
            }
        }
        let content_type = "application/x-ndjson";
        Self { method: Method::POST, path, content_type, body: body.into_bytes(), refused: 0 }
    }

    /// The same bulk request, of which the server has to refuse this many lines.
    pub(crate) fn with_refused(self, refused: usize) -> Self {
        Self { refused, ..self }
    }

    pub(crate) fn send(&self, http: &Http) -> Result<()> {
        let Self { method, path, content_type, body, refused } = self;
        let reply = http.send(method, path, content_type, body.clone())?;
        reply.accepted(method, path)?;
        if path.ends_with("/_bulk") {
            let answer: Value = serde_json::from_slice(&reply.body)
                .with_context(|| format!("the answer to `{path}` is not JSON"))?;
            let count = errors(&answer).count();
            if count != *refused || answer.get("errors") != Some(&Value::Bool(count > 0)) {
                let first = errors(&answer).next().unwrap_or(&Value::Null);
                bail!("`{path}` refused {count} lines, not {refused}: {first}");
            }
        }
        Ok(())
    }
}

fn with_value<'a>((key, value): (&'a str, Option<&'a String>)) -> Option<(&'a str, &'a String)> {
    value.map(|value| (key, value))
}

fn errors(answer: &Value) -> impl Iterator<Item = &Value> {
    let items = answer.get("items").and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(Value::as_object)
        .flat_map(|item| item.values())
        .filter_map(|outcome| outcome.get("error"))
}

impl Dataset {
    /// Sends everything to a server and makes it visible to searches.
    pub fn load(&self, http: &Http) -> Result<()> {
        for call in &self.calls {
            call.send(http).with_context(|| format!("cannot load the data set `{}`", self.name))?;
        }
        Call::act("*", "_refresh").send(http)
    }

    /// How many bytes the requests hold together.
    pub fn bytes(&self) -> usize {
        self.calls.iter().map(|call| call.body.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{BulkLine, Call};
    use crate::{archive, shop};

    #[test]
    fn the_same_seed_makes_the_same_bytes() {
        for make in [shop::dataset, archive::dataset] {
            let bytes =
                |calls: Vec<Call>| calls.into_iter().map(|call| call.body).collect::<Vec<_>>();
            assert_eq!(bytes(make().calls), bytes(make().calls));
        }
    }

    #[test]
    fn a_bulk_request_has_two_lines_for_a_write_and_one_for_a_delete() {
        let call = Call::bulk(
            "a+b",
            &[
                BulkLine::Index { id: None, routing: Some("r".into()), source: "{}".into() },
                BulkLine::Delete { id: "7".into(), routing: None },
            ],
        );
        assert_eq!(call.path, "/a%2Bb/_bulk");
        assert_eq!(
            String::from_utf8(call.body).unwrap(),
            "{\"index\":{\"routing\":\"r\"}}\n{}\n{\"delete\":{\"_id\":\"7\"}}\n"
        );
    }
}
