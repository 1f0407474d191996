//! Can one index belong to two groups?

use std::collections::{BTreeMap, BTreeSet};

use contract::{IndexPattern, IndexSelection};

use super::{
    Rule,
    candidates::{Ends, pairs},
    walk,
    witness::{Adding, Effort, Side, witness},
};
use crate::{
    config::{file::MigrationFile, group_name, migration_name},
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
    adding: Adding<'a>,
}

/// A group with readable patterns.
struct Group<'a> {
    source: &'a str,
    migration: String,
    name: String,
    selection: IndexSelection,
    paths: Vec<Pointer>,
}

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    let mut by_target: BTreeMap<&str, Vec<Group<'_>>> = BTreeMap::new();
    for (path, migration) in walk::migrations(file) {
        let (Some(source), Some(target)) = (&migration.source_cluster, &migration.target_cluster)
        else {
            continue;
        };
        // Two names may stand for one cluster.
        let cluster = file.target_clusters.as_ref().and_then(|clusters| clusters.get(target));
        let endpoint = cluster.and_then(|cluster| cluster.endpoint.as_deref());
        let place = endpoint.map_or(target.as_str(), |endpoint| endpoint.trim_end_matches('/'));
        let groups = by_target.entry(place).or_default();
        for (path, position, group) in walk::groups(&path, migration) {
            let (selection, paths) = readable(group.indices.as_deref(), &path);
            groups.push(Group {
                source,
                migration: migration_name(migration).unwrap_or_default(),
                name: group_name(group, position),
                selection,
                paths,
            });
        }
    }
    let mut effort = Effort::of_a_file();
    for groups in by_target.values() {
        compare(groups, &mut effort, report);
    }
}

/// Takes what is readable of a group's patterns; another rule reports the rest.
fn readable(indices: Option<&[String]>, path: &Pointer) -> (IndexSelection, Vec<Pointer>) {
    let path = path.key("indices");
    let mut patterns = Vec::new();
    let mut paths = Vec::new();
    for (position, text) in indices.unwrap_or_default().iter().enumerate() {
        if let Ok(pattern) = text.parse::<IndexPattern>() {
            patterns.push(pattern);
            paths.push(path.index(position));
        }
    }
    (IndexSelection::new(patterns), paths)
}

fn compare(groups: &[Group<'_>], effort: &mut Effort, report: &mut Report<'_>) {
    let sides: Vec<Side<'_>> = groups.iter().map(|group| Side::new(&group.selection)).collect();
    let mut entries = Vec::new();
    let mut ends = Vec::new();
    for (position, group) in groups.iter().enumerate() {
        for (pattern, path) in group.selection.patterns().iter().zip(&group.paths) {
            if !pattern.is_exclusion() {
                entries.push(Entry { group: position, path, adding: Adding::new(pattern) });
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
        if let Some(name) = witness(&first.adding, &second.adding, side, other_side, effort) {
            told.insert(key);
            tell(first, one, second, two, &name, report);
        }
    });
}

fn tell(
    first: &Entry<'_>,
    one: &Group<'_>,
    second: &Entry<'_>,
    two: &Group<'_>,
    name: &str,
    report: &mut Report<'_>,
) {
    if one.source == two.source {
        let mut other = format!("group `{}`", one.name);
        if one.migration != two.migration {
            other += &format!(" of migration `{}`", one.migration);
        }
        let message = format!(
            "`{}` and `{}` of {other} can both match `{name}`",
            second.adding.pattern, first.adding.pattern
        );
        let help = if first.adding.pattern.to_string() == second.adding.pattern.to_string() {
            "write it in one of the two only".to_owned()
        } else if says(first) >= says(second) {
            format!("exclude it here, with `-{}`", first.adding.pattern)
        } else {
            format!("exclude it from {other}, with `-{}`", second.adding.pattern)
        };
        report.value(&RULE, second.path, message).label(format!("also means `{name}`")).help(help);
    } else {
        let message = format!(
            "`{}` here and `{}` of source `{}` can both match `{name}`, on one target",
            second.adding.pattern, first.adding.pattern, one.source
        );
        report
            .value(&TWO_SOURCES, second.path, message)
            .help("this is fine if no index has the same name in both sources");
    }
}

/// Returns how much a pattern says; of two, the one that says more is better excluded from the
/// group of the other.
fn says(entry: &Entry<'_>) -> usize {
    let pattern = entry.adding.pattern;
    match pattern.glob() {
        Some(_) if pattern.is_exact() => usize::MAX,
        Some(letters) => letters.iter().filter(|letter| !matches!(letter, '*' | '?')).count(),
        None => 0,
    }
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
           = help: exclude it here, with `-orders-*`
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
    fn expressions_meet_wildcards_and_each_other() {
        let groups = r#"
      - { name: logs, indices: ["logs-*", "-logs-old-*"] }
      - { name: old, indices: ["regex:logs-old-[0-9]+"] }
      - { name: dated, indices: ["regex:[a-z]+-[0-9]{4}"] }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::overlap]: `regex:[a-z]+-[0-9]{4}` and `logs-*` of group `logs` can both match `logs-0000`
          --> migration.yaml:16:34
           |
        16 |       - { name: dated, indices: ["regex:[a-z]+-[0-9]{4}"] }
           |                                  ^^^^^^^^^^^^^^^^^^^^^^^ also means `logs-0000`
           |
           = help: exclude it here, with `-logs-*`
        "#);
    }

    #[test]
    fn many_expressions_that_begin_with_anything_take_no_long_time() {
        let group = |number| format!("\n      - indices: [\"regex:.*-tenant-{number:03}\"]");
        let groups: String = (0..300).map(group).collect();
        assert_eq!(printed(&grouped(&groups)), "");
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
           = help: exclude it from group `group-1`, with `-customers-12`
        "#);
    }

    #[test]
    fn two_names_of_one_target_are_one_target() {
        let source = r#"
sourceClusters: { a: { snapshotRepo: { repoPathUri: "gs://b/p", snapshotName: s } } }
targetClusters: { x: { endpoint: "http://c:9200" }, y: { endpoint: "http://c:9200/" } }
migrations:
  - { sourceCluster: a, targetCluster: x, snapshotMigrations: [ { indices: ["logs-*"] } ] }
  - { sourceCluster: a, targetCluster: y, snapshotMigrations: [ { indices: ["*-1"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[group::overlap]: `*-1` and `logs-*` of group `group-1` of migration `a-to-x` can both match `logs-1`
         --> migration.yaml:6:77
          |
        6 |   - { sourceCluster: a, targetCluster: y, snapshotMigrations: [ { indices: ["*-1"] } ] }
          |                                                                             ^^^^^ also means `logs-1`
          |
          = help: exclude it here, with `-logs-*`
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
