//! Do migrations name known clusters, and is every cluster used?

use std::collections::BTreeSet;

use crate::{
    file::{
        MigrationFile,
        walk::{self, Side},
    },
    findings::report::Report,
    nearest::nearest,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises; empty names of groups are found by [`crate::check::migrations`].
pub(crate) const RULES: &[Rule] = &[UNKNOWN, BOTH_SIDES, UNUSED, EMPTY_NAME];

/// No such cluster.
const UNKNOWN: Rule = Rule {
    id: "group::unknown-cluster",
    severity: Severity::Error,
    summary: "a migration names an unknown cluster",
    docs: "`sourceCluster` is a name under `sourceClusters`, `targetCluster` one under \
           `targetClusters`.",
};

/// One name on both sides.
const BOTH_SIDES: Rule = Rule {
    id: "cluster::both-sides",
    severity: Severity::Error,
    summary: "a source and a target have the same name",
    docs: "The names of migrations, Secrets and labels contain the names of clusters, so a name must \
           belong to one cluster only.",
};

/// A cluster that nothing uses.
const UNUSED: Rule = Rule {
    id: "cluster::unused",
    severity: Severity::Warning,
    summary: "no migration uses a cluster",
    docs: "Either a migration is missing, or the cluster can be removed.",
};

/// A cluster without a name.
pub(crate) const EMPTY_NAME: Rule = Rule {
    id: "cluster::empty-name",
    severity: Severity::Error,
    summary: "a cluster, migration or group has an empty name",
    docs: "Findings, gates and labels show the name. It may have upper case and any script.",
};

/// The clusters of a migration, both of which the file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub source: String,
    pub target: String,
}

/// Proves the ends of every migration, in the order of the file.
pub(crate) fn prove(file: &MigrationFile, report: &mut Report<'_>) -> Vec<Option<Ends>> {
    let names = |side| {
        let clusters = walk::clusters(file).filter(|cluster| cluster.side == side);
        clusters.map(|cluster| cluster.name).collect::<Vec<&str>>()
    };
    let sources = file.source_clusters.is_some().then(|| names(Side::Source));
    let targets = file.target_clusters.is_some().then(|| names(Side::Target));
    let mut used = BTreeSet::new();
    // Where a reference is missing or unknown, the cluster that it meant seems unused.
    let mut unclear = BTreeSet::new();
    let mut all = Vec::new();
    for (path, migration) in walk::migrations(file) {
        let mut resolve = |key: &str, side: Side, name: Option<&str>, known: Option<&[&str]>| {
            let Some(name) = name else {
                unclear.insert(side);
                return None;
            };
            used.insert((side, name.to_owned()));
            let known = known?;
            if known.contains(&name) {
                return Some(name.to_owned());
            }
            unclear.insert(side);
            unknown(key, side.key(), name, known, &path.key(key), report);
            None
        };
        let source = migration.source_cluster.as_deref();
        let source = resolve("sourceCluster", Side::Source, source, sources.as_deref());
        let target = migration.target_cluster.as_deref();
        let target = resolve("targetCluster", Side::Target, target, targets.as_deref());
        all.push(source.zip(target).map(|(source, target)| Ends { source, target }));
        if migration.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            report
                .value(&EMPTY_NAME, &path.key("name"), "this migration's name is empty")
                .help("write a name, or leave the key out");
        }
    }
    for cluster in walk::clusters(file) {
        if cluster.name.trim().is_empty() {
            report.key(&EMPTY_NAME, &cluster.path, "this cluster has no name").help("give it one");
        }
        if cluster.side == Side::Target && sources.iter().flatten().any(|it| *it == cluster.name) {
            let path = Pointer::root().key(Side::Source.key()).key(cluster.name);
            let other = report.place_of_key(&path, "the source of this name");
            report
                .key(
                    &BOTH_SIDES,
                    &cluster.path,
                    format!("`{}` is also the name of a source", cluster.name),
                )
                .related(other)
                .help("give one of the two another name");
        }
        let is_used = used.contains(&(cluster.side, cluster.name.to_owned()));
        if file.migrations.is_some() && !is_used && !unclear.contains(&cluster.side) {
            report
                .key(&UNUSED, &cluster.path, format!("no migration uses `{}`", cluster.name))
                .help("add a migration for it, or remove it");
        }
    }
    all
}

fn unknown(
    key: &str,
    map: &str,
    name: &str,
    known: &[&str],
    path: &Pointer,
    report: &mut Report<'_>,
) {
    let near = nearest(name, known.iter().copied());
    let message = format!("`{key}` names `{name}`, which is not under `{map}`");
    let finding = report.value(&UNKNOWN, path, message);
    if let Some(near) = near {
        finding.label(format!("did you mean `{near}`?"));
    }
    let side = key.trim_end_matches("Cluster");
    if known.is_empty() {
        finding.help(format!("add it under `{map}`, which is empty"));
    } else {
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        finding.help(format!("known {side} clusters: {list}"));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::printed;

    #[test]
    fn a_misspelt_cluster_is_named_with_the_nearest() {
        let source = r#"
sourceClusters:
  legacy: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } }
  archive: { endpoint: "http://b", snapshotRepo: { repoPathUri: "gs://b/q" } }
targetClusters: { new: { endpoint: "http://c" } }
migrations:
  - sourceCluster: legcy
    targetCluster: new
    snapshotMigrations: [ { indices: ["a*"] } ]
  - { sourceCluster: archive, targetCluster: new, snapshotMigrations: [ { indices: ["b*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @"
        error[group::unknown-cluster]: `sourceCluster` names `legcy`, which is not under `sourceClusters`
         --> migration.yaml:7:20
          |
        7 |   - sourceCluster: legcy
          |                    ^^^^^ did you mean `legacy`?
          |
          = help: known source clusters: `legacy`, `archive`
        ");
    }

    #[test]
    fn one_name_means_one_cluster() {
        let source = r#"
sourceClusters: { main: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } } }
targetClusters: { main: { endpoint: "http://c" } }
migrations:
  - { sourceCluster: main, targetCluster: main, snapshotMigrations: [ { indices: ["a*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::both-sides]: `main` is also the name of a source
         --> migration.yaml:3:19
          |
        2 | sourceClusters: { main: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } } }
          |                   ---- the source of this name
        3 | targetClusters: { main: { endpoint: "http://c" } }
          |                   ^^^^
          |
          = help: give one of the two another name
        "#);
    }

    #[test]
    fn empty_names_are_refused() {
        let source = r#"
sourceClusters: { old: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } } }
targetClusters: { "": { endpoint: "http://c" } }
migrations:
  - sourceCluster: old
    targetCluster: ""
    name: " "
    snapshotMigrations: [ { name: "", indices: ["a*"] } ]
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::empty-name]: this cluster has no name
         --> migration.yaml:3:19
          |
        3 | targetClusters: { "": { endpoint: "http://c" } }
          |                   ^^
          |
          = help: give it one

        error[cluster::empty-name]: this migration's name is empty
         --> migration.yaml:7:11
          |
        7 |     name: " "
          |           ^^^
          |
          = help: write a name, or leave the key out

        error[cluster::empty-name]: this group's name is empty
         --> migration.yaml:8:35
          |
        8 |     snapshotMigrations: [ { name: "", indices: ["a*"] } ]
          |                                   ^^
          |
          = help: write a name, or leave the key out
        "#);
    }
}
