//! Does every migration have groups, and does every group say what to do with which indices?

use std::collections::BTreeSet;

use contract::{IndexPattern, pattern::PatternError};

use super::{Rule, walk};
use crate::{
    config::{
        file::{MigrationFile, SnapshotMigration},
        group_name, migration_name,
    },
    findings::{Report, Severity},
    pointer::Pointer,
};

/// Nothing to do.
pub(crate) const NO_MIGRATIONS: Rule = Rule {
    id: "migration::none",
    severity: Severity::Error,
    summary: "nothing is migrated",
    docs: "`migrations` or the `snapshotMigrations` of one of them is an empty list.",
};

/// One name twice.
pub(crate) const DUPLICATE_NAME: Rule = Rule {
    id: "group::duplicate-name",
    severity: Severity::Error,
    summary: "two groups of a migration, or two migrations, have one name",
    docs: "Gates and labels are made of these names. A group without a name is called `group-1`, \
           `group-2` and so on by its position; a migration `<source>-to-<target>`.",
};

/// Nothing enabled.
pub(crate) const NOTHING_ENABLED: Rule = Rule {
    id: "group::nothing-enabled",
    severity: Severity::Error,
    summary: "a group migrates neither metadata nor documents",
    docs: "Both `metadataMigration` and `documentBackfill` are switched off. Remove the group or \
           switch one of them on.",
};

/// Not a pattern.
pub(crate) const PATTERN: Rule = Rule {
    id: "group::pattern",
    severity: Severity::Error,
    summary: "an index pattern that cannot be read",
    docs: "`indices` takes exact names, `*` and `?` wildcards, `-exclusions` and \
           `regex:expressions`. Names of indices are lower-case and have no spaces.",
};

/// No patterns.
pub(crate) const NO_INDICES: Rule = Rule {
    id: "group::no-indices",
    severity: Severity::Error,
    summary: "a group means no index",
    docs: "`indices` is empty or has exclusions only; an exclusion takes away from what the other \
           patterns mean.",
};

/// Documents without metadata.
pub(crate) const DOCUMENTS_ONLY: Rule = Rule {
    id: "group::documents-only",
    severity: Severity::Note,
    summary: "a group migrates documents without their mappings",
    docs: "`metadataMigration` is switched off, so the group's indices must be on the target \
           already, with the mappings that their documents need. Into an index that is not there \
           the target guesses a mapping from the first documents that come: searches then give \
           other results, and documents that do not fit the guess are rejected.",
};

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    if file.migrations.as_ref().is_some_and(Vec::is_empty) {
        let path = Pointer::root().key("migrations");
        report.key(&NO_MIGRATIONS, &path, "`migrations` is empty").help("add a migration");
    }
    let mut names = Names::default();
    for (path, migration) in walk::migrations(file) {
        if let Some(name) = migration_name(migration) {
            let at = if migration.name.is_some() { path.key("name") } else { path.clone() };
            names.add("migrations", &name, &at, report);
        }
        if migration.snapshot_migrations.as_ref().is_some_and(Vec::is_empty) {
            report
                .key(
                    &NO_MIGRATIONS,
                    &path.key("snapshotMigrations"),
                    "this migration has no groups",
                )
                .help("add one, for example `- indices: [\"*\"]`");
        }
        let mut names = Names::default();
        for (path, position, group) in walk::groups(&path, migration) {
            let at = if group.name.is_some() { path.key("name") } else { path.clone() };
            names.add("groups of this migration", &group_name(group, position), &at, report);
            one(group, &path, report);
        }
    }
}

/// The names that were seen.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn add(&mut self, of: &str, name: &str, at: &Pointer, report: &mut Report<'_>) {
        if !self.0.insert(name.to_owned()) {
            report
                .value(&DUPLICATE_NAME, at, format!("two {of} are called `{name}`"))
                .help("give this one a `name:` of its own");
        }
    }
}

fn one(group: &SnapshotMigration, path: &Pointer, report: &mut Report<'_>) {
    if !group.migrates_metadata() && !group.migrates_documents() {
        report
            .value(&NOTHING_ENABLED, path, "this group migrates neither metadata nor documents")
            .help("enable `metadataMigration` or `documentBackfill`, or remove the group");
    }
    if !group.migrates_metadata() && group.migrates_documents() {
        let message = "the documents of this group come without their mappings";
        report.key(&DOCUMENTS_ONLY, &path.key("metadataMigration"), message).help(
            "make its indices on the target before, with their mappings, or enable \
             `metadataMigration`; else the target guesses a mapping from the first documents",
        );
    }
    let Some(indices) = &group.indices else { return };
    let path = path.key("indices");
    let mut includes = false;
    for (position, text) in indices.iter().enumerate() {
        match text.parse::<IndexPattern>() {
            Ok(pattern) => includes |= !pattern.is_exclusion(),
            Err(error) => {
                includes = true;
                let help = match &error {
                    PatternError::Character { character, .. } if character.is_uppercase() => {
                        Some("names of indices are lower-case")
                    }
                    PatternError::Character { character: ',', .. } => {
                        Some("write each pattern as an element of its own")
                    }
                    _ => None,
                };
                let finding = report.value(&PATTERN, &path.index(position), error.to_string());
                if let Some(help) = help {
                    finding.help(help);
                }
            }
        }
    }
    if !includes {
        let what = if indices.is_empty() { "is empty" } else { "has exclusions only" };
        report
            .value(&NO_INDICES, &path, format!("`indices` {what}"))
            .help("add what is meant, for example `\"*\"` or `\"logs-*\"`");
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{grouped, printed};

    #[test]
    fn empty_lists_migrate_nothing() {
        let source = r#"
sourceClusters: { old: { endpoint: "http://a", snapshotRepo: { repoPathUri: "gs://b/p" } } }
targetClusters: { new: { endpoint: "http://c" } }
migrations: [ { sourceCluster: old, targetCluster: new, snapshotMigrations: [] } ]
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[migration::none]: this migration has no groups
         --> migration.yaml:4:57
          |
        4 | migrations: [ { sourceCluster: old, targetCluster: new, snapshotMigrations: [] } ]
          |                                                         ^^^^^^^^^^^^^^^^^^
          |
          = help: add one, for example `- indices: ["*"]`
        "#);
    }

    #[test]
    fn a_default_name_can_be_taken_already() {
        let groups = r#"
      - { name: group-2, indices: ["a*"] }
      - { indices: ["b*"] }
      - { indices: ["c*"] }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::duplicate-name]: two groups of this migration are called `group-2`
          --> migration.yaml:15:9
           |
        15 |       - { indices: ["b*"] }
           |         ^
           |
           = help: give this one a `name:` of its own
        "#);
    }

    #[test]
    fn a_group_with_nothing_enabled_is_refused() {
        let groups = r#"
      - indices: ["*"]
        metadataMigration: { enabled: false }
        documentBackfill: { enabled: false }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::nothing-enabled]: this group migrates neither metadata nor documents
          --> migration.yaml:14:9
           |
        14 |       - indices: ["*"]
           |         ^
           |
           = help: enable `metadataMigration` or `documentBackfill`, or remove the group
        "#);
    }

    #[test]
    fn documents_without_metadata_are_noted() {
        let groups = r#"
      - indices: ["*"]
        metadataMigration: { enabled: false }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        note[group::documents-only]: the documents of this group come without their mappings
          --> migration.yaml:15:9
           |
        15 |         metadataMigration: { enabled: false }
           |         ^^^^^^^^^^^^^^^^^
           |
           = help: make its indices on the target before, with their mappings, or enable `metadataMigration`; else the target guesses a mapping from the first documents
        "#);
    }

    #[test]
    fn malformed_patterns_are_all_reported() {
        let groups = r#"
      - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
      - indices: ["-tmp-*"]
      - indices: []"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::pattern]: `Logs-*` contains `L`, which an index name cannot contain; remove it
          --> migration.yaml:14:19
           |
        14 |       - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
           |                   ^^^^^^^^
           |
           = help: names of indices are lower-case

        error[group::pattern]: an index pattern is empty; write a name, `logs-*` or `regex:...`
          --> migration.yaml:14:29
           |
        14 |       - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
           |                             ^^

        error[group::pattern]: `a b` contains ` `, which an index name cannot contain; remove it
          --> migration.yaml:14:33
           |
        14 |       - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
           |                                 ^^^^^

        error[group::pattern]: `a,b` contains `,`, which an index name cannot contain; remove it
          --> migration.yaml:14:40
           |
        14 |       - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
           |                                        ^^^^^
           |
           = help: write each pattern as an element of its own

        error[group::pattern]: `regex:a(b` is not a regular expression: unclosed group
          --> migration.yaml:14:47
           |
        14 |       - indices: ["Logs-*", "", "a b", "a,b", "regex:a(b", "ok"]
           |                                               ^^^^^^^^^^^

        error[group::no-indices]: `indices` has exclusions only
          --> migration.yaml:15:18
           |
        15 |       - indices: ["-tmp-*"]
           |                  ^
           |
           = help: add what is meant, for example `"*"` or `"logs-*"`

        error[group::no-indices]: `indices` is empty
          --> migration.yaml:16:18
           |
        16 |       - indices: []
           |                  ^
           |
           = help: add what is meant, for example `"*"` or `"logs-*"`
        "#);
    }
}
