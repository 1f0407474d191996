//! How many documents does an index of the target show?

use anyhow::Context as _;
use cluster::{Client, indices};
use contract::Failure;

/// Makes all documents visible and counts them.
pub async fn visible(client: &Client, index: &str) -> anyhow::Result<u64> {
    indices::refresh(client, index)
        .await
        .map_err(Failure::from)
        .with_context(|| format!("refreshing index `{index}` of the target"))?;
    indices::count(client, index)
        .await
        .map_err(Failure::from)
        .with_context(|| format!("counting index `{index}` of the target"))
}
