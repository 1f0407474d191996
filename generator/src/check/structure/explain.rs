//! How is an error of the schema explained to a user?

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use super::{
    rules::{MISSING_KEY, RANGE, TYPE, UNKNOWN_KEY, VALUE},
    schema::{known_keys, refusing_schema, words_of_choice},
};
use crate::{
    check::approvals, document::Document, findings::report::Report, nearest::nearest,
    pointer::Pointer,
};

/// Adds a finding that explains an error of the schema.
pub(super) fn explain(
    error: &ValidationError<'_>,
    place: &Pointer,
    document: &Document,
    report: &mut Report<'_>,
) {
    let name = place.last().map_or_else(|| "the file".to_owned(), |key| described(place, &key));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_keys(error);
            for key in unexpected {
                unknown_key(key, place, &known, report);
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let path = place.key(key);
            if document.has_key(&path) {
                report
                    .key(&MISSING_KEY, &path, format!("`{key}` has no value"))
                    .help("write its value after the colon, or on indented lines below");
            } else {
                report
                    .key(&MISSING_KEY, place, format!("{name} has no `{key}`"))
                    .help(format!("add `{key}:` here"));
            }
        }
        ValidationErrorKind::Type { kind } => {
            // A value in the place of a password is not repeated.
            let is_secret = place.last().as_deref() == Some("password");
            let is = if is_secret { "not text".to_owned() } else { kind_of(error.instance()) };
            let message = format!("{name} is {is}, expected {}", expected(kind));
            let finding = report.value(&TYPE, place, message);
            if is_secret {
                finding.help("write it in quotes");
            } else if let Some(help) = of_another_type(error, kind, document.source_text(place)) {
                finding.help(help);
            }
        }
        ValidationErrorKind::Enum { options } => choice(&name, place, options, error, report),
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            // Our schema has choices only where one of a few documented words is expected.
            choice(&name, place, &words_of_choice(error), error, report);
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
            report.value(&VALUE, place, format!("{name} does not match the schema: {error}"));
        }
    }
}

/// Returns what to write instead of a value of the wrong type.
fn of_another_type(error: &ValidationError<'_>, kind: &TypeKind, written: &str) -> Option<String> {
    let TypeKind::Single(kind) = kind else { return None };
    let found = &**error.instance();
    let word = found.as_str().unwrap_or_default();
    let is_switch = found.is_boolean() || matches!(word, "yes" | "no" | "on" | "off");
    match (kind.as_str(), found) {
        _ if error.instance_path().as_str().is_empty() => {
            Some("`workflow configure sample` prints a file to begin with".to_owned())
        }
        (_, Value::Null) => Some("write a value, or remove it".to_owned()),
        ("string", Value::Bool(_) | Value::Number(_)) => {
            Some(format!("write it in quotes: `\"{written}\"`"))
        }
        ("array", Value::String(text)) if !text.contains('\n') => {
            Some(format!("write a list: `[\"{text}\"]`"))
        }
        ("object", _) if is_switch => {
            let properties = refusing_schema(error).and_then(|schema| schema.get("properties"));
            let has_switch = properties.is_some_and(|keys| keys.get("enabled").is_some());
            has_switch.then(|| "write `{ enabled: true }` or `{ enabled: false }`".to_owned())
        }
        ("boolean", _) if is_switch => Some("write `true` or `false`".to_owned()),
        ("boolean" | "integer", Value::String(text))
            if text.parse::<f64>().is_ok() || matches!(text.as_str(), "true" | "false") =>
        {
            Some(format!("write it without quotes: `{text}`"))
        }
        _ => None,
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
        (&approvals::UNKNOWN_GATE, format!("unknown gate `{key}`"))
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
