//! Is the file built as the schema says? Syntax, keys, types, ranges.
//!
//! The schema is the judge; its words are ours. What is broken is taken out of the file (or
//! replaced by something empty), so that the other rules still look at everything else, and is
//! remembered, so that they do not repeat in other words what was said here.

use std::{ops::Range, sync::LazyLock};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Map, Value};

use super::Rule;
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

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&schema::v1()).expect("our own schema is valid"));

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

/// Adds what an error of the schema means in our words.
fn explain(
    error: &ValidationError<'_>,
    place: &Pointer,
    document: &Document,
    findings: &mut Findings,
) {
    let mut report = Report::new(document, &[], findings);
    let name = place.last().map_or_else(|| "the file".to_owned(), |key| described(place, &key));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_keys(error);
            for key in unexpected {
                unknown_key(key, place, &known, &mut report);
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            report
                .key(&MISSING_KEY, place, format!("{name} has no `{key}`"))
                .help(format!("add `{key}:` here"));
        }
        ValidationErrorKind::Type { kind } => {
            let found = error.instance();
            let written = document.source_text(place);
            // What stands where a password belongs is not repeated.
            let is_secret = place.last().as_deref() == Some("password");
            let is = if is_secret { "not text".to_owned() } else { kind_of(found) };
            let message = format!("{name} is {is}, expected {}", expected(kind));
            let finding = report.value(&TYPE, place, message);
            let wants_text = matches!(kind, TypeKind::Single(kind) if kind.as_str() == "string");
            if is_secret {
                finding.help("write it in quotes");
            } else if wants_text && !found.is_object() && !found.is_array() {
                finding.help(format!("write it in quotes: `\"{written}\"`"));
            } else if let (true, Value::String(text)) = (!wants_text, &**found)
                && (text.parse::<f64>().is_ok() || matches!(text.as_str(), "true" | "false"))
            {
                finding.help(format!("write it without quotes: `{text}`"));
            } else if matches!(&**found, Value::String(text) if matches!(text.as_str(), "yes" | "no" | "on" | "off"))
            {
                finding.help("write `true` or `false`");
            }
        }
        ValidationErrorKind::Enum { options } => choice(&name, place, options, error, &mut report),
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            // Our schema has choices only where one of a few documented words is meant.
            choice(&name, place, &words_of_choice(error), error, &mut report);
        }
        ValidationErrorKind::Minimum { limit } => {
            let message = format!("{name} is {}, expected {limit} or more", error.instance());
            report.value(&RANGE, place, message);
        }
        ValidationErrorKind::Maximum { limit } => {
            let message = format!("{name} is {}, expected {limit} or less", error.instance());
            report.value(&RANGE, place, message);
        }
        _ => {
            report.value(&VALUE, place, format!("{name} is not as the schema wants it: {error}"));
        }
    }
}

fn described(place: &Pointer, last: &str) -> String {
    let parts: Vec<String> = place.parts().collect();
    match parts.as_slice() {
        [.., elements, position] if position.bytes().all(|letter| letter.is_ascii_digit()) => {
            format!("this element of `{elements}`")
        }
        [clusters, name] if clusters.ends_with("Clusters") => format!("cluster `{name}`"),
        _ => format!("`{last}`"),
    }
}

fn unknown_key(key: &str, place: &Pointer, known: &[String], report: &mut Report<'_>) {
    let path = place.key(key);
    let list = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let near = nearest(key, known.iter().map(String::as_str));
    let (rule, message) = if place.last().as_deref() == Some("approvals") {
        (&super::approvals::UNKNOWN_GATE, format!("there is no gate `{key}`"))
    } else {
        let inside =
            place.last().map_or_else(|| "the file".to_owned(), |last| described(place, &last));
        (&UNKNOWN_KEY, format!("{inside} has no key `{key}`"))
    };
    let finding = report.key(rule, &path, message);
    if let Some(near) = near {
        finding.label(format!("did you mean `{near}`?"));
    }
    finding.help(format!("known here: {list}"));
}

fn choice(
    name: &str,
    place: &Pointer,
    options: &Value,
    error: &ValidationError<'_>,
    report: &mut Report<'_>,
) {
    let words: Vec<&str> =
        options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let found = match &**error.instance() {
        Value::String(text) => format!("`{text}`"),
        other => kind_of(other),
    };
    let near = error.instance().as_str().and_then(|text| nearest(text, words.iter().copied()));
    let near = near.map(|word| format!("did you mean `{word}`?"));
    let finding = report.value(&VALUE, place, format!("{name} is {found}"));
    if let Some(near) = near {
        finding.label(near);
    }
    finding.help(format!("write one of {list}"));
}

/// Returns the word most like `text`, if one is like it at all.
pub(crate) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    words
        .map(|word| (strsim::jaro_winkler(&lower, &word.to_lowercase()), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

/// Returns the part of our schema that refused.
fn refusing_schema(error: &ValidationError<'_>) -> Option<Value> {
    let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
    // The path goes through `$ref`s as a reader would walk it: resolve them on the way.
    let root = schema::v1();
    let mut here = &root;
    for part in Pointer::parsed(parent).parts() {
        if part == "$ref" {
            let target = here.get("$ref").and_then(Value::as_str)?;
            here = root.pointer(target.strip_prefix('#')?)?;
        } else {
            here = match here {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                other => other.get(&part)?,
            };
        }
    }
    Some(here.clone())
}

fn known_keys(error: &ValidationError<'_>) -> Vec<String> {
    let schema = refusing_schema(error);
    let properties = schema.as_ref().and_then(|schema| schema.get("properties"));
    let keys = properties.and_then(Value::as_object).into_iter().flat_map(Map::keys);
    keys.filter(|key| *key != "$schema" && !key.contains('_')).cloned().collect()
}

fn words_of_choice(error: &ValidationError<'_>) -> Value {
    let schema = refusing_schema(error);
    let choices =
        schema.as_ref().and_then(|schema| schema.get("oneOf").or_else(|| schema.get("anyOf")));
    let words = choices.and_then(Value::as_array).into_iter().flatten();
    let words = words.flat_map(|choice| match choice.get("enum") {
        Some(Value::Array(words)) => words.clone(),
        _ => choice.get("const").cloned().into_iter().collect(),
    });
    Value::Array(words.collect())
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the truth value {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

fn expected(kind: &TypeKind) -> String {
    let word = |name: &str| match name {
        "string" => "text",
        "array" => "a list",
        "object" => "a map",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        _ => "nothing",
    };
    match kind {
        TypeKind::Single(kind) => word(kind.as_str()).to_owned(),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| word(kind.as_str())).collect::<Vec<_>>().join(" or ")
        }
    }
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

        error[config::type]: this element of `indices` is the number 1, expected text
         --> migration.yaml:7:79
          |
        7 |   - { targetCluster: nev, snapshotMigrations: [ { indices: "*" }, { indices: [1, "a b"] } ] }
          |                                                                               ^
          |
          = help: write it in quotes: `"1"`

        error[group::pattern]: `a b` has ` `, which no index name can have; remove it
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
        let source = "a: { password: \"hunter2 , b: [\n";
        assert!(!printed(source).contains("hunter2"), "{}", printed(source));
    }

    #[test]
    fn anchors_and_merges_are_read() {
        let source = pair("authConfig: &auth { basic: { secretName: s } }", "authConfig: *auth");
        assert_eq!(printed(&source), "");
    }
}
