//! Which lines of the migration file let an item pass that the rules refuse?
//!
//! A field that the target cannot index is kept as it is in the documents, without being
//! searchable; a multi-field and an alias are left out. Nothing else has an answer that is right for
//! everybody: an index without stored documents, say.

use contract::OverrideKind;
use serde_json::{Map, Value, json};

use crate::{change::Change, item::Item};

/// Returns the lines for all changes that are unsupported, or `None` if there are none for one of
/// them.
pub(crate) fn lines<'a>(
    item: &Item,
    unsupported: impl Iterator<Item = &'a Change>,
) -> Option<String> {
    let mut patch = Map::new();
    for change in unsupported {
        merge(&mut patch, part(item, &change.path)?);
    }
    if patch.is_empty() {
        return None;
    }
    let mut wanted = Map::new();
    wanted.insert(OverrideKind::from(item.kind).key().to_owned(), item.name.clone().into());
    wanted.extend(patch);
    let mut text = "metadataMigration: ".to_owned();
    push_flow(&json!({ "overrides": [wanted] }), &mut text);
    Some(text)
}

/// Returns what an override would have for one path.
fn part(item: &Item, path: &str) -> Option<Map<String, Value>> {
    if let Some(rest) = path.strip_prefix("aliases.") {
        let (name, _) = first_key(&item.aliases, rest)?;
        return object(json!({ "aliases": { name: null } }));
    }
    let fields = path.strip_prefix("mappings.")?;
    let (container, _) = first_key(&item.mappings, fields)?;
    if container != "properties" {
        return None;
    }
    object(json!({ "mappings": field_part(&item.mappings, fields)? }))
}

/// Returns the part of a patch for a field below `parent`.
fn field_part(parent: &Map<String, Value>, path: &str) -> Option<Value> {
    let (container, rest) = first_key(parent, path)?;
    let fields = parent.get(container)?.as_object()?;
    let (name, rest) = first_key(fields, rest?)?;
    let field = fields.get(name)?.as_object()?;
    let inner = match rest {
        Some(deeper) if is_container(first_key(field, deeper)?.0) => field_part(field, deeper)?,
        _ if container == "fields" => Value::Null,
        _ => disabled(field),
    };
    Some(json!({ container: { name: inner } }))
}

fn is_container(key: &str) -> bool {
    matches!(key, "properties" | "fields")
}

/// Returns the patch after which a field takes any value and indexes none.
fn disabled(field: &Map<String, Value>) -> Value {
    let mut patch = Map::new();
    patch.insert("type".to_owned(), "object".into());
    patch.insert("enabled".to_owned(), false.into());
    let others = field.keys().filter(|key| !matches!(key.as_str(), "type" | "enabled"));
    patch.extend(others.map(|key| (key.clone(), Value::Null)));
    Value::Object(patch)
}

/// Returns the key of `object` with which a path begins, and the rest of the path. Keys may have
/// dots, so the longest counts.
fn first_key<'a>(
    object: &'a Map<String, Value>,
    path: &'a str,
) -> Option<(&'a str, Option<&'a str>)> {
    let keys = object.keys().filter_map(|key| {
        let rest = path.strip_prefix(key.as_str())?;
        if rest.is_empty() {
            Some((key.as_str(), None))
        } else {
            Some((key.as_str(), Some(rest.strip_prefix('.')?)))
        }
    });
    keys.max_by_key(|(key, _)| key.len())
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Adds the keys of one patch to another.
fn merge(into: &mut Map<String, Value>, other: Map<String, Value>) {
    for (key, value) in other {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Appends a value as YAML of one line.
fn push_flow(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            text.push_str("{ ");
            for (position, (key, value)) in object.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                push_text(key, text);
                text.push_str(": ");
                push_flow(value, text);
            }
            text.push_str(" }");
        }
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                push_flow(item, text);
            }
            text.push(']');
        }
        Value::String(value) => push_text(value, text),
        other => text.push_str(&other.to_string()),
    }
}

/// Appends a text without quotes where every YAML reader takes it for a text.
fn push_text(value: &str, text: &mut String) {
    let is_plain = value.len() > 5
        && value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.'));
    let is_known = matches!(value, "type" | "index" | "fields");
    if is_plain || is_known {
        text.push_str(value);
    } else {
        text.push_str(&Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests {
    use contract::MetadataChoices;

    use super::*;
    use crate::{apply::apply_with, item::MetadataKind, rule::trial::facts};

    fn refused(body: Value) -> (Item, Option<String>) {
        let item = Item::read(MetadataKind::Index, "metrics-1", body).expect("an item");
        let facts = facts("ES 7.17.29", "OS 2.19.4");
        let transformation = apply_with(item, &facts, &MetadataChoices::default());
        let lines = lines(&transformation.item, transformation.unsupported());
        (transformation.item, lines)
    }

    #[test]
    fn a_field_that_the_target_cannot_index_is_kept_unindexed() {
        let (_, lines) = refused(json!({ "mappings": { "properties": {
            "latency": { "type": "histogram", "meta": { "unit": "ms" } },
            "o.p": { "properties": { "host": { "type": "histogram" } } },
            "name": { "type": "keyword", "fields": { "sketch": { "type": "histogram" } } },
        } } }));
        let expected = "metadataMigration: { overrides: [{ index: metrics-1, mappings: { properties: { \
             latency: { type: object, enabled: false, \"meta\": null }, \
             \"o.p\": { properties: { \"host\": { type: object, enabled: false } } }, \
             \"name\": { fields: { sketch: null } } } } }] }";
        assert_eq!(lines.as_deref(), Some(expected));
    }

    #[test]
    fn the_lines_let_the_item_pass() {
        let body = json!({ "mappings": { "properties": {
            "a": { "type": "histogram" },
            "b": { "properties": { "c": { "type": "histogram" } } }
        } } });
        let (item, _) = refused(body.clone());
        let first = part(&item, "mappings.properties.a").expect("a part");
        let second = part(&item, "mappings.properties.b.properties.c").expect("a part");
        let mut both = first;
        merge(&mut both, second);
        let mut wanted = both;
        wanted.insert("kind".to_owned(), "index".into());
        wanted.insert("names".to_owned(), json!(["metrics-1"]));
        let choices: MetadataChoices =
            serde_json::from_value(json!({ "overrides": [wanted] })).expect("choices");
        let item = Item::read(MetadataKind::Index, "metrics-1", body).expect("an item");
        let passed = apply_with(item, &facts("ES 7.17.29", "OS 2.19.4"), &choices);
        assert_eq!(passed.unsupported().count(), 0);
    }

    #[test]
    fn what_has_no_answer_for_everybody_has_no_lines() {
        let (_, lines) = refused(json!({ "mappings": { "_source": { "mode": "synthetic" } } }));
        assert_eq!(lines, None);
    }
}
