//! How are snapshots created, observed and deleted?

use contract::SnapshotState;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::Client,
    error::ClusterError,
    request::{Repeat, Request, path},
    response::{Response, error_type_of, reason_of},
};

/// Returns the request that starts a snapshot and does not wait for its end.
fn create_request(repository: &str, snapshot: &str, body: Value) -> Request {
    Request::put(path(&["_snapshot", repository, snapshot]))
        .query("wait_for_completion", "false")
        .json(body)
        // A second snapshot of this name is refused; the caller checks which one exists.
        .repeat(Repeat::Unsafe)
}

/// Starts a snapshot and does not wait for its end.
pub async fn create(
    client: &Client,
    repository: &str,
    snapshot: &str,
    body: Value,
) -> Result<(), ClusterError> {
    client.call(&create_request(repository, snapshot, body)).await.map(drop)
}

/// A snapshot, as the cluster reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SnapshotInfo {
    /// Its name.
    pub snapshot: String,
    /// Its uuid.
    #[serde(default)]
    pub uuid: String,
    /// Its state.
    pub state: SnapshotState,
    /// The indices in it.
    #[serde(default)]
    pub indices: Vec<String>,
    /// Why it failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// The shards that failed.
    #[serde(default)]
    pub failures: Vec<ShardFailure>,
    /// The numbers of shards.
    #[serde(default)]
    pub shards: SnapshotShards,
    /// Its start in milliseconds since 1970, by the cluster's clock.
    #[serde(default)]
    pub start_time_in_millis: i64,
    /// Its end, or 0 while it runs.
    #[serde(default)]
    pub end_time_in_millis: i64,
}

/// A shard that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ShardFailure {
    /// The index.
    #[serde(default)]
    pub index: String,
    /// The shard's number.
    #[serde(default)]
    pub shard_id: u64,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// The numbers of shards of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SnapshotShards {
    /// All shards.
    #[serde(default)]
    pub total: u64,
    /// The shards that could not be written.
    #[serde(default)]
    pub failed: u64,
    /// The shards that were written completely.
    #[serde(default)]
    pub successful: u64,
}

/// Returns a snapshot of a registered repository, or `None` if there is none of this name.
pub async fn get(
    client: &Client,
    repository: &str,
    snapshot: &str,
) -> Result<Option<SnapshotInfo>, ClusterError> {
    let response = client.send(&Request::get(path(&["_snapshot", repository, snapshot]))).await?;
    if response.status == 404
        && response.error_type().as_deref() == Some("snapshot_missing_exception")
    {
        return Ok(None);
    }
    let response = client.check_status(response)?;
    let found = decode_infos(client, &response)?;
    Ok(found.into_iter().find(|info| info.snapshot == snapshot))
}

/// Some releases have a form for several repositories, each with its own list or error.
#[derive(Deserialize)]
struct Infos {
    #[serde(default)]
    snapshots: Vec<SnapshotInfo>,
    #[serde(default)]
    responses: Vec<InfosOfRepository>,
}

#[derive(Deserialize)]
struct InfosOfRepository {
    #[serde(default)]
    snapshots: Vec<SnapshotInfo>,
    error: Option<Value>,
}

fn decode_infos(client: &Client, response: &Response) -> Result<Vec<SnapshotInfo>, ClusterError> {
    let Infos { mut snapshots, responses } = response.json()?;
    for InfosOfRepository { snapshots: more, error } in responses {
        if let Some(error) = error {
            let kind = error_type_of(&error);
            if kind.as_deref() == Some("snapshot_missing_exception") {
                continue;
            }
            return Err(ClusterError::Refused {
                cluster: client.cluster().to_owned(),
                url: client.url().to_owned(),
                request: response.request.clone(),
                status: response.status,
                kind,
                reason: reason_of(&error).unwrap_or_else(|| error.to_string()),
            });
        }
        snapshots.extend(more);
    }
    Ok(snapshots)
}

/// The progress of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotProgress {
    /// Shards that have been written.
    pub shards_done: u64,
    /// All shards.
    pub shards_total: u64,
    /// Bytes that this snapshot has written.
    pub bytes_done: u64,
    /// Bytes that this snapshot has to write; files shared with earlier snapshots do not count.
    pub bytes_total: u64,
}

/// Returns the progress of a snapshot, or `None` if there is none of this name.
pub async fn progress(
    client: &Client,
    repository: &str,
    snapshot: &str,
) -> Result<Option<SnapshotProgress>, ClusterError> {
    let request = Request::get(path(&["_snapshot", repository, snapshot, "_status"]))
        .query("filter_path", "snapshots.shards_stats,snapshots.stats");
    let response = client.send(&request).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let status: Statuses = client.check_status(response)?.json()?;
    Ok(status.snapshots.into_iter().next().map(Status::into_progress))
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(default)]
    snapshots: Vec<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    shards_stats: ShardsStats,
    stats: Stats,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShardsStats {
    done: u64,
    total: u64,
}

/// Elasticsearch 5 and early 6 write flat numbers, later releases an object for each kind.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    incremental: Option<Size>,
    processed: Option<Size>,
    total_size_in_bytes: Option<u64>,
    processed_size_in_bytes: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Size {
    size_in_bytes: u64,
}

impl Status {
    fn into_progress(self) -> SnapshotProgress {
        let Self { shards_stats, stats } = self;
        let size = |size: &Option<Size>| size.as_ref().map(|size| size.size_in_bytes);
        let bytes_total = size(&stats.incremental).or(stats.total_size_in_bytes).unwrap_or(0);
        // Newer clusters leave out `processed` once everything is written.
        let bytes_done = match size(&stats.processed).or(stats.processed_size_in_bytes) {
            Some(bytes) => bytes,
            None if shards_stats.total > 0 && shards_stats.done == shards_stats.total => {
                bytes_total
            }
            None => 0,
        };
        SnapshotProgress {
            shards_done: shards_stats.done,
            shards_total: shards_stats.total,
            bytes_done,
            bytes_total,
        }
    }
}

/// Deletes a snapshot; returns whether there was one. The time depends on the number of files.
pub async fn delete(
    client: &Client,
    repository: &str,
    snapshot: &str,
) -> Result<bool, ClusterError> {
    let request = Request::delete(path(&["_snapshot", repository, snapshot]));
    let response = client.send(&request).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.check_status(response).map(|_| true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_is_started_without_waiting() {
        let request = create_request("argosy", "mig-1", json!({ "indices": "a" }));
        assert_eq!(request.target(), "/_snapshot/argosy/mig-1?wait_for_completion=false");
        assert_eq!(request.repeat, Repeat::Unsafe);
    }

    #[test]
    fn progress_is_read_from_old_and_new_clusters() {
        let progress = |value| {
            let status: Status = serde_json::from_value(value).expect("a status");
            status.into_progress()
        };
        let old = json!({
            "shards_stats": { "done": 1, "total": 2 },
            "stats": { "total_size_in_bytes": 10, "processed_size_in_bytes": 4 },
        });
        let new = json!({
            "shards_stats": { "done": 1, "total": 2 },
            "stats": {
                "incremental": { "size_in_bytes": 10 },
                "processed": { "size_in_bytes": 4 },
                "total": { "size_in_bytes": 99 },
            },
        });
        let expected =
            SnapshotProgress { shards_done: 1, shards_total: 2, bytes_done: 4, bytes_total: 10 };
        assert_eq!(progress(old), expected);
        assert_eq!(progress(new), expected);
        let done = json!({
            "shards_stats": { "done": 2, "total": 2 },
            "stats": { "incremental": { "size_in_bytes": 10 } },
        });
        assert_eq!(progress(done).bytes_done, 10);
    }
}
