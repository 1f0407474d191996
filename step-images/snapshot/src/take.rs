//! How is a snapshot taken, or one that was begun picked up, and watched until it is whole?

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use cluster::{
    Client, ClusterError,
    snapshots::{self, SnapshotInfo, SnapshotProgress},
};
use contract::{
    Exit, Failure, Group, IncompleteSnapshot, Measure, MissingShard, Progress, ServerVersion,
    SnapshotState,
    rate::{Rate, as_float},
    selection,
    snapshot::{SnapshotAnswer, SnapshotRequest},
};
use serde_json::{Value, json};
use step::Context;

use crate::existing::seconds_between;

/// Small snapshots are done in a moment, so the first looks come soon.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LOOKS: Duration = Duration::from_secs(1);
/// The rate is that of the last while, since shards differ.
const RATE_OVER: Duration = Duration::from_secs(20);
/// A snapshot that was accepted shows up in the list after a moment.
const SHOWS_UP: Duration = Duration::from_secs(30);

/// A snapshot by name, on the cluster that takes it.
struct Taking<'a> {
    client: &'a Client,
    repository: &'a str,
    snapshot: String,
}

/// Takes the snapshot of this run, or picks up the one that an earlier attempt began.
pub(crate) async fn take(
    client: &Client,
    repository: &str,
    request: &SnapshotRequest,
    context: &Context,
    indices: &[String],
    version: &ServerVersion,
) -> anyhow::Result<SnapshotAnswer> {
    let snapshot = request.snapshot.snapshot_name(&context.run);
    let taking = Taking { client, repository, snapshot };
    let begun = taking.begin(indices, version).await?;
    let (info, progress) = taking.wait(context).await?;
    whole(&info)?;
    match begun {
        Begun::Now => holds(&info, indices)?,
        Begun::Before => holds_groups(&info, &request.groups, indices)?,
    }
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

/// When a snapshot was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// By this attempt, of the indices that it has seen.
    Now,
    /// By an earlier attempt of the same run, of the indices that there were then.
    Before,
}

impl Taking<'_> {
    /// Starts the snapshot unless one of this name is there that can be used.
    async fn begin(&self, indices: &[String], version: &ServerVersion) -> anyhow::Result<Begun> {
        let Self { client, repository, snapshot } = self;
        if let Some(info) = self.info().await? {
            match info.state {
                SnapshotState::InProgress | SnapshotState::Success => {
                    tracing::info!("snapshot `{snapshot}` was begun before; picking it up");
                    return Ok(Begun::Before);
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
                Ok(Begun::Now)
            }
            // An answer that was lost on the way: it was begun all the same.
            Err(error) if error.kind() == Some("invalid_snapshot_name_exception") => {
                match self.info().await? {
                    Some(_) => Ok(Begun::Before),
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
        let mut rate = Rate::over(RATE_OVER);
        let mut pause = FIRST_LOOK;
        loop {
            let info = self.info().await?;
            let ended = info.as_ref().is_some_and(|info| info.state != SnapshotState::InProgress);
            if info.is_some() {
                let seen = snapshots::progress(client, repository, snapshot)
                    .await
                    .map_err(Failure::from)?
                    .unwrap_or_default();
                rate.note(start.elapsed(), seen.bytes_done);
                context.report(&progress(&seen, &rate));
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
    // An empty list would mean all indices.
    let indices = if indices.is_empty() { json!("-*") } else { json!(indices) };
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

/// Accepts only a snapshot that holds every shard of what it holds.
fn whole(info: &SnapshotInfo) -> Result<(), Failure> {
    let SnapshotInfo { snapshot, state, shards, .. } = info;
    if *state == SnapshotState::Success {
        return Ok(());
    }
    let missing = info.failures.iter().map(|failure| MissingShard {
        index: &failure.index,
        shard: failure.shard_id,
        reason: &failure.reason,
    });
    let incomplete = IncompleteSnapshot {
        name: snapshot,
        state,
        whole_shards: shards.successful,
        shards: shards.total,
        reason: info.reason.as_deref(),
        advice: "see the health of the source, then submit again",
        missing: missing.collect(),
    };
    Err(Failure::new(Exit::Failed, incomplete.to_string()))
}

/// Accepts only a snapshot that holds every index that was asked for.
fn holds(info: &SnapshotInfo, indices: &[String]) -> Result<(), Failure> {
    let missing = absent(info, indices);
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "snapshot `{}` does not hold {}; these indices were deleted while it was begun: exclude \
         them, or submit again for a new snapshot",
        info.snapshot,
        missing.join(", ")
    );
    Err(Failure::new(Exit::Failed, message))
}

/// Accepts a snapshot that an earlier attempt has begun: it holds what there was then, and that
/// must be something for each group. What was made since is for a later migration.
fn holds_groups(info: &SnapshotInfo, groups: &[Group], indices: &[String]) -> Result<(), Failure> {
    let place = format!("snapshot `{}`", info.snapshot);
    let selection = selection::select_in(&place, groups, &info.indices);
    if !selection.problems.is_empty() {
        return Err(Failure::new(Exit::Failed, selection.problems.join("\n")));
    }
    let newer = absent(info, indices);
    if !newer.is_empty() {
        tracing::warn!(
            "snapshot `{}` does not hold {}: made after it was begun; submit again if they are to \
             be migrated too",
            info.snapshot,
            newer.join(", ")
        );
    }
    Ok(())
}

/// Returns those of the indices that a snapshot does not hold, quoted.
fn absent(info: &SnapshotInfo, indices: &[String]) -> Vec<String> {
    let held: BTreeSet<&str> = info.indices.iter().map(String::as_str).collect();
    indices
        .iter()
        .filter(|name| !held.contains(name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use cluster::snapshots::{ShardFailure, SnapshotShards};
    use contract::ExistingIndices;

    use super::*;

    fn info(state: SnapshotState, indices: &[&str]) -> SnapshotInfo {
        SnapshotInfo {
            snapshot: "mig-1".to_owned(),
            uuid: String::new(),
            state,
            indices: indices.iter().map(|&name| name.to_owned()).collect(),
            reason: None,
            failures: Vec::new(),
            shards: SnapshotShards { total: 2, failed: 0, successful: 2 },
            start_time_in_millis: 0,
            end_time_in_millis: 0,
        }
    }

    #[test]
    fn bytes_tell_when_a_snapshot_will_be_whole() {
        let seen =
            SnapshotProgress { shards_done: 1, shards_total: 4, bytes_done: 200, bytes_total: 999 };
        let mut rate = Rate::over(RATE_OVER);
        rate.note(Duration::ZERO, 0);
        assert_eq!(progress(&seen, &rate).eta_seconds, None);
        rate.note(Duration::from_secs(2), 200);
        let progress = progress(&seen, &rate);
        assert_eq!(progress.eta_seconds, Some(8));
        assert_eq!(progress.to_string(), "1/4 shards, 200 B, 100 B/s, 8 s left");
    }

    #[test]
    fn only_a_whole_snapshot_of_everything_is_accepted() {
        let wanted = ["a", "b"].map(str::to_owned);
        holds(&info(SnapshotState::Success, &["a", "b", "c"]), &wanted).expect("accepted");
        let error =
            holds(&info(SnapshotState::Success, &["a"]), &wanted).expect_err("b is missing");
        assert!(error.to_string().contains("does not hold `b`"), "{error}");
        whole(&info(SnapshotState::Success, &["a"])).expect("whole");
        let partial = SnapshotInfo {
            failures: vec![ShardFailure {
                index: "b".to_owned(),
                shard_id: 1,
                reason: "primary shard is not allocated".to_owned(),
            }],
            ..info(SnapshotState::Partial, &["a", "b"])
        };
        let error = whole(&partial).expect_err("partial");
        assert!(error.to_string().contains("index `b` shard 1: primary shard"), "{error}");
    }

    #[test]
    fn a_snapshot_that_was_begun_before_need_not_hold_what_is_newer() {
        let group = |pattern: &str| Group {
            name: pattern.to_owned(),
            indices: vec![pattern.to_owned()].try_into().expect("a pattern"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty: false,
        };
        let held = info(SnapshotState::Success, &["a1"]);
        let now = ["a1", "a2"].map(str::to_owned);
        holds_groups(&held, &[group("a*")], &now).expect("accepted");
        let error = holds_groups(&held, &[group("a*"), group("b*")], &now).expect_err("refused");
        assert!(error.to_string().contains("group `b*` matches no index"), "{error}");
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
