//! Parameters of fields that Elasticsearch 8 does not take any more.
//!
//! - `boost` of a field: it changed scores only. Removed.
//! - Multi-fields inside multi-fields: lifted by one level, `k.a.b` becomes `k.a_b`.
//! - The parameters of prefix trees in `geo_shape`: shapes are indexed as a tree of triangles, which
//!   finds the same shapes more precisely. Removed.
//!
//! OpenSearch takes all of them. Source: the page "Migrating to 8.0", section "Mapping changes".

use serde_json::{Map, Value};

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "elasticsearch-8-parameters",
    applies: |facts| facts.to_elasticsearch_since(8, 0),
    run,
};

const SHAPE_PARAMETERS: [&str; 6] =
    ["distance_error_pct", "points_only", "precision", "strategy", "tree", "tree_levels"];

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if field.shift_remove("boost").is_some() {
            let why = "Elasticsearch 8 has no boost in mappings; boost the field in queries if the \
                       order of hits matters";
            changes.lost(&format!("{path}.boost"), "removed", why);
        }
        if type_of(field) == Some("geo_shape") {
            for name in SHAPE_PARAMETERS {
                if field.shift_remove(name).is_some() {
                    let why = "Elasticsearch 8 indexes shapes without prefix trees";
                    changes.adapted(&format!("{path}.{name}"), "removed", why);
                }
            }
        }
        lift(path, field, changes);
    });
}

/// Moves multi-fields of multi-fields up to the field itself.
fn lift(path: &str, field: &mut Field, changes: &mut Changes) {
    let Some(Value::Object(fields)) = field.get_mut("fields") else { return };
    let mut flat = Map::new();
    for (name, inner) in std::mem::take(fields) {
        flatten(path, &name, inner, &mut flat, changes);
    }
    *fields = flat;
}

fn flatten(
    path: &str,
    name: &str,
    mut field: Value,
    flat: &mut Map<String, Value>,
    changes: &mut Changes,
) {
    let inner = field.as_object_mut().and_then(|field| field.shift_remove("fields"));
    flat.insert(name.to_owned(), field);
    let Some(Value::Object(inner)) = inner else { return };
    for (child, field) in inner {
        let lifted = format!("{name}_{child}");
        let place = format!("{path}.fields.{name}.fields.{child}");
        if flat.contains_key(&lifted) {
            let why = "Elasticsearch 8 has no multi-fields inside multi-fields, and the name one \
                       level up is taken";
            changes.lost(&place, "removed", why);
            continue;
        }
        let what = format!("moved to `{path}.fields.{lifted}`");
        let why = "Elasticsearch 8 has no multi-fields inside multi-fields; change the name in \
                   searches";
        changes.lost(&place, &what, why);
        flatten(path, &lifted, field, flat, changes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        change::{Change, Weight},
        item::MetadataKind,
        rule::trial,
    };

    fn properties(target: &str, properties: &Value) -> (Value, Vec<Change>) {
        let body = json!({ "mappings": { "properties": properties } });
        let (body, changes) = trial::run(&RULE, MetadataKind::Index, ("ES 7.17", target), body);
        (body["mappings"]["properties"].clone(), changes)
    }

    #[test]
    fn parameters_go_and_fields_of_these_names_stay() {
        let written = json!({
            "boost": { "type": "float", "boost": 3.5 },
            "o": { "properties": { "boost": { "type": "keyword" } } },
            "s": { "type": "geo_shape", "tree": "quadtree", "precision": "5m", "orientation": "cw" },
            "precision": { "type": "long" }
        });
        let expected = json!({
            "boost": { "type": "float" },
            "o": { "properties": { "boost": { "type": "keyword" } } },
            "s": { "type": "geo_shape", "orientation": "cw" },
            "precision": { "type": "long" }
        });
        let (after, changes) = properties("ES 9.2", &written);
        assert_eq!(after, expected);
        assert_eq!(changes.len(), 3);
        for target in ["OS 2.19", "ES 7.17"] {
            assert_eq!(properties(target, &written), (written.clone(), vec![]));
        }
    }

    #[test]
    fn multi_fields_of_any_depth_are_lifted() {
        let (after, changes) = properties(
            "ES 8.19",
            &json!({ "k": { "type": "keyword", "fields": {
                "a": { "type": "text", "fields": { "b": { "type": "keyword", "boost": 2, "fields": {
                    "c": { "type": "text" } } } } },
                "n": { "type": "text" } } } }),
        );
        let expected = json!({ "k": { "type": "keyword", "fields": {
            "a": { "type": "text" },
            "a_b": { "type": "keyword" },
            "a_b_c": { "type": "text" },
            "n": { "type": "text" } } } });
        assert_eq!(after, expected);
        assert!(changes.iter().all(|change| change.weight == Weight::Lost), "{changes:?}");
        assert_eq!(changes.len(), 3);
    }
}
