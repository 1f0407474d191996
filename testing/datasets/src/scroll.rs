//! Which documents does an index hold, as its own server returns them? Read by scrolling, so that
//! nothing of the product is in the way.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use test_servers::http::{Http, encoded};

/// Documents of one answer.
const PAGE: u32 = 500;

/// A document as the server returned it; its source as it was written, number by number.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hit<'a> {
    /// The index.
    #[serde(rename = "_index")]
    pub index: String,
    /// The id.
    #[serde(rename = "_id")]
    pub id: String,
    /// The mapping type, where the server has types.
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The routing that it was written with.
    #[serde(rename = "_routing", skip_serializing_if = "Option::is_none")]
    pub routing: Option<String>,
    /// The parent, in Elasticsearch 5.
    #[serde(rename = "_parent", skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The source, unless there is none.
    #[serde(rename = "_source", borrow, skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "_scroll_id")]
    scroll: String,
    #[serde(borrow)]
    hits: Hits<'a>,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

/// Gives every document of an index that a search can see, in no order.
pub fn each(http: &Http, index: &str, mut take: impl FnMut(Hit<'_>) -> Result<()>) -> Result<()> {
    let first = format!("/{}/_search?scroll=2m", encoded(index));
    let mut answer = post(http, &first, &json!({"size": PAGE, "sort": ["_doc"]}))?;
    loop {
        // Not through a parsed value: numbers have to stay as they were written.
        let page: Page<'_> = serde_json::from_slice(&answer)
            .with_context(|| format!("a page of `{index}` is no search answer"))?;
        if page.hits.hits.is_empty() {
            return Ok(());
        }
        page.hits.hits.into_iter().try_for_each(&mut take)?;
        let next = json!({"scroll": "2m", "scroll_id": page.scroll});
        answer = post(http, "/_search/scroll", &next)?;
    }
}

fn post(http: &Http, path: &str, body: &Value) -> Result<Vec<u8>> {
    let method = Method::POST;
    let reply = http.send(&method, path, "application/json", body.to_string().into_bytes())?;
    reply.accepted(&method, path)?;
    Ok(reply.body)
}
