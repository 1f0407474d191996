//! Limits on mappings and documents that did not exist when the index was made.
//!
//! `index.mapping.nested_objects.limit` (10,000 objects in one document) exists since Elasticsearch 7:
//! a document of an older index may have more, and the target would reject it. It is lifted for
//! indices created before 7 with nested fields. The limits on the number of fields, nested fields
//! and levels exist since 5; a server checks them again when an index is created and counts more
//! than older ones (objects, fields of merged types). They are raised to what the mapping has.
//! Sources: "Breaking changes" of OpenSearch 1.x and of Elasticsearch 5.0 and 7.0, "Mapping limit
//! settings" of Elasticsearch 8.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::{Item, MetadataKind},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "mapping-limits", applies: Facts::to_typeless, run };

const NESTED_OBJECTS: &str = "index.mapping.nested_objects.limit";

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let counts = Counts::of(&mut item.mappings);
    if counts.nested > 0
        && item.is_made_before(facts, 7, 0)
        && item.settings.get(NESTED_OBJECTS).is_none()
    {
        item.settings.set(NESTED_OBJECTS, i32::MAX.to_string());
        let why = "the version that made the index had no limit on nested objects in a document; \
                   lower it after the migration if no document is that large";
        changes.adapted(&format!("settings.{NESTED_OBJECTS}"), "lifted", why);
    }
    // A template adds to others, so its own numbers decide nothing.
    if item.kind != MetadataKind::Index {
        return;
    }
    for (name, default, count) in [
        ("index.mapping.total_fields.limit", 1000, counts.fields),
        ("index.mapping.nested_fields.limit", 50, counts.nested),
        ("index.mapping.depth.limit", 20, counts.depth),
    ] {
        let written = item.settings.text(name).and_then(|text| text.parse::<usize>().ok());
        if count > written.unwrap_or(default) {
            item.settings.set(name, count.to_string());
            let why = "the mapping has that many already, and the target refuses a mapping above \
                       its limit";
            changes.adapted(&format!("settings.{name}"), &format!("set to `{count}`"), why);
        }
    }
}

/// What the limits count.
#[derive(Default)]
struct Counts {
    fields: usize,
    nested: usize,
    depth: usize,
}

impl Counts {
    fn of(mappings: &mut Field) -> Self {
        let mut counts = Self { depth: depth(mappings), ..Self::default() };
        if let Some(Value::Object(runtime)) = mappings.get("runtime") {
            counts.fields += runtime.len();
        }
        each_field(mappings, &mut |path, field| {
            if !path.starts_with("mappings.dynamic_templates.") {
                counts.fields += 1;
                counts.nested += usize::from(type_of(field) == Some("nested"));
            }
        });
        counts
    }
}

/// Returns the number of levels of objects; the root is the first one.
fn depth(object: &Field) -> usize {
    let inner = object.get("properties").and_then(Value::as_object).into_iter().flatten();
    let objects = inner.filter_map(|(_, field)| field.as_object());
    let deepest = objects.filter(|field| field.contains_key("properties")).map(depth).max();
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::rule::trial;

    fn limits(created: &str, mappings: &Value, settings: &Value) -> Value {
        let mut body = json!({ "mappings": mappings, "settings": settings });
        body["settings"]["index.version.created"] = json!(created);
        let pair = ("ES 7.17", "OS 2.19");
        let (mut body, _) = trial::run(&RULE, MetadataKind::Index, pair, body);
        body["settings"]["index.version.created"].take();
        body["settings"].take()
    }

    #[test]
    fn nested_objects_are_limited_only_as_they_were() {
        let nested =
            json!({ "properties": { "o": { "properties": { "n": { "type": "nested" } } } } });
        let flat = json!({ "properties": { "n": { "type": "object" } } });
        assert_eq!(limits("6082399", &nested, &json!({}))[NESTED_OBJECTS], "2147483647");
        assert_eq!(limits("5061699", &flat, &json!({}))[NESTED_OBJECTS], Value::Null);
        assert_eq!(limits("7000099", &nested, &json!({}))[NESTED_OBJECTS], Value::Null);
        let set = json!({ NESTED_OBJECTS: "5" });
        assert_eq!(limits("6082399", &nested, &set)[NESTED_OBJECTS], "5");
    }

    #[test]
    fn a_mapping_above_a_limit_raises_it() {
        let many: Map<String, Value> = (0..600)
            .map(|number| {
                let field = json!({ "type": "text", "fields": { "raw": { "type": "keyword" } } });
                (format!("f{number}"), field)
            })
            .collect();
        let name = "index.mapping.total_fields.limit";
        let many = json!({ "properties": many });
        assert_eq!(limits("5061699", &many, &json!({}))[name], "1200");
        assert_eq!(limits("7172999", &many, &json!({ name: "500" }))[name], "1200");
        assert_eq!(limits("7172999", &many, &json!({ name: "2000" }))[name], "2000");
        let mut deep = json!({ "type": "keyword" });
        for _ in 0..25 {
            deep = json!({ "properties": { "o": deep } });
        }
        assert_eq!(limits("5061699", &deep, &json!({}))["index.mapping.depth.limit"], "25");
    }
}
