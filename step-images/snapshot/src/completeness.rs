//! Does a snapshot contain everything that the migration needs?

use std::collections::BTreeSet;

use cluster::snapshots::SnapshotInfo;
use contract::{Exit, Failure, Group, IncompleteSnapshot, MissingShard, SnapshotState, selection};

/// Checks that a snapshot ended with all shards.
pub(crate) fn check_shards(info: &SnapshotInfo) -> Result<(), Failure> {
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
        complete_shards: shards.successful,
        shards: shards.total,
        reason: info.reason.as_deref(),
        advice: "check the health of the source, then submit the migration again",
        missing: missing.collect(),
    };
    Err(Failure::new(Exit::Failed, incomplete.to_string()))
}

/// Checks that a snapshot contains every requested index.
pub(crate) fn check_indices(info: &SnapshotInfo, indices: &[String]) -> Result<(), Failure> {
    let missing = missing(info, indices);
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "snapshot `{}` does not contain {}; these indices were deleted while it was started: exclude \
         them, or submit again for a new snapshot",
        info.snapshot,
        missing.join(", ")
    );
    Err(Failure::new(Exit::Failed, message))
}

/// Checks a snapshot that an earlier attempt has started: it contains the indices that existed then,
/// at least one for each group. Newer indices are for a later migration.
pub(crate) fn check_groups(
    info: &SnapshotInfo,
    groups: &[Group],
    indices: &[String],
) -> Result<(), Failure> {
    let place = format!("snapshot `{}`", info.snapshot);
    let selection = selection::select_in(&place, groups, &info.indices);
    if !selection.problems.is_empty() {
        return Err(Failure::new(Exit::Failed, selection.problems.join("\n")));
    }
    let newer = missing(info, indices);
    if !newer.is_empty() {
        tracing::warn!(
            "snapshot `{}` does not contain {}, because they were created after it was started; submit \
             again to migrate them too",
            info.snapshot,
            newer.join(", ")
        );
    }
    Ok(())
}

/// Returns the indices that a snapshot does not contain, quoted.
fn missing(info: &SnapshotInfo, indices: &[String]) -> Vec<String> {
    let contained: BTreeSet<&str> = info.indices.iter().map(String::as_str).collect();
    indices
        .iter()
        .filter(|name| !contained.contains(name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use cluster::snapshots::{ShardFailure, SnapshotShards};
    use contract::{ExistingIndices, GroupName};

    use super::*;

    fn info(state: &str, indices: &[&str]) -> SnapshotInfo {
        SnapshotInfo {
            snapshot: "mig-1".to_owned(),
            uuid: String::new(),
            state: state.to_owned().into(),
            indices: indices.iter().map(|&name| name.to_owned()).collect(),
            reason: None,
            failures: Vec::new(),
            shards: SnapshotShards { total: 2, failed: 0, successful: 2 },
            start_time_in_millis: 0,
            end_time_in_millis: 0,
        }
    }

    #[test]
    fn only_a_complete_snapshot_is_accepted() {
        let wanted = ["a", "b"].map(str::to_owned);
        check_indices(&info("SUCCESS", &["a", "b", "c"]), &wanted).expect("accepted");
        let error = check_indices(&info("SUCCESS", &["a"]), &wanted).expect_err("b is missing");
        assert!(error.to_string().contains("does not contain `b`"), "{error}");
        check_shards(&info("SUCCESS", &["a"])).expect("whole");
        let partial = SnapshotInfo {
            failures: vec![ShardFailure {
                index: "b".to_owned(),
                shard_id: 1,
                reason: "primary shard is not allocated".to_owned(),
            }],
            ..info("PARTIAL", &["a", "b"])
        };
        let error = check_shards(&partial).expect_err("partial");
        assert!(error.to_string().contains("index `b` shard 1: primary shard"), "{error}");
    }

    #[test]
    fn a_snapshot_of_an_earlier_attempt_need_not_contain_newer_indices() {
        let group = |pattern: &str| Group {
            name: GroupName::new(pattern),
            indices: vec![pattern.to_owned()].try_into().expect("a pattern"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty: false,
        };
        let held = info("SUCCESS", &["a1"]);
        let now = ["a1", "a2"].map(str::to_owned);
        check_groups(&held, &[group("a*")], &now).expect("accepted");
        let error = check_groups(&held, &[group("a*"), group("b*")], &now).expect_err("refused");
        assert!(error.to_string().contains("group `b*` matches no index"), "{error}");
    }
}
