//! How many documents does an index of the target hold?

use cluster::{Client, indices};

use crate::CoordinationError;

/// Refreshes an index, so that searches find all its documents, and returns their number.
pub async fn refresh_and_count(client: &Client, index: &str) -> Result<u64, CoordinationError> {
    let failed =
        |doing: &str| CoordinationError::cluster(format!("{doing} index `{index}` of the target"));
    indices::refresh(client, index).await.map_err(failed("refreshing"))?;
    indices::count(client, index).await.map_err(failed("counting"))
}
