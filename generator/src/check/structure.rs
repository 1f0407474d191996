//! Is the file built as the schema says? Syntax, keys, types, ranges.
//!
//! The schema is the judge; its words are ours ([`super::explain`]). What is broken is taken out of the file (or
//! replaced by something empty), so that the other rules still look at everything else, and is
//! remembered, so that they do not repeat in other words what was said here.
//!
//! It is long because its tests show the findings as they are printed.

use std::{ops::Range, sync::LazyLock};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Map, Value};

use super::{Rule, explain::explain};
use crate::{
    config::file::MigrationFile,
    document::Document,
    findings::{Finding, Findings, Report, Severity},
    pointer::Pointer,
    schema,
};

/// Not YAML at all.
pub(crate) const SYNTAX: Rule = Rule {
    id: "config::syntax",
    severity: Severity::Error,
    summary: "the file is not readable as YAML or JSON",
    docs: "The text breaks the rules of YAML (of which JSON is a part): a quote that is not \
           closed, a wrong indentation, a colon without a space. Nothing else can be checked \
           before this is mended.",
};

/// One key twice in one map.
pub(crate) const DUPLICATE_KEY: Rule = Rule {
    id: "config::duplicate-key",
    severity: Severity::Error,
    summary: "one key stands twice in one map",
    docs: "YAML readers disagree about which of the two counts; keep one of them.",
};

/// A key that the schema does not know.
pub(crate) const UNKNOWN_KEY: Rule = Rule {
    id: "config::unknown-key",
    severity: Severity::Error,
    summary: "a key that has no meaning here",
    docs: "A misspelt key would be ignored silently, and the migration would do something else \
           than was meant. Keys are written in camelCase.",
};

/// A key that must be given.
pub(crate) const MISSING_KEY: Rule = Rule {
    id: "config::missing-key",
    severity: Severity::Error,
    summary: "a key that must be given is not there",
    docs: "The migration cannot be planned without it. A key without a value counts as absent.",
};

/// A value of another type.
pub(crate) const TYPE: Rule = Rule {
    id: "config::type",
    severity: Severity::Error,
    summary: "a value of the wrong type",
    docs: "Text is expected where a number stands, or a list where text stands. Versions need \
           quotes: without them `7.10` is the number 7.1.",
};

/// A value that is none of the allowed ones.
pub(crate) const VALUE: Rule = Rule {
    id: "config::value",
    severity: Severity::Error,
    summary: "a value that is none of the allowed ones",
    docs: "The key takes one of a few words.",
};

/// A number out of range.
pub(crate) const RANGE: Rule = Rule {
    id: "config::range",
    severity: Severity::Error,
    summary: "a number that is too small or too large",
    docs: "Workers, parallelism and limits of requests have ranges in which clusters survive.",
};

/// The compiler contradicts itself.
pub(crate) const NOT_UNDERSTOOD: Rule = Rule {
    id: "compiler::not-understood",
    severity: Severity::Error,
    summary: "the compiler found nothing wrong and still could not go on",
    docs: "A defect of the compiler; please report it with the file.",
};

/// The schema, made once: each refused value is explained with its part of it.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(schema::v1);

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("our own schema is valid"));

/// Reads the file, with findings for everything that the schema refuses. Also returns the places
/// that are broken.
pub(crate) fn read(document: &Document, findings: &mut Findings) -> (MigrationFile, Vec<Pointer>) {
    let value = document.to_json();
    let mut broken = Vec::new();
    let mut kept = value.clone();
    let errors: Vec<ValidationError<'_>> = VALIDATOR.iter_errors(&value).collect();
    for error in &errors {
        if is_said_by_type(error, &errors) {
            continue;
        }
        let place = Pointer::parsed(error.instance_path().as_str());
        explain(error, &place, document, findings);
        mend(error, &place, &mut kept, &mut broken);
    }
    match serde_json::from_value(kept) {
        Ok(file) => (file, broken),
        Err(error) => {
            let root = Pointer::root();
            let message = format!("the file cannot be read: {error}");
            Report::new(document, &[], findings).value(&TYPE, &root, message);
            (MigrationFile::default(), vec![root])
        }
    }
}

/// Returns whether another error says of the same place that its type is wrong.
fn is_said_by_type(error: &ValidationError<'_>, all: &[ValidationError<'_>]) -> bool {
    let is_type = |kind: &ValidationErrorKind| matches!(kind, ValidationErrorKind::Type { .. });
    let is_range = matches!(
        error.kind(),
        ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. }
    );
    let here = error.instance_path().as_str();
    is_range
        && all.iter().any(|other| is_type(other.kind()) && other.instance_path().as_str() == here)
}

/// Says that `key` stands twice in one map.
pub(crate) fn duplicate_key(
    key: &str,
    path: &Pointer,
    span: Range<usize>,
    findings: &mut Findings,
) {
    let message = format!("the key `{key}` stands here a second time");
    findings
        .push(Finding::new(&DUPLICATE_KEY, path, span, message))
        .help("keep one of the two, or give one of them another name");
}

/// Takes out of `kept` what the error refuses, and remembers the place.
fn mend(error: &ValidationError<'_>, place: &Pointer, kept: &mut Value, broken: &mut Vec<Pointer>) {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            if let Some(Value::Object(map)) = kept.pointer_mut(place.as_str()) {
                for key in unexpected {
                    map.shift_remove(key);
                }
            }
        }
        ValidationErrorKind::Required { property } => {
            broken.push(place.key(property.as_str().unwrap_or_default()));
        }
        ValidationErrorKind::Type { kind } => {
            broken.push(place.clone());
            match kind {
                TypeKind::Single(kind) if kind.as_str() == "object" => {
                    replace(kept, place, Value::Object(Map::new()));
                }
                TypeKind::Single(kind) if kind.as_str() == "array" => {
                    replace(kept, place, Value::Array(Vec::new()));
                }
                _ => remove(kept, place),
            }
        }
        _ => {
            broken.push(place.clone());
            remove(kept, place);
        }
    }
}

fn replace(kept: &mut Value, place: &Pointer, value: Value) {
    if let Some(here) = kept.pointer_mut(place.as_str()) {
        *here = value;
    }
}

/// Removes a key, or empties an element of a list of texts so that the others keep their places.
fn remove(kept: &mut Value, place: &Pointer) {
    let Some((parent, _)) = place.as_str().rsplit_once('/') else { return };
    let last = place.last().unwrap_or_default();
    match kept.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(&last);
        }
        Some(Value::Array(_)) => replace(kept, place, Value::String(String::new())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{grouped, pair, printed};

    #[test]
    fn text_that_is_no_yaml_shows_the_place() {
        insta::assert_snapshot!(printed("sourceClusters:\n  old: [1, 2\nmigrations: []\n"), @"
        error[config::syntax]: the file is not readable as YAML or JSON: illegal placement of ':' indicator
         --> migration.yaml:3:11
          |
        3 | migrations: []
          |           ^
          |
          = help: check quotes, colons and indentation near this place
        ");
    }

    #[test]
    fn an_empty_file_is_no_migration() {
        insta::assert_snapshot!(printed("# nothing yet\n"), @"
        error[config::type]: the file is empty, expected a map
         --> migration.yaml:1:15
          |
        1 | # nothing yet
          |              ^
          |
          = help: `workflow configure sample` prints a file to begin with
        ");
    }

    #[test]
    fn every_repeated_key_is_reported() {
        let source = pair("version: ES 7.10\n    version: ES 7.10", "endpoint: \"http://b\"");
        insta::assert_snapshot!(printed(&source), @r#"
        error[config::duplicate-key]: the key `version` stands here a second time
         --> migration.yaml:6:5
          |
        6 |     version: ES 7.10
          |     ^^^^^^^
          |
          = help: keep one of the two, or give one of them another name

        error[config::duplicate-key]: the key `endpoint` stands here a second time
          --> migration.yaml:10:5
           |
        10 |     endpoint: "http://b"
           |     ^^^^^^^^
           |
           = help: keep one of the two, or give one of them another name
        "#);
    }

    #[test]
    fn an_unquoted_version_is_a_number() {
        insta::assert_snapshot!(printed(&pair("version: 7.10", "version: 2")), @r#"
        error[config::type]: `version` is the number 7.1, expected text
         --> migration.yaml:5:14
          |
        5 |     version: 7.10
          |              ^^^^
          |
          = help: write it in quotes: `"7.10"`

        error[config::type]: `version` is the number 2, expected text
         --> migration.yaml:9:14
          |
        9 |     version: 2
          |              ^
          |
          = help: write it in quotes: `"2"`
        "#);
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest() {
        let source = pair("alowInsecure: true", "allow_insecure: true").replace("indices", "index");
        insta::assert_snapshot!(printed(&source), @r#"
        error[config::unknown-key]: cluster `old` has no key `alowInsecure`
         --> migration.yaml:5:5
          |
        5 |     alowInsecure: true
          |     ^^^^^^^^^^^^ did you mean `allowInsecure`?
          |
          = help: known here: `endpoint`, `version`, `allowInsecure`, `authConfig`, `snapshotRepo`

        error[config::unknown-key]: cluster `new` has no key `allow_insecure`
         --> migration.yaml:9:5
          |
        9 |     allow_insecure: true
          |     ^^^^^^^^^^^^^^ did you mean `allowInsecure`?
          |
          = help: known here: `endpoint`, `version`, `allowInsecure`, `authConfig`

        error[config::missing-key]: this element of `snapshotMigrations` has no `indices`
          --> migration.yaml:13:27
           |
        13 |     snapshotMigrations: [ { index: ["*"] } ]
           |                           ^
           |
           = help: add `indices:` here

        error[config::unknown-key]: this element of `snapshotMigrations` has no key `index`
          --> migration.yaml:13:29
           |
        13 |     snapshotMigrations: [ { index: ["*"] } ]
           |                             ^^^^^ did you mean `indices`?
           |
           = help: known here: `name`, `indices`, `metadataMigration`, `documentBackfill`, `existingIndices`, `allowEmpty`, `approvals`, `skipApprovals`
        "#);
    }

    #[test]
    fn missing_keys_and_wrong_types_do_not_hide_other_findings() {
        let source = r#"
sourceClusters:
  old: { endpoint: 9200, snapshotRepo: 5 }
  older: http://a
targetClusters: { new: {} }
migrations:
  - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
  - old to new
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[config::type]: `endpoint` is the number 9200, expected text
         --> migration.yaml:3:20
          |
        3 |   old: { endpoint: 9200, snapshotRepo: 5 }
          |                    ^^^^
          |
          = help: write it in quotes: `"9200"`

        error[config::type]: `snapshotRepo` is the number 5, expected a map
         --> migration.yaml:3:40
          |
        3 |   old: { endpoint: 9200, snapshotRepo: 5 }
          |                                        ^

        error[config::type]: cluster `older` is text, expected a map
         --> migration.yaml:4:10
          |
        4 |   older: http://a
          |          ^^^^^^^^

        error[config::missing-key]: cluster `new` has no `endpoint`
         --> migration.yaml:5:19
          |
        5 | targetClusters: { new: {} }
          |                   ^^^
          |
          = help: add `endpoint:` here

        error[config::missing-key]: this element of `migrations` has no `sourceCluster`
         --> migration.yaml:7:5
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |     ^
          |
          = help: add `sourceCluster:` here

        error[group::unknown-cluster]: `targetCluster` names `nev`, which is not under `targetClusters`
         --> migration.yaml:7:22
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |                      ^^^ did you mean `new`?
          |
          = help: known target clusters: `new`

        error[config::type]: `indices` is text, expected a list
         --> migration.yaml:7:60
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |                                                            ^^^
          |
          = help: write a list: `["*"]`

        error[config::type]: this element of `indices` is the number 1, expected text
         --> migration.yaml:7:79
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |                                                                               ^
          |
          = help: write it in quotes: `"1"`

        error[group::pattern]: `a b` contains ` `, which an index name cannot contain; remove it
         --> migration.yaml:7:82
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |                                                                                  ^^^^^

        error[config::type]: this element of `migrations` is text, expected a map
         --> migration.yaml:8:5
          |
        8 |   - old to new
          |     ^^^^^^^^^^
        "#);
    }

    #[test]
    fn numbers_have_ranges_and_words_are_listed() {
        let groups = r#"
      - indices: ["*"]
        existingIndices: overwrite
        documentBackfill: { workers: 0, verify: document, bulkBytes: 1.5, enabled: "yes" }"#;
        let source = format!("parallelism: 100000\n{}", grouped(groups));
        insta::assert_snapshot!(printed(&source), @r#"
        error[config::range]: `parallelism` is 100000, expected 10000 or less
         --> migration.yaml:1:14
          |
        1 | parallelism: 100000
          |              ^^^^^^

        error[config::value]: `existingIndices` is `overwrite`
          --> migration.yaml:16:26
           |
        16 |         existingIndices: overwrite
           |                          ^^^^^^^^^
           |
           = help: write one of `refuse`, `append`, `skip`

        error[config::range]: `workers` is 0, expected 1 or more
          --> migration.yaml:17:38
           |
        17 |         documentBackfill: { workers: 0, verify: document, bulkBytes: 1.5, enabled: "yes" }
           |                                      ^

        error[config::value]: `verify` is `document`
          --> migration.yaml:17:49
           |
        17 |         documentBackfill: { workers: 0, verify: document, bulkBytes: 1.5, enabled: "yes" }
           |                                                 ^^^^^^^^ did you mean `documents`?
           |
           = help: write one of `counts`, `documents`

        error[config::type]: `bulkBytes` is the number 1.5, expected a whole number
          --> migration.yaml:17:70
           |
        17 |         documentBackfill: { workers: 0, verify: document, bulkBytes: 1.5, enabled: "yes" }
           |                                                                      ^^^

        error[config::type]: `enabled` is text, expected `true` or `false`
          --> migration.yaml:17:84
           |
        17 |         documentBackfill: { workers: 0, verify: document, bulkBytes: 1.5, enabled: "yes" }
           |                                                                                    ^^^^^
           |
           = help: write `true` or `false`
        "#);
    }

    #[test]
    fn a_key_without_a_value_counts_as_absent() {
        let groups = r#"
      - indices: ["*"]
        metadataMigration:
        documentBackfill: { workers: }"#;
        assert_eq!(printed(&grouped(groups)), "");
    }

    #[test]
    fn a_password_is_never_printed() {
        let source = pair(
            "authConfig: { basic: { username: admin, password: 1234567 } }",
            "authConfig: { basic: { username: admin, password: \"hunter2, really\" }, mtls: {} }",
        );
        let printed = printed(&source);
        assert!(!printed.contains("1234567") && !printed.contains("hunter2"), "{printed}");
        insta::assert_snapshot!(printed, @"
        error[auth::incomplete]: `basic` has no complete credentials
         --> migration.yaml:5:19
          |
        5 |     authConfig: { basic: { username: admin, password: ******* } }
          |                   ^^^^^
          |
          = help: add `secretName`, or both `username` and `password`

        error[config::type]: `password` is not text, expected text
         --> migration.yaml:5:55
          |
        5 |     authConfig: { basic: { username: admin, password: ******* } }
          |                                                       ^^^^^^^
          |
          = help: write it in quotes

        error[auth::one-kind]: `authConfig` has `basic` and `mtls`
         --> migration.yaml:9:5
          |
        9 |     authConfig: { basic: { username: admin, password: ***************** }, mtls: {} }
          |     ^^^^^^^^^^
          |
          = help: keep exactly one of them

        warning[auth::clear-text]: the password stands here in clear text
         --> migration.yaml:9:45
          |
        9 |     authConfig: { basic: { username: admin, password: ***************** }, mtls: {} }
          |                                             ^^^^^^^^
          |
          = help: put it into a Secret and name that in `secretName`

        error[config::missing-key]: `mtls` has no `secretName`
         --> migration.yaml:9:76
          |
        9 |     authConfig: { basic: { username: admin, password: ***************** }, mtls: {} }
          |                                                                            ^^^^
          |
          = help: add `secretName:` here
        ");
    }

    #[test]
    fn a_password_in_text_that_is_no_yaml_is_not_printed_either() {
        for source in ["a: { password: \"hunter2 , b: [\n", "a: { PASSWD=hunter2 , b: [\n"] {
            let printed = printed(source);
            assert!(!printed.contains("hunter2"), "{printed}");
        }
    }

    #[test]
    fn a_password_under_a_misspelt_key_is_not_printed() {
        let source =
            "authConfig: { basic: { username: admin, Password: hunter2, passwd: hunter2 } }";
        let printed = printed(&pair(source, "allowInsecure: true"));
        assert!(printed.contains("no key `Password`") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn a_switch_that_is_a_map_is_said_to_be_one() {
        let groups = r"
      - indices: logs-*
        metadataMigration: off
        documentBackfill: true
      -";
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[config::type]: `indices` is text, expected a list
          --> migration.yaml:14:18
           |
        14 |       - indices: logs-*
           |                  ^^^^^^
           |
           = help: write a list: `["logs-*"]`

        error[config::type]: `metadataMigration` is text, expected a map
          --> migration.yaml:15:28
           |
        15 |         metadataMigration: off
           |                            ^^^
           |
           = help: write `{ enabled: true }` or `{ enabled: false }`

        error[config::type]: `documentBackfill` is the truth value true, expected a map
          --> migration.yaml:16:27
           |
        16 |         documentBackfill: true
           |                           ^^^^
           |
           = help: write `{ enabled: true }` or `{ enabled: false }`

        error[config::type]: this element of `snapshotMigrations` is empty, expected a map
          --> migration.yaml:17:8
           |
        17 |       -
           |        ^
           |
           = help: write what it is to be, or remove it
        "#);
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let groups = r#"
      - { indices: ["a"], documentBackfill: { bulkBytes: 8e6, leaseSeconds: 60.0, workers: 0x10 } }
      - { indices: ["b"], documentBackfill: { workers: 2.5, bulkBytes: 99999999999999999999 } }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[config::type]: `workers` is the number 2.5, expected a whole number
          --> migration.yaml:15:56
           |
        15 |       - { indices: ["b"], documentBackfill: { workers: 2.5, bulkBytes: 99999999999999999999 } }
           |                                                        ^^^

        error[config::range]: `bulkBytes` is 1e+20, expected 104857600 or less
          --> migration.yaml:15:72
           |
        15 |       - { indices: ["b"], documentBackfill: { workers: 2.5, bulkBytes: 99999999999999999999 } }
           |                                                                        ^^^^^^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn a_key_without_a_value_is_shown_where_it_stands() {
        let source = "sourceClusters:\ntargetClusters: {}\nmigrations:\n";
        insta::assert_snapshot!(printed(source), @"
        error[config::missing-key]: `sourceClusters` has no value
         --> migration.yaml:1:1
          |
        1 | sourceClusters:
          | ^^^^^^^^^^^^^^
          |
          = help: write its value behind the colon, or on indented lines below

        error[config::missing-key]: `migrations` has no value
         --> migration.yaml:3:1
          |
        3 | migrations:
          | ^^^^^^^^^^
          |
          = help: write its value behind the colon, or on indented lines below
        ");
    }

    #[test]
    fn several_documents_are_no_migration_file() {
        let source = "a: 1\n---\nb: 2\n";
        insta::assert_snapshot!(printed(source), @"
        error[config::syntax]: a second document begins here, behind `---`
         --> migration.yaml:3:1
          |
        3 | b: 2
          | ^
          |
          = help: write all under one `migrations:`, or make a file of each document
        ");
    }

    #[test]
    fn anchors_and_merges_are_read() {
        let source = pair("authConfig: &auth { basic: { secretName: s } }", "authConfig: *auth");
        assert_eq!(printed(&source), "");
    }
}
