//! Mapping types of Elasticsearch 5 and 6.
//!
//! Removes the level of mapping types, which no server since 7 accepts. A single type is unwrapped.
//! Several types are merged if they agree on every field, on `_source` and on `enabled`. The index
//! then holds the documents of all types, and for unmapped fields (`dynamic`) the most permissive
//! type decides. `_default_` is a pattern for new types: in a template it is merged below each
//! type; in an index that has types it has no effect any more.

mod dynamic;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::dynamic::Dynamic;
use crate::{
    change::Changes,
    facts::Facts,
    item::{Item, MetadataKind},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "mapping-types", applies: Facts::to_typeless, run };

const DEFAULT: &str = "_default_";

/// Keys at the root of a mapping without types; names with a leading underscore are such keys too.
const ROOT_KEYS: [&str; 12] = [
    "properties",
    "dynamic",
    "dynamic_templates",
    "dynamic_date_formats",
    "date_detection",
    "numeric_detection",
    "include_in_all",
    "enabled",
    "runtime",
    "subobjects",
    "derived",
    "data_stream_timestamp",
];

/// Parts in which types may differ, because they are not merged here: later rules remove them, a
/// `_routing` that not all types require is removed below (it would reject documents of the other
/// types), and `dynamic` is decided after the merge.
const NOT_MERGED: [&str; 5] = ["_all", "_parent", "include_in_all", "_routing", "dynamic"];

/// Parts that apply to whole documents: one type's value must not apply to documents of another.
const DOCUMENT_PARTS: [&str; 2] = ["_source", "enabled"];

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    if !has_types(&item.mappings) {
        return;
    }
    let mut types = item.mappings.clone();
    let default = types.shift_remove(DEFAULT);
    let names: Vec<String> = types.keys().cloned().collect();

    let routing_differs = differs(&types, "_routing");
    let mut merged = Map::new();
    let differing = DOCUMENT_PARTS.into_iter().filter(|part| differs(&types, part));
    let mut conflicts: Vec<String> = differing.map(|part| format!("mappings.{part}")).collect();
    for (name, mapping) in types {
        if let Value::Object(mapping) = mapping {
            merge(&mut merged, mapping, &format!("mappings.{name}"), &mut conflicts);
        }
    }
    if !conflicts.is_empty() {
        for path in conflicts {
            changes.unsupported(
                &path,
                "differs between mapping types",
                "the target has one mapping for all documents of an index; create the index on \
                 the target yourself, or exclude it with a `-` pattern",
            );
        }
        return;
    }
    let mut default_dynamic = Dynamic::True;
    if let Some(Value::Object(default)) = default
        && (names.is_empty() || item.kind != MetadataKind::Index)
    {
        default_dynamic = dynamic::explicit(&default).unwrap_or(default_dynamic);
        // The value of a type wins over that of the pattern, so nothing is a conflict here.
        merge(&mut merged, default, "mappings._default_", &mut Vec::new());
    }
    if names.len() > 1 {
        let types = item.mappings.iter().filter(|(name, _)| *name != DEFAULT);
        let types = types.filter_map(|(name, mapping)| Some((name.as_str(), mapping.as_object()?)));
        for difference in dynamic::merge(types, default_dynamic, &mut merged) {
            let why = "the target has one value for all documents, and a stricter one could reject \
                       documents of another type";
            changes.lost(&difference.path, &difference.what, why);
        }
    }
    if routing_differs && merged.shift_remove("_routing").is_some() {
        changes.lost(
            "mappings._routing",
            "removed",
            "only some of the mapping types required routing; documents keep their routing values",
        );
    }
    item.mappings = merged;
    match names.as_slice() {
        [] => changes.adapted("mappings._default_", "unwrapped", "the target has no mapping types"),
        [name] => changes.adapted(
            &format!("mappings.{name}"),
            "unwrapped",
            "the target has no mapping types",
        ),
        _ => changes.lost(
            "mappings",
            &format!("of the types `{}` merged into one", names.join("`, `")),
            "the target has no mapping types; two documents of different types with the same id \
             would be one document there",
        ),
    }
}

/// Returns the names of the types of a mapping, or `None` if it has no level of types.
pub(super) fn names(mappings: &Map<String, Value>) -> Option<BTreeSet<String>> {
    has_types(mappings)
        .then(|| mappings.keys().filter(|name| *name != DEFAULT).cloned().collect())
        .filter(|names: &BTreeSet<String>| !names.is_empty())
}

fn has_types(mappings: &Map<String, Value>) -> bool {
    let is_type = |(name, value): (&String, &Value)| {
        let special = name.starts_with('_') && name != "_doc" && name != DEFAULT;
        value.is_object() && !special && !ROOT_KEYS.contains(&name.as_str())
    };
    !mappings.is_empty() && mappings.iter().all(is_type)
}

/// Returns whether the types differ in this part.
fn differs(types: &Map<String, Value>, part: &str) -> bool {
    let mut parts = types.values().map(|mapping| mapping.get(part));
    let first = parts.next();
    parts.any(|other| Some(other) != first)
}

/// Adds `other` to `into`. A key that both have with different values is a conflict, and `into`
/// keeps its value.
fn merge(
    into: &mut Map<String, Value>,
    other: Map<String, Value>,
    path: &str,
    conflicts: &mut Vec<String>,
) {
    for (key, value) in other {
        let path = format!("{path}.{key}");
        match (into.get_mut(&key), value) {
            (None, value) => {
                into.insert(key, value);
            }
            (Some(own), value) if *own == value => {}
            (Some(Value::Object(own)), Value::Object(value)) if key == "properties" => {
                merge_fields(own, value, &path, conflicts);
            }
            (Some(_), _) if NOT_MERGED.contains(&key.as_str()) => {}
            (Some(_), _) => conflicts.push(path),
        }
    }
}

fn merge_fields(
    into: &mut Map<String, Value>,
    other: Map<String, Value>,
    path: &str,
    conflicts: &mut Vec<String>,
) {
    for (name, field) in other {
        let path = format!("{path}.{name}");
        match (into.get_mut(&name), field) {
            (None, field) => {
                into.insert(name, field);
            }
            (Some(own), field) if *own == field => {}
            (Some(Value::Object(own)), Value::Object(field))
                if own.contains_key("properties") || field.contains_key("properties") =>
            {
                merge(own, field, &path, conflicts);
            }
            (Some(_), _) => conflicts.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn a_single_type_is_unwrapped() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": { "doc": { "properties": { "a": { "type": "ip" } } } } }),
        );
        assert_eq!(body, json!({ "mappings": { "properties": { "a": { "type": "ip" } } } }));
        assert_eq!(weights, [Weight::Adapted]);
    }

    #[test]
    fn types_that_agree_are_merged_and_the_merge_is_reported() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": {
                "order": { "properties": { "a": { "type": "ip" },
                                           "o": { "properties": { "x": { "type": "long" } } } } },
                "refund": { "_all": { "enabled": false }, "_routing": { "required": true },
                            "properties": { "b": { "type": "date" },
                                            "o": { "properties": { "y": { "type": "long" } } } } }
            } }),
        );
        let expected = json!({ "mappings": {
            "_all": { "enabled": false },
            "properties": {
                "a": { "type": "ip" },
                "b": { "type": "date" },
                "o": { "properties": { "x": { "type": "long" }, "y": { "type": "long" } } } }
        } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost, Weight::Lost]);
    }

    #[test]
    fn types_that_disagree_are_refused() {
        let body = json!({ "mappings": {
            "a": { "properties": { "n": { "type": "long" } } },
            "b": { "properties": { "n": { "type": "text" } } } } });
        let (after, weights) = trial::index(&RULE, body.clone());
        assert_eq!(after, body);
        assert_eq!(weights, [Weight::Unsupported]);
    }

    #[test]
    fn the_source_settings_of_one_type_do_not_apply_to_another() {
        for part in [json!({ "_source": { "enabled": false } }), json!({ "enabled": false })] {
            let body = json!({ "mappings": { "log": part, "order": {} } });
            let (after, weights) = trial::index(&RULE, body.clone());
            assert_eq!(after, body);
            assert_eq!(weights, [Weight::Unsupported]);
            let both = json!({ "mappings": { "log": part, "order": part } });
            assert_eq!(
                trial::index(&RULE, both),
                (json!({ "mappings": part }), vec![Weight::Lost])
            );
        }
    }

    #[test]
    fn a_strict_type_does_not_reject_documents_of_others() {
        let types = |other: Value| {
            json!({ "mappings": {
                "log": { "dynamic": "strict", "properties": { "a": { "type": "ip" } } },
                "order": other } })
        };
        let (body, weights) = trial::index(&RULE, types(json!({ "dynamic": "true" })));
        let expected = json!({ "mappings": { "properties": { "a": { "type": "ip" } } } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost, Weight::Lost]);
        // In a template the pattern for new types is the default of the other types.
        let mut body = types(json!({}));
        body["mappings"]["_default_"] = json!({ "dynamic": "false" });
        let pair = ("ES 5.6", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::LegacyTemplate, pair, body);
        assert_eq!(body["mappings"]["dynamic"], "false");
        assert!(changes[0].to_string().contains("`false` in `order`"), "{}", changes[0]);
    }

    #[test]
    fn the_default_type_is_a_base_in_templates_only() {
        let mappings = json!({
            "_default_": { "dynamic": "strict", "properties": { "n": { "type": "text" } } },
            "doc": { "properties": { "n": { "type": "long" } } } });
        let pair = ("ES 5.6", "OS 2.19");
        let body = json!({ "mappings": mappings });
        let (index, _) = trial::run(&RULE, MetadataKind::Index, pair, body.clone());
        assert_eq!(index, json!({ "mappings": { "properties": { "n": { "type": "long" } } } }));
        let (template, _) = trial::run(&RULE, MetadataKind::LegacyTemplate, pair, body);
        let expected = json!({ "mappings": {
            "dynamic": "strict", "properties": { "n": { "type": "long" } } } });
        assert_eq!(template, expected);
    }

    #[test]
    fn a_mapping_without_types_stays() {
        for mappings in [
            json!({ "dynamic": "false" }),
            json!({ "properties": { "properties": { "type": "ip" } } }),
            json!({ "_source": { "enabled": false } }),
        ] {
            let body = json!({ "mappings": mappings });
            assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
        }
    }
}
