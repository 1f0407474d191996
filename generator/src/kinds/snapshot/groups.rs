//! Which groups does every migration have, with which indices, and what is done with them?

use contract::{
    Group, GroupName, IndexPattern, IndexSelection, fleet::WorkerLimits, pattern::PatternError,
};

use super::{
    file::{DocumentBackfill, SnapshotMigration},
    gates::GATES,
    metadata,
    proved::{Documents, GroupConfig},
};
use crate::{
    check::migrations::NO_MIGRATIONS,
    file::{Migration, MigrationFile, walk},
    findings::report::Report,
    kinds::gate::Level,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[NOTHING_ENABLED, PATTERN, NO_INDICES, DOCUMENTS_ONLY];

/// The number of workers of a group when the file does not say.
const DEFAULT_WORKERS: u32 = 2;

/// Nothing enabled.
const NOTHING_ENABLED: Rule = Rule {
    id: "group::nothing-enabled",
    severity: Severity::Error,
    summary: "a group migrates neither metadata nor documents",
    docs: "Both `metadataMigration` and `documentBackfill` are switched off. Remove the group or \
           switch one of them on.",
};

/// Not a pattern.
const PATTERN: Rule = Rule {
    id: "group::pattern",
    severity: Severity::Error,
    summary: "an invalid index pattern",
    docs: "`indices` takes exact names, `*` and `?` wildcards, `-exclusions` and \
           `regex:expressions`. Names of indices are lower-case and have no spaces.",
};

/// No patterns.
const NO_INDICES: Rule = Rule {
    id: "group::no-indices",
    severity: Severity::Error,
    summary: "a group selects no index",
    docs: "`indices` is empty or has exclusions only. An exclusion removes indices from those that \
           the other patterns select.",
};

/// Documents without metadata.
const DOCUMENTS_ONLY: Rule = Rule {
    id: "group::documents-only",
    severity: Severity::Note,
    summary: "a group migrates documents without their mappings",
    docs: "`metadataMigration` is switched off, so the group's indices must already be on the \
           target, with the mappings that their documents need. If an index is missing, the \
           target guesses a mapping from the first documents: searches then give other results, \
           and documents that do not fit the guess are rejected.",
};

/// A group, as far as it is proved.
pub(super) struct ProvedGroup {
    pub name: String,
    /// The patterns that can be read, and where each is.
    pub selection: IndexSelection,
    pub paths: Vec<Pointer>,
    /// What is done with the group; absent when a pattern cannot be read, or there is none.
    pub config: Option<GroupConfig>,
}

/// Proves the groups of every migration, in the order of the file.
pub(super) fn prove(file: &MigrationFile, report: &mut Report<'_>) -> Vec<Vec<ProvedGroup>> {
    let mut all = Vec::new();
    for (path, migration) in walk::migrations(file) {
        let path = path.key("snapshotMigrations");
        if migration.snapshot_migrations.as_ref().is_some_and(Vec::is_empty) {
            report
                .key(&NO_MIGRATIONS, &path, "this migration has no groups")
                .help("add one, for example `- indices: [\"*\"]`");
        }
        let groups = migration.snapshot_migrations.iter().flatten().enumerate();
        let groups = groups.map(|(position, group)| {
            let name = group.name(position);
            prove_group(file, migration, group, name, &path.index(position), report)
        });
        all.push(groups.collect());
    }
    all
}

fn prove_group(
    file: &MigrationFile,
    migration: &Migration,
    group: &SnapshotMigration,
    name: String,
    path: &Pointer,
    report: &mut Report<'_>,
) -> ProvedGroup {
    let (has_metadata, has_documents) = (group.migrates_metadata(), group.migrates_documents());
    if !has_metadata && !has_documents {
        report
            .value(&NOTHING_ENABLED, path, "this group migrates neither metadata nor documents")
            .help("enable `metadataMigration` or `documentBackfill`, or remove the group");
    }
    if !has_metadata && has_documents {
        let message = "the documents of this group come without their mappings";
        report.key(&DOCUMENTS_ONLY, &path.key("metadataMigration"), message).help(
            "create its indices on the target first, with their mappings, or enable \
             `metadataMigration`; otherwise the target guesses a mapping from the first documents",
        );
    }
    let Patterns { selection, paths, are_complete } =
        prove_patterns(group.indices.as_deref(), &path.key("indices"), report);
    let levels: [Level<'_>; 3] = [
        (group.approvals.as_ref(), group.skip_approvals),
        (migration.approvals.as_ref(), migration.skip_approvals),
        (file.approvals.as_ref(), file.skip_approvals),
    ];
    let choices =
        metadata::prove(group.metadata_migration.as_ref(), &path.key("metadataMigration"), report);
    let choices = choices.filter(|_| are_complete);
    let config = choices.map(|choices| GroupConfig {
        path: path.clone(),
        group: Group {
            name: GroupName::new(&name),
            indices: selection.clone(),
            existing_indices: group.existing_indices.unwrap_or_default(),
            allow_empty: group.allow_empty.unwrap_or(false),
        },
        metadata: has_metadata.then_some(choices),
        documents: has_documents.then(|| documents(group.document_backfill.as_ref())),
        gates: GATES.into_iter().filter(|gate| gate.waits(&levels)).collect(),
    });
    ProvedGroup { name, selection, paths, config }
}

/// The patterns of a group.
struct Patterns {
    selection: IndexSelection,
    paths: Vec<Pointer>,
    are_complete: bool,
}

fn prove_patterns(indices: Option<&[String]>, path: &Pointer, report: &mut Report<'_>) -> Patterns {
    let mut patterns = Vec::new();
    let mut paths = Vec::new();
    let mut are_complete = indices.is_some();
    for (position, text) in indices.unwrap_or_default().iter().enumerate() {
        let path = path.index(position);
        match text.parse::<IndexPattern>() {
            Ok(pattern) => {
                patterns.push(pattern);
                paths.push(path);
            }
            Err(error) => {
                are_complete = false;
                let help = match &error {
                    PatternError::Character { character, .. } if character.is_uppercase() => {
                        Some("names of indices are lower-case")
                    }
                    PatternError::Character { character: ',', .. } => {
                        Some("write each pattern as an element of its own")
                    }
                    _ => None,
                };
                let finding = report.value(&PATTERN, &path, error.to_string());
                if let Some(help) = help {
                    finding.help(help);
                }
            }
        }
    }
    // A pattern that cannot be read may have been one that includes.
    if are_complete && patterns.iter().all(IndexPattern::is_exclusion) {
        are_complete = false;
        let what = if patterns.is_empty() { "is empty" } else { "has exclusions only" };
        report
            .value(&NO_INDICES, path, format!("`indices` {what}"))
            .help("add a pattern, for example `\"*\"` or `\"logs-*\"`");
    }
    Patterns { selection: IndexSelection::new(patterns), paths, are_complete }
}

fn documents(part: Option<&DocumentBackfill>) -> Documents {
    let defaults = WorkerLimits::default();
    let limits = WorkerLimits {
        bulk_bytes: part.and_then(|part| part.bulk_bytes).unwrap_or(defaults.bulk_bytes),
        bulk_documents: part
            .and_then(|part| part.bulk_documents)
            .unwrap_or(defaults.bulk_documents),
        connections: part.and_then(|part| part.max_connections).unwrap_or(defaults.connections),
        lease_seconds: part.and_then(|part| part.lease_seconds).unwrap_or(defaults.lease_seconds),
    };
    Documents {
        workers: part.and_then(|part| part.workers).unwrap_or(DEFAULT_WORKERS),
        limits,
        allowed_rejections: part.and_then(|part| part.allowed_rejections).unwrap_or(0),
        allow_partial_source: part.and_then(|part| part.allow_partial_source).unwrap_or(false),
        verify: part.and_then(|part| part.verify).unwrap_or_default(),
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
           = help: create its indices on the target first, with their mappings, or enable `metadataMigration`; otherwise the target guesses a mapping from the first documents
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
           = help: add a pattern, for example `"*"` or `"logs-*"`

        error[group::no-indices]: `indices` is empty
          --> migration.yaml:16:18
           |
        16 |       - indices: []
           |                  ^
           |
           = help: add a pattern, for example `"*"` or `"logs-*"`
        "#);
    }
}
