//! How is a snapshot taken, or one that was begun picked up, and watched until it is whole?

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use cluster::{
    Client, ClusterError,
    snapshots::{self, SnapshotInfo, SnapshotProgress},
};
use serde_json::{Value, json};
use step_api::{
    Context, Exit, Failure, ServerVersion,
    snapshot::{SnapshotAnswer, SnapshotRequest},
};

use crate::{
    existing::seconds_between,
    meter::{Meter, float},
};

/// Small snapshots are done in a moment, so the first looks come soon.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LOOKS: Duration = Duration::from_secs(1);
/// How often a line of progress is logged.
const LOGS: Duration = Duration::from_secs(10);
/// A snapshot that was accepted shows up in the list after a moment.
const SHOWS_UP: Duration = Duration::from_secs(30);
/// How many shards that failed a message lists.
const LISTED_FAILURES: usize = 20;

/// A snapshot by name, on the cluster that takes it.
struct Taking<'a> {
    client: &'a Client,
    repository: &'a str,
    snapshot: String,
}

/// Takes the snapshot of this run, or picks up the one that an earlier attempt began.
pub(crate) async fn take(
    client: &Client,
    request: &SnapshotRequest,
    context: &Context,
    indices: &[String],
    version: &ServerVersion,
) -> anyhow::Result<SnapshotAnswer> {
    let snapshot = request.snapshot.snapshot_name(&context.run);
    let taking = Taking { client, repository: &request.repository_name, snapshot };
    taking.begin(indices, version).await?;
    let (info, progress) = taking.wait(context).await?;
    check(&info, indices)?;
    let answer = SnapshotAnswer {
        snapshot: info.snapshot,
        indices: u64::try_from(info.indices.len())?,
        shards: info.shards.total,
        bytes: progress.bytes_done,
        seconds: seconds_between(info.start_time_in_millis, info.end_time_in_millis),
    };
    tracing::info!(
        bytes = answer.bytes,
        seconds = answer.seconds,
        "snapshot `{}` is whole{}",
        answer.snapshot,
        throughput(&answer)
    );
    Ok(answer)
}

fn throughput(answer: &SnapshotAnswer) -> String {
    if answer.seconds > 0.0 {
        format!(", {:.1} MB/s", float(answer.bytes) / 1e6 / answer.seconds)
    } else {
        String::new()
    }
}

impl Taking<'_> {
    /// Starts the snapshot unless one of this name is there that can be used.
    async fn begin(&self, indices: &[String], version: &ServerVersion) -> anyhow::Result<()> {
        let Self { client, repository, snapshot } = self;
        if let Some(info) = self.info().await? {
            match info.state.as_str() {
                "IN_PROGRESS" | "SUCCESS" => {
                    tracing::info!("snapshot `{snapshot}` was begun before; picking it up");
                    return Ok(());
                }
                state => {
                    // The name is this run's own, so an earlier attempt of it left this.
                    tracing::warn!(
                        "snapshot `{snapshot}` of an earlier attempt is {state}; taking it again"
                    );
                    snapshots::delete(client, repository, snapshot).await.map_err(Failure::from)?;
                }
            }
        }
        match snapshots::create(client, repository, snapshot, body(indices, version)).await {
            Ok(()) => {
                tracing::info!("snapshot `{snapshot}` of {} indices is begun", indices.len());
                Ok(())
            }
            // An answer that was lost on the way: it was begun all the same.
            Err(error) if error.kind() == Some("invalid_snapshot_name_exception") => {
                match self.info().await? {
                    Some(_) => Ok(()),
                    None => Err(Failure::from(error).into()),
                }
            }
            Err(error) if is_busy(&error) => {
                let message =
                    format!("{error}; another snapshot is under way: this step waits for it");
                Err(Failure::new(Exit::Temporary, message).into())
            }
            Err(error) if error.to_string().contains("index closed") => {
                let message = format!(
                    "{error}; a source of this version takes no closed index: open the indices \
                     that were warned of, or exclude them with `-name`"
                );
                Err(Failure::new(error.exit(), message).into())
            }
            Err(error) if error.to_string().contains("primary shards") => {
                let message = format!(
                    "{error}; a snapshot of an index without all of its primaries would not be \
                     whole: look with `GET /_cluster/allocation/explain` why they are not \
                     assigned, or exclude the index with `-name`"
                );
                Err(Failure::new(error.exit(), message).into())
            }
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    /// Waits until the snapshot has ended, however it ended.
    async fn wait(&self, context: &Context) -> anyhow::Result<(SnapshotInfo, SnapshotProgress)> {
        let Self { client, repository, snapshot } = self;
        let start = Instant::now();
        let mut meter = Meter::default();
        let mut pause = FIRST_LOOK;
        let mut next_log = LOGS;
        loop {
            let info = self.info().await?;
            let ended = info.as_ref().is_some_and(|info| info.state != "IN_PROGRESS");
            if info.is_some() {
                let seen = snapshots::progress(client, repository, snapshot)
                    .await
                    .map_err(Failure::from)?
                    .unwrap_or_default();
                let progress = meter.measure(start.elapsed(), &seen);
                context.report(&progress);
                if start.elapsed() >= next_log {
                    next_log = start.elapsed() + LOGS;
                    tracing::info!(
                        shards = progress.shards.done,
                        of = progress.shards.total,
                        bytes = progress.bytes,
                        eta_seconds = progress.eta_seconds,
                        "{:.1} MB/s",
                        progress.rate / 1e6
                    );
                }
                if let Some(info) = info.filter(|_| ended) {
                    return Ok((info, seen));
                }
            } else if start.elapsed() > SHOWS_UP {
                let message = format!(
                    "cluster `{}` at `{}` accepted snapshot `{snapshot}` but does not list it; \
                     was it deleted meanwhile?",
                    client.cluster(),
                    client.url()
                );
                return Err(Failure::new(Exit::Failed, message).into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LOOKS);
        }
    }

    async fn info(&self) -> anyhow::Result<Option<SnapshotInfo>> {
        let info = snapshots::get(self.client, self.repository, &self.snapshot).await;
        Ok(info.map_err(Failure::from)?)
    }
}

/// What is taken: exactly these indices, all of their shards or none, and the templates.
fn body(indices: &[String], version: &ServerVersion) -> Value {
    let mut body = json!({
        "indices": indices,
        "ignore_unavailable": false,
        "include_global_state": true,
        "partial": false,
    });
    // Since 7.12 the global state would bring the indices of Kibana, security and the like along.
    if !version.is_opensearch() && version.at_least(7, 12) {
        body["feature_states"] = json!(["none"]);
    }
    body
}

/// Up to 7.6, one snapshot at a time; later, a repository that is being cleaned waits too.
fn is_busy(error: &ClusterError) -> bool {
    error.kind() == Some("concurrent_snapshot_execution_exception")
}

/// Accepts only a snapshot that holds every shard of every index that was asked for.
fn check(info: &SnapshotInfo, indices: &[String]) -> anyhow::Result<()> {
    let SnapshotInfo { snapshot, state, shards, .. } = info;
    if state != "SUCCESS" {
        let mut lines = vec![format!(
            "snapshot `{snapshot}` is {state}: {} of its {} shards are whole{}; see the health of \
             the source, then submit again",
            shards.successful,
            shards.total,
            info.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
        )];
        lines.extend(info.failures.iter().take(LISTED_FAILURES).map(|failure| {
            format!("  index `{}` shard {}: {}", failure.index, failure.shard_id, failure.reason)
        }));
        let more = info.failures.len().saturating_sub(LISTED_FAILURES);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        return Err(Failure::new(Exit::Failed, lines.join("\n")).into());
    }
    let held: BTreeSet<&str> = info.indices.iter().map(String::as_str).collect();
    let missing: Vec<String> = indices
        .iter()
        .filter(|name| !held.contains(name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "snapshot `{snapshot}` does not hold {}; these indices were made after it was begun, or \
         deleted: exclude them, or submit again for a new snapshot",
        missing.join(", ")
    );
    Err(Failure::new(Exit::Failed, message).into())
}

#[cfg(test)]
mod tests {
    use cluster::snapshots::{ShardFailure, SnapshotShards};

    use super::*;

    fn info(state: &str, indices: &[&str]) -> SnapshotInfo {
        SnapshotInfo {
            snapshot: "mig-1".to_owned(),
            uuid: String::new(),
            state: state.to_owned(),
            indices: indices.iter().map(|&name| name.to_owned()).collect(),
            reason: None,
            failures: Vec::new(),
            shards: SnapshotShards { total: 2, failed: 0, successful: 2 },
            start_time_in_millis: 0,
            end_time_in_millis: 0,
        }
    }

    #[test]
    fn only_a_whole_snapshot_of_everything_is_accepted() {
        let wanted = ["a", "b"].map(str::to_owned);
        check(&info("SUCCESS", &["a", "b", "c"]), &wanted).expect("accepted");
        let error = check(&info("SUCCESS", &["a"]), &wanted).expect_err("b is missing");
        assert!(error.to_string().contains("does not hold `b`"), "{error}");
        let partial = SnapshotInfo {
            failures: vec![ShardFailure {
                index: "b".to_owned(),
                shard_id: 1,
                reason: "primary shard is not allocated".to_owned(),
            }],
            ..info("PARTIAL", &["a", "b"])
        };
        let error = check(&partial, &wanted).expect_err("partial");
        assert!(error.to_string().contains("index `b` shard 1: primary shard"), "{error}");
    }

    #[test]
    fn system_features_are_left_out_where_there_are_any() {
        let body = |version: &str| body(&[], &version.parse().expect("a version"));
        assert_eq!(body("7.17.0")["feature_states"], json!(["none"]));
        for without in ["7.10.2", "5.6.16", "OS 2.19"] {
            assert!(body(without).get("feature_states").is_none(), "{without}");
        }
    }
}
