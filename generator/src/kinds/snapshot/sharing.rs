//! Would two snapshots be written to one repository?
//!
//! A repository has one writer: two clusters that write it, or one cluster that knows it under two
//! names, overwrite each other's list of snapshots. Any number of processes may read.

use std::collections::BTreeMap;

use super::{repository::SourceRepository, repository_name::place};
use crate::{
    file::{MigrationFile, walk},
    findings::report::Report,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[SOURCES, MIGRATIONS];

/// Two writers.
const SOURCES: Rule = Rule {
    id: "repository::two-sources",
    severity: Severity::Error,
    summary: "two sources write their snapshots to one repository",
    docs: "Each cluster keeps its own list of the snapshots in a repository and overwrites the list \
           of the other, which corrupts the repository. Give each source a folder of its own. \
           Existing snapshots (`snapshotName`) are only read, and may share a repository.",
};

/// Two concurrent snapshots of one source.
const MIGRATIONS: Rule = Rule {
    id: "repository::two-snapshots",
    severity: Severity::Error,
    summary: "two migrations take a snapshot of one source concurrently",
    docs: "Migrations run concurrently, and each takes a snapshot of its own. The source would be \
           read twice, many versions refuse a second snapshot while one is running, and one \
           migration would clean up what the other still needs. Put the groups for one target into \
           one migration. For several targets, take one snapshot first, and name it in \
           `snapshotRepo.snapshotName` of the source: all its migrations then read it.",
};

/// Checks all migrations; `repositories` are those of the sources.
pub(super) fn check(
    file: &MigrationFile,
    repositories: &BTreeMap<&str, SourceRepository>,
    report: &mut Report<'_>,
) {
    let mut taking: BTreeMap<&str, String> = BTreeMap::new();
    let sources = file.source_clusters.as_ref();
    for (path, migration) in walk::migrations(file) {
        let Some(name) = migration.source_cluster.as_deref() else { continue };
        let source = sources.and_then(|sources| sources.get(name));
        let takes_snapshot = source.is_some_and(|source| {
            source.snapshot_repo.as_ref().is_none_or(|repo| repo.snapshot_name.is_none())
        });
        if !takes_snapshot {
            continue;
        }
        if let Some(first) = taking.get(name) {
            report
                .value(
                    &MIGRATIONS,
                    &path.key("sourceCluster"),
                    format!("migration `{first}` takes a snapshot of `{name}` at the same time"),
                )
                .help(format!(
                    "put groups for one target into one migration; for several targets take one \
                     snapshot first and name it by `snapshotName` in the `snapshotRepo` of `{name}`"
                ));
        } else {
            taking.insert(name, migration.name().unwrap_or_default());
        }
    }
    let mut writers = BTreeMap::new();
    let is_taking = |name: &str| taking.contains_key(name);
    for (path, name, source) in walk::sources(file).filter(|(_, name, _)| is_taking(name)) {
        let Some(proved) = repositories.get(name) else { continue };
        let place = place(&proved.repository);
        if let Some(other) = writers.get(&place) {
            let path = path.key("snapshotRepo");
            let key = source.snapshot_repo.as_ref().and_then(|repo| repo.uri()).map(|(key, _)| key);
            report
                .value(
                    &SOURCES,
                    &key.map_or_else(|| path.clone(), |key| path.key(key)),
                    format!("source `{other}` writes its snapshot to this repository too"),
                )
                .help(
                    "give each source a folder of its own, for example by adding its name at the \
                     end of the URI",
                );
        } else {
            writers.insert(place, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check::testing::{printed, printed_for},
        installation::{DefaultRepository, Installation},
    };

    fn two_sources(one: &str, other: &str) -> String {
        format!(
            r#"sourceClusters:
  a: {{ endpoint: "http://a", {one} }}
  b: {{ endpoint: "http://b", {other} }}
targetClusters: {{ new: {{ endpoint: "http://target" }} }}
migrations:
  - {{ sourceCluster: a, targetCluster: new, snapshotMigrations: [ {{ indices: [one] }} ] }}
  - {{ sourceCluster: b, targetCluster: new, snapshotMigrations: [ {{ indices: [two] }} ] }}
"#
        )
    }

    #[test]
    fn two_sources_do_not_write_one_repository() {
        let source = two_sources(
            r#"snapshotRepo: { repoPathUri: "gs://bucket/all" }"#,
            r#"snapshotRepo: { repoPathUri: "gs://bucket/all/" }"#,
        );
        insta::assert_snapshot!(printed(&source), @r#"
        error[repository::two-sources]: source `a` writes its snapshot to this repository too
         --> migration.yaml:3:59
          |
        3 |   b: { endpoint: "http://b", snapshotRepo: { repoPathUri: "gs://bucket/all/" } }
          |                                                           ^^^^^^^^^^^^^^^^^^
          |
          = help: give each source a folder of its own, for example by adding its name at the end of the URI
        "#);
    }

    #[test]
    fn places_that_differ_and_snapshots_that_exist_are_no_conflict() {
        let own = r#"snapshotRepo: { repoPathUri: "s3://bucket", endpoint: "http://one" }"#;
        for other in [
            r#"snapshotRepo: { repoPathUri: "s3://bucket/b", endpoint: "http://one" }"#,
            r#"snapshotRepo: { repoPathUri: "s3://bucket", endpoint: "http://two" }"#,
            r#"snapshotRepo: { repoPathUri: "s3://bucket", endpoint: "http://one", snapshotName: x }"#,
        ] {
            assert_eq!(printed(&two_sources(own, other)), "");
        }
    }

    #[test]
    fn in_the_default_repository_only_who_names_anothers_folder_is_refused() {
        let installation = Installation {
            default_snapshot_repository: Some(DefaultRepository {
                repo_path_uri: "gs://bucket/all".to_owned(),
                ..DefaultRepository::default()
            }),
            ..Installation::default()
        };
        let plain = "allowInsecure: true";
        assert_eq!(printed_for(&two_sources(plain, plain), &installation), "");
        let folder = r#"snapshotRepo: { repoPathUri: "gs://bucket/all/a" }"#;
        let found = printed_for(&two_sources(plain, folder), &installation);
        assert!(found.starts_with("error[repository::two-sources]"), "{found}");
    }

    #[test]
    fn one_source_takes_one_snapshot() {
        let file = |repo: &str| {
            format!(
                r#"sourceClusters:
  old: {{ endpoint: "http://a", snapshotRepo: {{ {repo} }} }}
targetClusters: {{ x: {{ endpoint: "http://x" }}, y: {{ endpoint: "http://y" }} }}
migrations:
  - {{ sourceCluster: old, targetCluster: x, snapshotMigrations: [ {{ indices: ["*"] }} ] }}
  - {{ sourceCluster: old, targetCluster: y, snapshotMigrations: [ {{ indices: ["*"] }} ] }}
"#
            )
        };
        insta::assert_snapshot!(printed(&file(r#"repoPathUri: "gs://bucket/all""#)), @r#"
        error[repository::two-snapshots]: migration `old-to-x` takes a snapshot of `old` at the same time
         --> migration.yaml:6:22
          |
        6 |   - { sourceCluster: old, targetCluster: y, snapshotMigrations: [ { indices: ["*"] } ] }
          |                      ^^^
          |
          = help: put groups for one target into one migration; for several targets take one snapshot first and name it by `snapshotName` in the `snapshotRepo` of `old`
        "#);
        let existing = r#"repoPathUri: "gs://bucket/all", snapshotName: nightly"#;
        assert_eq!(printed(&file(existing)), "");
    }
}
