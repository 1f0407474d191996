//! Objects that are indexed as one field.
//!
//! Changes `flattened` to OpenSearch's `flat_object` (since 2.7), which takes no parameters (tried
//! on 2.19 and 3.4). Both index an object of any depth as one field whose leaves are keywords.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "flattened", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) != Some("flattened") {
            return;
        }
        if !facts.to_opensearch_since(2, 7) {
            let why = "OpenSearch has its equivalent `flat_object` only since 2.7; upgrade the \
                       target, or create the index yourself";
            changes.unsupported(path, "is `flattened`", why);
            return;
        }
        let dropped: Vec<String> = field.keys().filter(|name| *name != "type").cloned().collect();
        field.clear();
        field.insert("type".to_owned(), Value::from("flat_object"));
        let why = "this is the equivalent type in OpenSearch";
        if dropped.is_empty() {
            changes.adapted(path, "changed from `flattened` to `flat_object`", why);
        } else {
            let what = format!(
                "changed from `flattened` to `flat_object`, without `{}`",
                dropped.join("`, `")
            );
            changes.lost(path, &what, "`flat_object` takes no parameters");
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn it_becomes_a_flat_object_even_in_a_dynamic_template() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": {
                "properties": { "labels": { "type": "flattened", "depth_limit": 5 } },
                "dynamic_templates": [{ "t": { "match": "l*", "mapping": { "type": "flattened" } } }]
            } }),
        );
        let expected = json!({ "mappings": {
            "properties": { "labels": { "type": "flat_object" } },
            "dynamic_templates": [{ "t": { "match": "l*", "mapping": { "type": "flat_object" } } }]
        } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost, Weight::Adapted]);
    }

    #[test]
    fn an_older_target_refuses_it() {
        let body = json!({ "mappings": { "properties": { "l": { "type": "flattened" } } } });
        let (after, changes) =
            trial::run(&RULE, MetadataKind::Index, ("ES 7.10", "OS 1.3"), body.clone());
        assert_eq!(after, body);
        assert_eq!(changes[0].weight, Weight::Unsupported);
    }
}
