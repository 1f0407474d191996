//! Can one index belong to two groups?

use std::collections::{BTreeMap, BTreeSet};

use step_api::{IndexPattern, IndexSelection};

use super::{
    Rule,
    candidates::{Ends, pairs},
    walk,
    witness::{Side, witness},
};
use crate::{
    config::{file::MigrationFile, group_name},
    findings::{Report, Severity},
    pointer::Pointer,
};

/// Two groups, one source, one target.
pub(crate) const RULE: Rule = Rule {
    id: "group::overlap",
    severity: Severity::Error,
    summary: "two groups can mean the same index",
    docs: "An index that belongs to two groups would be written twice, by both at once. The \
           finding shows a name that both match; exclude it from one of them. What patterns alone \
           cannot show is checked again when the names in the snapshot are known.",
};

/// Two sources, one target.
pub(crate) const TWO_SOURCES: Rule = Rule {
    id: "group::overlap-of-sources",
    severity: Severity::Warning,
    summary: "two sources can bring the same index to one target",
    docs: "If both sources have an index of that name, the second one meets documents on the \
           target and stops there (or mixes with them, under `existingIndices: append`).",
};

/// A pattern that adds names, and where it stands.
struct Entry<'a> {
    group: usize,
    path: &'a Pointer,
    pattern: &'a IndexPattern,
}

/// A group with readable patterns.
struct Group {
    source: String,
    name: String,
    selection: IndexSelection,
    paths: Vec<Pointer>,
}

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    let mut by_target: BTreeMap<&str, Vec<Group>> = BTreeMap::new();
    for (path, migration) in walk::migrations(file) {
        let (Some(source), Some(target)) = (&migration.source_cluster, &migration.target_cluster)
        else {
            continue;
        };
        let groups = by_target.entry(target).or_default();
        for (path, position, group) in walk::groups(&path, migration) {
            groups.push(readable(
                source,
                group_name(group, position),
                group.indices.as_deref(),
                &path,
            ));
        }
    }
    for groups in by_target.values() {
        compare(groups, report);
    }
}

/// Takes what is readable of a group's patterns; another rule reports the rest.
fn readable(source: &str, name: String, indices: Option<&[String]>, path: &Pointer) -> Group {
    let path = path.key("indices");
    let mut patterns = Vec::new();
    let mut paths = Vec::new();
    for (position, text) in indices.unwrap_or_default().iter().enumerate() {
        if let Ok(pattern) = text.parse::<IndexPattern>() {
            patterns.push(pattern);
            paths.push(path.index(position));
        }
    }
    Group { source: source.to_owned(), name, selection: IndexSelection::new(patterns), paths }
}

fn compare(groups: &[Group], report: &mut Report<'_>) {
    let sides: Vec<Side<'_>> = groups.iter().map(|group| Side::new(&group.selection)).collect();
    let mut entries = Vec::new();
    let mut ends = Vec::new();
    for (position, group) in groups.iter().enumerate() {
        for (pattern, path) in group.selection.patterns().iter().zip(&group.paths) {
            if !pattern.is_exclusion() {
                entries.push(Entry { group: position, path, pattern });
                ends.push(Ends::of(pattern));
            }
        }
    }
    // One finding for each group is enough to mend it, and keeps a catch-all from drowning others.
    let mut told = BTreeSet::new();
    pairs(&ends, |one, other| {
        let (Some(one), Some(other)) = (entries.get(one), entries.get(other)) else { return };
        let (first, second) = if one.group < other.group { (one, other) } else { (other, one) };
        let (Some(one), Some(two)) = (groups.get(first.group), groups.get(second.group)) else {
            return;
        };
        let key = (second.group, one.source == two.source);
        if first.group == second.group || told.contains(&key) {
            return;
        }
        let (Some(side), Some(other_side)) = (sides.get(first.group), sides.get(second.group))
        else {
            return;
        };
        if let Some(name) = witness(first.pattern, second.pattern, side, other_side) {
            told.insert(key);
            tell(first, one, second, two, &name, report);
        }
    });
}

fn tell(
    first: &Entry<'_>,
    one: &Group,
    second: &Entry<'_>,
    two: &Group,
    name: &str,
    report: &mut Report<'_>,
) {
    if one.source == two.source {
        let message = format!(
            "`{}` and `{}` of group `{}` can both match `{name}`",
            second.pattern, first.pattern, one.name
        );
        report.value(&RULE, second.path, message).label(format!("also means `{name}`")).help(
            format!(
                "exclude it from one of the groups, for example with `-{}`",
                narrower(first, second)
            ),
        );
    } else {
        let message = format!(
            "`{}` here and `{}` of source `{}` can both match `{name}`, on one target",
            second.pattern, first.pattern, one.source
        );
        report
            .value(&TWO_SOURCES, second.path, message)
            .help("this is fine if no index has the same name in both sources");
    }
}

/// Returns the pattern that is better excluded: the one that says more.
fn narrower<'a>(first: &Entry<'a>, second: &Entry<'a>) -> &'a IndexPattern {
    let says = |entry: &Entry<'_>| match entry.pattern.glob() {
        Some(_) if entry.pattern.is_exact() => usize::MAX,
        Some(letters) => letters.iter().filter(|letter| !matches!(letter, '*' | '?')).count(),
        None => 0,
    };
    if says(first) >= says(second) { first.pattern } else { second.pattern }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{grouped, printed};

    #[test]
    fn two_wildcards_that_meet_are_refused_with_a_name() {
        let groups = r#"
      - { name: orders, indices: ["orders-*"] }
      - { name: yearly, indices: ["*-2024"] }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::overlap]: `*-2024` and `orders-*` of group `orders` can both match `orders-2024`
          --> migration.yaml:15:35
           |
        15 |       - { name: yearly, indices: ["*-2024"] }
           |                                   ^^^^^^^^ also means `orders-2024`
           |
           = help: exclude it from one of the groups, for example with `-orders-*`
        "#);
    }

    #[test]
    fn an_exclusion_keeps_groups_apart() {
        let groups = r#"
      - { indices: ["orders-*", "-*-2024"] }
      - { indices: ["*-2024"] }
      - { indices: ["*", "-orders-*", "-*-2024", ".kibana*"] }
      - { indices: [".tasks"] }"#;
        assert_eq!(printed(&grouped(groups)), "");
    }

    #[test]
    fn an_exact_name_meets_an_expression() {
        let groups = r#"
      - { indices: ["regex:customers-[0-9]+"] }
      - { indices: ["customers-12", "customers-x"] }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::overlap]: `customers-12` and `regex:customers-[0-9]+` of group `group-1` can both match `customers-12`
          --> migration.yaml:15:21
           |
        15 |       - { indices: ["customers-12", "customers-x"] }
           |                     ^^^^^^^^^^^^^^ also means `customers-12`
           |
           = help: exclude it from one of the groups, for example with `-customers-12`
        "#);
    }

    #[test]
    fn two_sources_on_one_target_are_a_warning() {
        let source = r#"
sourceClusters:
  a: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } }
  b: { endpoint: "http://b", snapshotRepo: { repoPathUri: "gs://b/q" } }
targetClusters: { new: { endpoint: "http://c" } }
migrations:
  - { sourceCluster: a, targetCluster: new, snapshotMigrations: [ { indices: ["logs"] } ] }
  - { sourceCluster: b, targetCluster: new, snapshotMigrations: [ { indices: ["l*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        warning[group::overlap-of-sources]: `l*` here and `logs` of source `a` can both match `logs`, on one target
         --> migration.yaml:8:79
          |
        8 |   - { sourceCluster: b, targetCluster: new, snapshotMigrations: [ { indices: ["l*"] } ] }
          |                                                                               ^^^^
          |
          = help: this is fine if no index has the same name in both sources
        "#);
    }
}
