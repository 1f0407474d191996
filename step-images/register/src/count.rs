//! How many documents does an index of the target show?

use anyhow::Context as _;
use cluster::{Client, Repeat, Request, path};
use serde_json::Value;

use crate::faults::{decoded, of_cluster};

/// Makes all documents visible and counts them.
pub async fn visible(client: &Client, index: &str) -> anyhow::Result<u64> {
    let refresh = Request::post(path(&[index, "_refresh"])).repeat(Repeat::Safe);
    let response = client.send(&refresh).await.map_err(of_cluster)?;
    if !client.is_serverless() {
        let refreshed: Value = decoded(client.accepted(response))
            .with_context(|| format!("refreshing index `{index}` of the target"))?;
        complete(&refreshed, index)?;
    }
    let answer: Value = decoded(client.call(&Request::get(path(&[index, "_count"]))).await)
        .with_context(|| format!("counting index `{index}` of the target"))?;
    complete(&answer, index)?;
    answer
        .get("count")
        .and_then(Value::as_u64)
        .with_context(|| format!("the target's count of index `{index}` is no number"))
}

/// An answer that lacks a shard says nothing about the number of documents.
fn complete(answer: &Value, index: &str) -> anyhow::Result<()> {
    let failed = answer.pointer("/_shards/failed").and_then(Value::as_u64);
    anyhow::ensure!(
        failed == Some(0),
        "not every shard of index `{index}` answered, so its number of documents is unknown; wait \
         until the target is green"
    );
    Ok(())
}
