//! How many documents each index of a server holds.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::Value;
use test_servers::http::{Http, encoded};

/// The indices of a server that an application made, and how many documents each holds.
pub fn counts(http: &Http) -> Result<BTreeMap<String, u64>> {
    http.json(&Method::POST, "/_refresh", None)?;
    let settings = http.get("/_all/_settings?expand_wildcards=open")?;
    let mut counts = BTreeMap::new();
    for index in settings.as_object().context("the settings are no object")?.keys() {
        if !index.starts_with('.') {
            let answer = http.get(&format!("/{}/_count", encoded(index)))?;
            let count = answer.get("count").and_then(Value::as_u64).context("no count")?;
            counts.insert(index.clone(), count);
        }
    }
    Ok(counts)
}
