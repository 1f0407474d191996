//! How is a snapshot started, or one of an earlier attempt found, and observed until it ends?

use std::time::{Duration, Instant};

use cluster::{
    Client, ClusterError,
    snapshots::{self, SnapshotInfo, SnapshotProgress},
};
use contract::{
    Exit, Failure, Measure, Progress, ServerVersion, SnapshotName, SnapshotState,
    rate::{Rate, as_float},
    snapshot::{SnapshotAnswer, SnapshotRequest},
};
use serde_json::{Value, json};
use step::Context;

use crate::{completeness, existing::seconds_between};

/// The first poll interval is short, because small snapshots end soon; each one is longer, up to
/// [`POLL_INTERVAL`].
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(100);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The rate is measured over this time, because shards differ.
const RATE_WINDOW: Duration = Duration::from_secs(20);
/// How long a snapshot that was accepted may be missing from the list.
const MAX_LIST_DELAY: Duration = Duration::from_secs(30);

/// A snapshot by name, in the cluster that takes it.
struct SnapshotTask<'a> {
    client: &'a Client,
    repository: &'a str,
    snapshot: SnapshotName,
}

/// Takes the snapshot of this run, or continues with the one that an earlier attempt started.
pub(crate) async fn take(
    client: &Client,
    repository: &str,
    request: &SnapshotRequest,
    context: &Context,
    indices: &[String],
    version: &ServerVersion,
) -> anyhow::Result<SnapshotAnswer> {
    let snapshot = request.snapshot.snapshot_name(&context.run);
    let task = SnapshotTask { client, repository, snapshot };
    let started_by = task.start(indices, version).await?;
    let (info, progress) = task.wait(context).await?;
    completeness::check_shards(&info)?;
    match started_by {
        StartedBy::ThisAttempt => completeness::check_indices(&info, indices)?,
        StartedBy::EarlierAttempt => {
            completeness::check_groups(&info, &request.groups, indices)?;
        }
    }
    let answer = SnapshotAnswer {
        snapshot: SnapshotName::new(info.snapshot),
        indices: u64::try_from(info.indices.len())?,
        shards: info.shards.total,
        bytes: progress.bytes_done,
        seconds: seconds_between(info.start_time_in_millis, info.end_time_in_millis),
    };
    tracing::info!(
        bytes = answer.bytes,
        seconds = answer.seconds,
        "snapshot `{}` is complete{}",
        answer.snapshot,
        throughput(&answer)
    );
    Ok(answer)
}

fn throughput(answer: &SnapshotAnswer) -> String {
    if answer.seconds > 0.0 {
        format!(", {:.1} MB/s", as_float(answer.bytes) / 1e6 / answer.seconds)
    } else {
        String::new()
    }
}

fn progress(seen: &SnapshotProgress, rate: &Rate) -> Progress {
    let SnapshotProgress { shards_done, shards_total, bytes_done, bytes_total } = *seen;
    Progress {
        measures: vec![
            Measure::count("shards", shards_done, Some(shards_total)),
            Measure::bytes("bytes", bytes_done, None).with_rate(rate.per_second()),
        ],
        eta_seconds: rate.seconds_for(bytes_total.saturating_sub(bytes_done)),
        waiting: None,
    }
}

/// Which attempt of the step started a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartedBy {
    /// This one, with the indices that it has listed.
    ThisAttempt,
    /// An earlier one of the same run, with the indices that existed then.
    EarlierAttempt,
}

impl SnapshotTask<'_> {
    /// Starts the snapshot unless a usable one of this name exists.
    async fn start(
        &self,
        indices: &[String],
        version: &ServerVersion,
    ) -> anyhow::Result<StartedBy> {
        let Self { client, repository, snapshot } = self;
        if let Some(info) = self.info().await? {
            match info.state {
                SnapshotState::InProgress | SnapshotState::Success => {
                    tracing::info!("continuing with snapshot `{snapshot}` of an earlier attempt");
                    return Ok(StartedBy::EarlierAttempt);
                }
                state => {
                    // The name belongs to this run, so an earlier attempt left the snapshot.
                    tracing::warn!(
                        "snapshot `{snapshot}` of an earlier attempt is {state}; taking it again"
                    );
                    snapshots::delete(client, repository, snapshot.as_str())
                        .await
                        .map_err(Failure::from)?;
                }
            }
        }
        match snapshots::create(client, repository, snapshot.as_str(), body(indices, version)).await
        {
            Ok(()) => {
                tracing::info!("started snapshot `{snapshot}` of {} indices", indices.len());
                Ok(StartedBy::ThisAttempt)
            }
            // The response to the first request was lost, but the snapshot was started.
            Err(error) if error.kind() == Some("invalid_snapshot_name_exception") => {
                match self.info().await? {
                    Some(_) => Ok(StartedBy::EarlierAttempt),
                    None => Err(Failure::from(error).into()),
                }
            }
            Err(error) if is_busy(&error) => {
                let message =
                    format!("{error}; another snapshot is in progress, and this step waits for it");
                Err(Failure::new(Exit::Temporary, message).into())
            }
            Err(error) if error.to_string().contains("index closed") => {
                let message = format!(
                    "{error}; a source of this version cannot take a snapshot of a closed index: open \
                     the indices named in the warnings above, or exclude them with `-name`"
                );
                Err(Failure::new(error.exit(), message).into())
            }
            Err(error) if error.to_string().contains("primary shards") => {
                let message = format!(
                    "{error}; a snapshot of an index with unassigned primary shards would be \
                     incomplete: `GET /_cluster/allocation/explain` says why they are not assigned; \
                     fix that, or exclude the index with `-name`"
                );
                Err(Failure::new(error.exit(), message).into())
            }
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    /// Waits until the snapshot has ended, with any outcome.
    async fn wait(&self, context: &Context) -> anyhow::Result<(SnapshotInfo, SnapshotProgress)> {
        let Self { client, repository, snapshot } = self;
        let start = Instant::now();
        let mut rate = Rate::over(RATE_WINDOW);
        let mut interval = FIRST_POLL_INTERVAL;
        let cluster = client.cluster();
        let mut wait =
            context.waiting(format!("snapshot `{snapshot}` of cluster `{cluster}` to finish"));
        loop {
            let info = self.info().await?;
            let state = info.as_ref().map(|info| info.state.clone());
            let has_ended = state.as_ref().is_some_and(|state| *state != SnapshotState::InProgress);
            if info.is_some() {
                let seen = snapshots::progress(client, repository, snapshot.as_str())
                    .await
                    .map_err(Failure::from)?
                    .unwrap_or_default();
                rate.note(start.elapsed(), seen.bytes_done);
                context.report(&progress(&seen, &rate));
                if let Some(info) = info.filter(|_| has_ended) {
                    return Ok((info, seen));
                }
            } else if start.elapsed() > MAX_LIST_DELAY {
                let message = format!(
                    "cluster `{}` at `{}` accepted snapshot `{snapshot}` but does not list it; \
                     check whether another process deleted it, then submit the migration again",
                    client.cluster(),
                    client.url()
                );
                return Err(Failure::new(Exit::Failed, message).into());
            }
            let answer = state.map_or_else(|| "not listed yet".to_owned(), |it| it.to_string());
            wait.update(Some(answer), interval);
            tokio::time::sleep(interval).await;
            interval = (interval * 3 / 2).min(POLL_INTERVAL);
        }
    }

    async fn info(&self) -> anyhow::Result<Option<SnapshotInfo>> {
        let info = snapshots::get(self.client, self.repository, self.snapshot.as_str()).await;
        Ok(info.map_err(Failure::from)?)
    }
}

/// Returns the body of the request: exactly these indices, with all of their shards or none, and the
/// templates.
fn body(indices: &[String], version: &ServerVersion) -> Value {
    // An empty list means all indices.
    let indices = if indices.is_empty() { json!("-*") } else { json!(indices) };
    let mut body = json!({
        "indices": indices,
        "ignore_unavailable": false,
        "include_global_state": true,
        "partial": false,
    });
    // Since 7.12 the global state includes the system indices of Kibana, security and others.
    if !version.is_opensearch() && version.at_least(7, 12) {
        body["feature_states"] = json!(["none"]);
    }
    body
}

/// Returns whether the source cannot start a snapshot now: up to 7.6 only one can be in progress, and
/// later releases refuse it during a cleanup of the repository.
fn is_busy(error: &ClusterError) -> bool {
    error.kind() == Some("concurrent_snapshot_execution_exception")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_follows_from_the_bytes() {
        let seen =
            SnapshotProgress { shards_done: 1, shards_total: 4, bytes_done: 200, bytes_total: 999 };
        let mut rate = Rate::over(RATE_WINDOW);
        rate.note(Duration::ZERO, 0);
        assert_eq!(progress(&seen, &rate).eta_seconds, None);
        rate.note(Duration::from_secs(2), 200);
        let progress = progress(&seen, &rate);
        assert_eq!(progress.eta_seconds, Some(8));
        assert_eq!(progress.to_string(), "1/4 shards, 200 B, 100 B/s, 8 s left");
    }

    #[test]
    fn no_index_is_not_every_index() {
        let body = |indices: &[String]| body(indices, &"7.10.2".parse().expect("a version"));
        assert_eq!(body(&[])["indices"], "-*");
        assert_eq!(body(&["a".to_owned()])["indices"], json!(["a"]));
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
