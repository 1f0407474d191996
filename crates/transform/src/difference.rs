//! How does an item on the target differ from that of the source?
//!
//! A server adds defaults to an item, so only these parts are compared: the types of fields, the
//! settings that the migration would set, aliases with their options, the patterns of a template.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::item::Item;

/// Returns a line for each difference between our item and the body on the target.
pub fn from_body(ours: &Item, body: Value) -> Vec<String> {
    match Item::read(ours.kind, &ours.name, body) {
        Ok(theirs) => between(ours, &theirs),
        Err(error) => vec![error.to_string()],
    }
}

/// Returns a line for each difference between two items, in order.
pub fn between(ours: &Item, theirs: &Item) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, _) in ours.settings.iter() {
        let (want, have) = (ours.settings.text(name), theirs.settings.text(name));
        if want != have {
            lines.push(format!(
                "the source has `{name}: {}`, the target {}",
                want.unwrap_or_default(),
                have.map_or_else(|| "does not".to_owned(), |have| format!("has `{have}`"))
            ));
        }
    }
    let (want, have) = (field_types(&ours.mappings), field_types(&theirs.mappings));
    for (path, kind) in &want {
        match have.get(path) {
            Some(other) if other == kind => {}
            Some(other) => lines.push(format!(
                "field `{path}` is `{kind}` on the source and `{other}` on the target"
            )),
            None => lines.push(format!("field `{path}` of the source is not on the target")),
        }
    }
    for path in have.keys().filter(|path| !want.contains_key(*path)) {
        lines.push(format!("field `{path}` of the target is not on the source"));
    }
    for name in extra_aliases(theirs, ours) {
        lines.push(format!("alias `{name}` of the source is not on the target"));
    }
    for name in extra_aliases(ours, theirs) {
        lines.push(format!("alias `{name}` of the target is not on the source"));
    }
    for (name, want) in &ours.aliases {
        if let Some(have) = theirs.aliases.get(name) {
            compare_alias(name, want, have, &mut lines);
        }
    }
    for (name, want) in &ours.rest {
        if theirs.rest.get(name) != Some(want) && !(is_empty(want) || name == "template") {
            lines.push(format!("`{name}` differs between source and target"));
        }
    }
    lines
}

/// The options of an alias. `routing` is short for two of them.
const ALIAS_OPTIONS: [&str; 5] =
    ["filter", "index_routing", "search_routing", "is_write_index", "is_hidden"];

fn compare_alias(name: &str, want: &Value, have: &Value, lines: &mut Vec<String>) {
    let shown = |value: Option<&Value>, part: &str| match value {
        Some(Value::String(text)) => format!("has `{part}: {text}`"),
        Some(value) => format!("has `{part}: {value}`"),
        None => "does not".to_owned(),
    };
    for part in ALIAS_OPTIONS {
        let (want, have) = (alias_option(want, part), alias_option(have, part));
        if want != have {
            let mut sides = [("source", want), ("target", have)];
            // The side that has the option comes first.
            sides.sort_by_key(|(_, value)| value.is_none());
            let sides = sides.map(|(side, value)| format!("the {side} {}", shown(value, part)));
            lines.push(format!("alias `{name}`: {}", sides.join(", ")));
        }
    }
}

/// Returns an option of an alias, or `None` if it has no effect. `is_write_index: false` has an
/// effect: without it, the only index of an alias is its write index.
fn alias_option<'a>(alias: &'a Value, part: &str) -> Option<&'a Value> {
    let value =
        alias.get(part).or_else(|| alias.get("routing").filter(|_| part.ends_with("routing")));
    let has_no_effect = |value: &Value| match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(value) => part == "is_hidden" && !value,
        _ => false,
    };
    value.filter(|value| !has_no_effect(value))
}

/// Returns the aliases of the second item that the first one does not have.
pub fn extra_aliases(first: &Item, second: &Item) -> Vec<String> {
    second.aliases.keys().filter(|name| !first.aliases.contains_key(*name)).cloned().collect()
}

/// Returns the fields of the second item that the first one does not have.
pub fn extra_fields(first: &Item, second: &Item) -> Vec<String> {
    let first = field_types(&first.mappings);
    field_types(&second.mappings).into_keys().filter(|path| !first.contains_key(path)).collect()
}

/// Settings that a server adds to every index.
const ALWAYS_PRESENT: [&str; 3] =
    ["index.number_of_replicas", "index.number_of_shards", "index.replication.type"];

/// Returns the settings of the second item that the first one does not have.
pub fn extra_settings(first: &Item, second: &Item) -> Vec<String> {
    let extra = |name: &str| first.settings.get(name).is_none() && !ALWAYS_PRESENT.contains(&name);
    second
        .settings
        .iter()
        .filter(|(name, _)| extra(name))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        _ => false,
    }
}

/// Returns the types of all fields by their path, as in `customer.name`.
fn field_types(mappings: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut types = BTreeMap::new();
    collect("", mappings, &mut types);
    types
}

fn collect(prefix: &str, parent: &Map<String, Value>, types: &mut BTreeMap<String, String>) {
    for group in ["properties", "fields"] {
        for (name, field) in parent.get(group).and_then(Value::as_object).into_iter().flatten() {
            let Some(field) = field.as_object() else { continue };
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if let Some(kind) = field.get("type").and_then(Value::as_str)
                && kind != "object"
            {
                types.insert(path.clone(), kind.to_owned());
            }
            collect(&path, field, types);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::item::MetadataKind;

    fn item(body: Value) -> Item {
        Item::read(MetadataKind::Index, "i", body).expect("an item")
    }

    #[test]
    fn defaults_of_the_server_are_not_a_difference() {
        let ours = item(json!({ "settings": { "number_of_shards": 1 }, "mappings": {
            "properties": { "o": { "properties": { "a": { "type": "ip" } } } } } }));
        let theirs =
            item(json!({ "settings": { "index": { "number_of_shards": "1", "uuid": "x" } },
            "mappings": { "properties": { "o": { "type": "object",
                "properties": { "a": { "type": "ip", "store": false } } } } } }));
        assert_eq!(between(&ours, &theirs), Vec::<String>::new());
    }

    #[test]
    fn types_settings_and_aliases_are_compared() {
        let ours = item(json!({ "settings": { "codec": "default" },
            "mappings": { "properties": { "a": { "type": "ip" }, "b": { "type": "long" } } },
            "aliases": { "mine": {} } }));
        let theirs = item(json!({
            "mappings": { "properties": { "a": { "type": "text", "fields": {
                "raw": { "type": "keyword" } } } } },
            "aliases": { "yours": {} } }));
        let expected = [
            "the source has `index.codec: default`, the target does not",
            "field `a` is `ip` on the source and `text` on the target",
            "field `b` of the source is not on the target",
            "field `a.raw` of the target is not on the source",
            "alias `mine` of the source is not on the target",
            "alias `yours` of the target is not on the source",
        ];
        assert_eq!(between(&ours, &theirs), expected);
    }

    #[test]
    fn the_options_of_an_alias_are_compared() {
        let with = |alias: Value| item(json!({ "aliases": { "a": alias } }));
        let filter = json!({ "term": { "tenant": "x", "boost": 1.0 } });
        let same = [
            (json!({ "routing": "1" }), json!({ "index_routing": "1", "search_routing": "1" })),
            (json!({ "is_hidden": false, "filter": {} }), json!({})),
            (
                json!({ "filter": filter }),
                json!({ "filter": { "term": { "boost": 1.0, "tenant": "x" } } }),
            ),
        ];
        for (ours, theirs) in same {
            assert_eq!(between(&with(ours), &with(theirs)), Vec::<String>::new());
        }
        let other = [
            (
                json!({ "is_write_index": true }),
                json!({}),
                "alias `a`: the source has `is_write_index: true`, the target does not",
            ),
            (
                json!({}),
                json!({ "is_write_index": false }),
                "alias `a`: the target has `is_write_index: false`, the source does not",
            ),
            (
                json!({ "search_routing": "1" }),
                json!({ "search_routing": "2" }),
                "alias `a`: the source has `search_routing: 1`, the target has `search_routing: 2`",
            ),
            (
                json!({ "filter": { "term": { "t": 1 } } }),
                json!({}),
                "alias `a`: the source has `filter: {\"term\":{\"t\":1}}`, the target does not",
            ),
            (
                json!({ "is_hidden": true }),
                json!({}),
                "alias `a`: the source has `is_hidden: true`, the target does not",
            ),
        ];
        for (ours, theirs, line) in other {
            assert_eq!(between(&with(ours), &with(theirs)), [line]);
        }
    }
}
