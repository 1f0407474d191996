//! The findings about the structure of a file, as they are printed.

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
        error[config::duplicate-key]: the key `version` occurs a second time
         --> migration.yaml:6:5
          |
        6 |     version: ES 7.10
          |     ^^^^^^^
          |
          = help: keep one of the two, or rename one of them

        error[config::duplicate-key]: the key `endpoint` occurs a second time
          --> migration.yaml:10:5
           |
        10 |     endpoint: "http://b"
           |     ^^^^^^^^
           |
           = help: keep one of the two, or rename one of them
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

    warning[auth::clear-text]: the password is in the file in clear text
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
    let source = "authConfig: { basic: { username: admin, Password: hunter2, passwd: hunter2 } }";
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
           = help: write a value, or remove it
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
      = help: write its value after the colon, or on indented lines below

    error[config::missing-key]: `migrations` has no value
     --> migration.yaml:3:1
      |
    3 | migrations:
      | ^^^^^^^^^^
      |
      = help: write its value after the colon, or on indented lines below
    ");
}

#[test]
fn several_documents_are_no_migration_file() {
    let source = "a: 1\n---\nb: 2\n";
    insta::assert_snapshot!(printed(source), @"
    error[config::syntax]: a second document begins here, after `---`
     --> migration.yaml:3:1
      |
    3 | b: 2
      | ^
      |
      = help: write everything under one `migrations:`, or split the file: one document in each file
    ");
}

#[test]
fn anchors_and_merges_are_read() {
    let source = pair("authConfig: &auth { basic: { secretName: s } }", "authConfig: *auth");
    assert_eq!(printed(&source), "");
}
