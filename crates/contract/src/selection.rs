//! Which indices of a snapshot does each group select, and which groups select nothing or the same
//! index? The register step and `workflow plan` ask the same functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::{closest::closest, group::Group, quoted::quoted};

/// The indices that one group selects.
#[derive(Debug)]
pub struct GroupSelection<'a> {
    /// The group.
    pub group: &'a Group,
    /// The selected names, in the snapshot's order.
    pub indices: Vec<String>,
}

/// The indices that all groups select.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// The groups, in the order of the request.
    pub groups: Vec<GroupSelection<'a>>,
    /// Names with a leading dot that no pattern with a leading dot matches.
    pub passed_over: Vec<String>,
    /// The problems found, one message each.
    pub problems: Vec<String>,
}

/// Resolves the groups' patterns against the names in the snapshot.
pub fn select<'a>(groups: &'a [Group], names: &[String]) -> Selection<'a> {
    select_in("the snapshot", groups, names)
}

/// Resolves the groups' patterns against the names in `place`, as messages call it.
pub fn select_in<'a>(place: &str, groups: &'a [Group], names: &[String]) -> Selection<'a> {
    let mut selection = Selection::default();
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for group in groups {
        let selected = group.indices.pick(names.iter().map(String::as_str));
        if selected.names.is_empty() && !group.allow_empty {
            selection.problems.push(matches_nothing(place, group, names, &selected.passed_over));
        }
        let picked: BTreeSet<&str> = selected.names.iter().map(String::as_str).collect();
        for name in names.iter().filter(|name| picked.contains(name.as_str())) {
            owners.entry(name).or_default().push(group.name.as_str());
        }
        for name in selected.passed_over {
            if !selection.passed_over.contains(&name) {
                selection.passed_over.push(name);
            }
        }
        selection.groups.push(GroupSelection { group, indices: selected.names });
    }
    selection.passed_over.retain(|name| !owners.contains_key(name.as_str()));
    for (index, groups) in owners.into_iter().filter(|(_, groups)| groups.len() > 1) {
        selection.problems.push(format!(
            "index `{index}` is in the groups {}; exclude it from all but one with `-{index}`",
            quoted(&groups)
        ));
    }
    selection
}

fn matches_nothing(place: &str, group: &Group, names: &[String], passed_over: &[String]) -> String {
    let patterns = group.indices.patterns();
    let texts: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut near: Vec<&str> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !pattern.is_exclusion()) {
        for name in closest(pattern, names) {
            if !near.contains(&name) {
                near.push(name);
            }
        }
    }
    let advice = if !passed_over.is_empty() {
        format!(
            "{} would match, but names with a leading dot need a pattern with a leading dot",
            quoted(&passed_over.iter().map(String::as_str).collect::<Vec<_>>())
        )
    } else if !near.is_empty() {
        format!("did you mean {}?", quoted(&near))
    } else if names.is_empty() {
        format!("{place} has no indices")
    } else {
        let names: Vec<&str> = names.iter().map(String::as_str).take(10).collect();
        format!("{place} has for example {}", quoted(&names))
    };
    format!(
        "group `{}` matches no index of {place}: its patterns are {}; {advice} (set \
         `allowEmpty: true` if it may match nothing)",
        group.name,
        quoted(&texts)
    )
}

#[cfg(test)]
mod tests {
    use crate::{group::ExistingIndices, ids::GroupName};

    use super::*;

    fn group(name: &str, patterns: &[&str], allow_empty: bool) -> Group {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        Group {
            name: GroupName::new(name),
            indices: patterns.try_into().expect("patterns"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty,
        }
    }

    fn names() -> Vec<String> {
        [".kibana", "orders-1", "orders-2", "users"].map(str::to_owned).to_vec()
    }

    #[test]
    fn each_group_gets_its_indices_and_unmatched_dot_names_are_reported() {
        let groups = [group("a", &["orders-*"], false), group("b", &["*", "-orders-*"], false)];
        let selection = select(&groups, &names());
        assert_eq!(selection.problems, Vec::<String>::new());
        assert_eq!(selection.groups[0].indices, ["orders-1", "orders-2"]);
        assert_eq!(selection.groups[1].indices, ["users"]);
        assert_eq!(selection.passed_over, [".kibana"]);
    }

    #[test]
    fn an_index_in_two_groups_is_refused_and_all_problems_are_reported() {
        let groups = [
            group("a", &["orders-*"], false),
            group("b", &["orders-1"], false),
            group("c", &["oders-*"], false),
            group("d", &["nothing"], true),
        ];
        let problems = select(&groups, &names()).problems;
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("`c`") && problems[0].contains("did you mean `orders-1`"));
        assert!(problems[1].contains("index `orders-1` is in the groups `a`, `b`"));
    }

    #[test]
    fn a_group_that_would_match_only_dot_names_says_so() {
        let groups = [group("a", &["*kibana"], false)];
        let problems = select(&groups, &names()).problems;
        assert!(problems[0].contains("`.kibana` would match"), "{problems:?}");
    }
}
