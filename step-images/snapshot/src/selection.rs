//! Which indices of the source go into the snapshot?
//!
//! The patterns are resolved here and not by the cluster, which has neither `regex:` nor our
//! exclusions, and would leave out hidden and closed indices silently.

use cluster::{
    Client,
    indices::{self, IndexSummary},
};
use contract::{Exit, Failure, Group, selection};

/// Returns the indices of the source that at least one group selects; none, if every group may be
/// empty.
pub(crate) async fn select(client: &Client, groups: &[Group]) -> anyhow::Result<Vec<String>> {
    let found = indices::list(client).await.map_err(Failure::from)?;
    let names: Vec<String> = found.iter().map(|index| index.name.clone()).collect();
    let place = format!("cluster `{}` at `{}`", client.cluster(), client.url());
    let indices = pick(&place, groups, &names)?;
    warn_of_state(&found, &indices);
    Ok(indices)
}

/// Selects the indices, with the checks that the register step will make.
fn pick(place: &str, groups: &[Group], names: &[String]) -> Result<Vec<String>, Failure> {
    let selection = selection::select_in(place, groups, names);
    if !selection.problems.is_empty() {
        return Err(Failure::new(Exit::NotFound, selection.problems.join("\n")));
    }
    for picked in selection.groups.iter().filter(|picked| picked.indices.is_empty()) {
        tracing::warn!("no index of the source matches {}", picked.group.indices);
    }
    if !selection.passed_over.is_empty() {
        tracing::info!(
            "not in the snapshot, because no pattern with a leading dot selects them: {}",
            selection.passed_over.join(", ")
        );
    }
    let mut indices: Vec<String> =
        selection.groups.into_iter().flat_map(|picked| picked.indices).collect();
    indices.sort_unstable();
    Ok(indices)
}

/// Warns of indices that the cluster may refuse, so that its message is understood.
fn warn_of_state(found: &[IndexSummary], selected: &[String]) {
    for index in found.iter().filter(|index| selected.contains(&index.name)) {
        if index.is_closed() {
            tracing::warn!(
                "index `{}` is closed; if the source cannot take a snapshot of it, open it or exclude it",
                index.name
            );
        } else if index.health.as_deref() == Some("red") {
            tracing::warn!(
                "index `{}` is red: some of its primary shards are not assigned, and cannot be in the snapshot",
                index.name
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{ExistingIndices, GroupName};

    use super::*;

    fn group(patterns: &[&str], allow_empty: bool) -> Group {
        let patterns: Vec<String> = patterns.iter().map(|&text| text.to_owned()).collect();
        Group {
            name: GroupName::new("g"),
            indices: patterns.try_into().expect("patterns"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty,
        }
    }

    fn picked(groups: &[Group]) -> Result<Vec<String>, Failure> {
        let names = [".tasks", "a1", "a2", "b1"].map(str::to_owned);
        pick("cluster `legacy`", groups, &names)
    }

    #[test]
    fn the_union_of_all_groups_is_taken() {
        let groups = [group(&["b*", "*2"], false), group(&["regex:a1"], false)];
        assert_eq!(picked(&groups).expect("names"), ["a1", "a2", "b1"]);
    }

    #[test]
    fn only_a_group_that_may_be_empty_may_match_nothing() {
        let empty = |allowed| group(&["c*"], allowed);
        assert_eq!(picked(&[group(&["a*"], false), empty(true)]).expect("names"), ["a1", "a2"]);
        assert_eq!(picked(&[empty(true)]).expect("none"), Vec::<String>::new());
        let failure = picked(&[group(&["a*"], false), empty(false)]).expect_err("refused");
        assert!(failure.message.contains("matches no index of cluster `legacy`"), "{failure}");
    }

    #[test]
    fn an_index_of_two_groups_is_refused_before_it_is_taken() {
        let failure = picked(&[group(&["a*"], false), group(&["*1"], false)]).expect_err("refused");
        assert!(failure.message.contains("index `a1` is in the groups"), "{failure}");
    }
}
