//! Fields that Elasticsearch computes at search time.
//!
//! Removes runtime fields (Elasticsearch 7.11 and newer), which OpenSearch rejects (tried on 2.19
//! and 3.4); its derived fields use another script context. `dynamic: runtime` becomes `true`, so
//! that new fields can still be searched.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_dynamic_template, each_field},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "runtime-fields", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    if let Some(runtime) = item.mappings.shift_remove("runtime") {
        let names: Vec<&str> = runtime
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys())
            .map(String::as_str)
            .collect();
        if !names.is_empty() {
            let what = format!("removed: `{}`", names.join("`, `"));
            let why =
                "OpenSearch has no runtime fields; define derived fields there if you need them";
            changes.lost("mappings.runtime", &what, why);
        }
    }
    let mut dynamic = |path: &str, object: &mut Field| {
        if object.get("dynamic").and_then(Value::as_str) == Some("runtime") {
            object.insert("dynamic".to_owned(), Value::String("true".to_owned()));
            let why = "OpenSearch has no runtime fields; new fields are indexed";
            changes.lost(&format!("{path}.dynamic"), "changed from `runtime` to `true`", why);
        }
    };
    dynamic("mappings", &mut item.mappings);
    each_field(&mut item.mappings, &mut dynamic);

    let mut removed = Vec::new();
    each_dynamic_template(&mut item.mappings, &mut |path, template| {
        if template.contains_key("runtime") {
            removed.push(path.to_owned());
        }
    });
    if let Some(Value::Array(templates)) = item.mappings.get_mut("dynamic_templates") {
        for template in templates.iter_mut().filter_map(Value::as_object_mut) {
            template.retain(|_, body| body.get("runtime").is_none());
        }
        templates
            .retain(|template| template.as_object().is_none_or(|template| !template.is_empty()));
    }
    for path in removed {
        changes.lost(&path, "removed", "OpenSearch has no runtime fields");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn runtime_fields_are_removed_and_new_fields_are_indexed() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": {
                "dynamic": "runtime",
                "runtime": { "day": { "type": "keyword", "script": "emit(1)" } },
                "dynamic_templates": [
                    { "r": { "match": "r*", "runtime": { "type": "ip" } } },
                    { "k": { "match": "k*", "mapping": { "type": "keyword" } } }
                ],
                "properties": { "o": { "dynamic": "runtime", "properties": {} } } } }),
        );
        let expected = json!({ "mappings": {
            "dynamic": "true",
            "dynamic_templates": [{ "k": { "match": "k*", "mapping": { "type": "keyword" } } }],
            "properties": { "o": { "dynamic": "true", "properties": {} } } } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost; 4]);
    }
}
