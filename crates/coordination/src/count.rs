//! How many documents does an index of the target show?

use cluster::{Client, indices};

use crate::CoordinationError;

/// Makes all documents visible and counts them.
pub async fn visible(client: &Client, index: &str) -> Result<u64, CoordinationError> {
    let failed =
        |doing: &str| CoordinationError::cluster(format!("{doing} index `{index}` of the target"));
    indices::refresh(client, index).await.map_err(failed("refreshing"))?;
    indices::count(client, index).await.map_err(failed("counting"))
}
