//! Can two groups select the same index?

use std::collections::{BTreeMap, BTreeSet};

use super::{
    candidate_pairs::{LiteralEnds, pairs},
    groups::ProvedGroup,
    pattern_overlap::{GroupPatterns, Inclusion, SearchBudget, common_name},
};
use crate::{
    file::{MigrationFile, walk},
    findings::report::Report,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[SAME_SOURCE, TWO_SOURCES];

/// Two groups, one source, one target.
const SAME_SOURCE: Rule = Rule {
    id: "group::overlap",
    severity: Severity::Error,
    summary: "two groups can select the same index",
    docs: "An index that belongs to two groups would be written by both concurrently. The finding \
           shows a name that both groups select; exclude it from one of them. The names in the \
           snapshot are checked again when they are known.",
};

/// Two sources, one target.
const TWO_SOURCES: Rule = Rule {
    id: "group::overlap-of-sources",
    severity: Severity::Warning,
    summary: "two sources can write the same index on one target",
    docs: "If both sources have an index of this name, the second migration finds documents in it \
           on the target and stops (or adds its own, with `existingIndices: append`).",
};

/// A pattern that includes names, and where it is.
struct Entry<'a> {
    group: usize,
    path: &'a Pointer,
    inclusion: Inclusion<'a>,
}

/// A group and what it belongs to.
struct Group<'a> {
    source: &'a str,
    migration: String,
    proved: &'a ProvedGroup,
}

/// Checks all groups; `groups` are those of each migration.
pub(super) fn check(file: &MigrationFile, groups: &[Vec<ProvedGroup>], report: &mut Report<'_>) {
    let mut by_target: BTreeMap<&str, Vec<Group<'_>>> = BTreeMap::new();
    for ((_, migration), groups) in walk::migrations(file).zip(groups) {
        let (Some(source), Some(target)) = (&migration.source_cluster, &migration.target_cluster)
        else {
            continue;
        };
        // Two names may mean one cluster.
        let cluster = file.target_clusters.as_ref().and_then(|clusters| clusters.get(target));
        let endpoint = cluster.and_then(|cluster| cluster.endpoint.as_deref());
        let place = endpoint.map_or(target.as_str(), |endpoint| endpoint.trim_end_matches('/'));
        let migration = migration.name().unwrap_or_default();
        by_target.entry(place).or_default().extend(groups.iter().map(|proved| Group {
            source,
            migration: migration.clone(),
            proved,
        }));
    }
    let mut budget = SearchBudget::of_a_file();
    for groups in by_target.values() {
        compare(groups, &mut budget, report);
    }
}

fn compare(groups: &[Group<'_>], budget: &mut SearchBudget, report: &mut Report<'_>) {
    let patterns: Vec<GroupPatterns<'_>> =
        groups.iter().map(|group| GroupPatterns::new(&group.proved.selection)).collect();
    let mut entries = Vec::new();
    let mut ends = Vec::new();
    for (position, group) in groups.iter().enumerate() {
        for (pattern, path) in group.proved.selection.patterns().iter().zip(&group.proved.paths) {
            if !pattern.is_exclusion() {
                entries.push(Entry { group: position, path, inclusion: Inclusion::new(pattern) });
                ends.push(LiteralEnds::of(pattern));
            }
        }
    }
    // One finding for each group is enough, and keeps a catch-all from hiding others.
    let mut reported = BTreeSet::new();
    pairs(&ends, |one, other| {
        let (Some(one), Some(other)) = (entries.get(one), entries.get(other)) else { return };
        let (first, second) = if one.group < other.group { (one, other) } else { (other, one) };
        let (Some(one), Some(two)) = (groups.get(first.group), groups.get(second.group)) else {
            return;
        };
        let key = (second.group, one.source == two.source);
        if first.group == second.group || reported.contains(&key) {
            return;
        }
        let (Some(of_first), Some(of_second)) =
            (patterns.get(first.group), patterns.get(second.group))
        else {
            return;
        };
        let name = common_name(&first.inclusion, &second.inclusion, of_first, of_second, budget);
        if let Some(name) = name {
            reported.insert(key);
            report_overlap(first, one, second, two, &name, report);
        }
    });
}

fn report_overlap(
    first: &Entry<'_>,
    one: &Group<'_>,
    second: &Entry<'_>,
    two: &Group<'_>,
    name: &str,
    report: &mut Report<'_>,
) {
    if one.source == two.source {
        let mut other = format!("group `{}`", one.proved.name);
        if one.migration != two.migration {
            other += &format!(" of migration `{}`", one.migration);
        }
        let message = format!(
            "`{}` and `{}` of {other} can both match `{name}`",
            second.inclusion.pattern, first.inclusion.pattern
        );
        let help = if first.inclusion.pattern.to_string() == second.inclusion.pattern.to_string() {
            "remove it from one of the two".to_owned()
        } else if specificity(first) >= specificity(second) {
            format!("exclude it here, with `-{}`", first.inclusion.pattern)
        } else {
            format!("exclude it from {other}, with `-{}`", second.inclusion.pattern)
        };
        let other = report.place_of_value(first.path, format!("selects `{name}`"));
        report
            .value(&SAME_SOURCE, second.path, message)
            .label(format!("also selects `{name}`"))
            .related(other)
            .help(help);
    } else {
        let message = format!(
            "`{}` here and `{}` of source `{}` can both match `{name}`, on one target",
            second.inclusion.pattern, first.inclusion.pattern, one.source
        );
        let other = report.place_of_value(first.path, format!("selects `{name}`"));
        report
            .value(&TWO_SOURCES, second.path, message)
            .related(other)
            .help("this is fine if no index has the same name in both sources");
    }
}

/// Returns how specific a pattern is; of two, the more specific one is better excluded from the
/// group of the other.
fn specificity(entry: &Entry<'_>) -> usize {
    let pattern = entry.inclusion.pattern;
    match pattern.glob() {
        Some(_) if pattern.is_exact() => usize::MAX,
        Some(glob) => glob.iter().filter(|character| !matches!(character, '*' | '?')).count(),
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
        14 |       - { name: orders, indices: ["orders-*"] }
           |                                   ---------- selects `orders-2024`
        15 |       - { name: yearly, indices: ["*-2024"] }
           |                                   ^^^^^^^^ also selects `orders-2024`
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
        14 |       - { name: logs, indices: ["logs-*", "-logs-old-*"] }
           |                                 -------- selects `logs-0000`
        15 |       - { name: old, indices: ["regex:logs-old-[0-9]+"] }
        16 |       - { name: dated, indices: ["regex:[a-z]+-[0-9]{4}"] }
           |                                  ^^^^^^^^^^^^^^^^^^^^^^^ also selects `logs-0000`
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
        14 |       - { indices: ["regex:customers-[0-9]+"] }
           |                     ------------------------ selects `customers-12`
        15 |       - { indices: ["customers-12", "customers-x"] }
           |                     ^^^^^^^^^^^^^^ also selects `customers-12`
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
        5 |   - { sourceCluster: a, targetCluster: x, snapshotMigrations: [ { indices: ["logs-*"] } ] }
          |                                                                             -------- selects `logs-1`
        6 |   - { sourceCluster: a, targetCluster: y, snapshotMigrations: [ { indices: ["*-1"] } ] }
          |                                                                             ^^^^^ also selects `logs-1`
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
        7 |   - { sourceCluster: a, targetCluster: new, snapshotMigrations: [ { indices: ["logs"] } ] }
          |                                                                               ------ selects `logs`
        8 |   - { sourceCluster: b, targetCluster: new, snapshotMigrations: [ { indices: ["l*"] } ] }
          |                                                                               ^^^^
          |
          = help: this is fine if no index has the same name in both sources
        "#);
    }
}
