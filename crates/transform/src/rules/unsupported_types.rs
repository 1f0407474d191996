//! Field types without an equivalent in OpenSearch.
//!
//! Refuses field types that OpenSearch does not have and cannot replace (tried on 2.19 and 3.4),
//! instead of creating a field with another meaning: `histogram`, `aggregate_metric_double`,
//! `semantic_text` and others, and `unsigned_long` before 2.8. `match_only_text` becomes `text`
//! before 2.12. A dynamic template with such a type is removed instead: no field uses it yet.

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "unsupported-types", applies: |facts| facts.to_opensearch(), run };

const WITHOUT_EQUIVALENT: [&str; 8] = [
    "aggregate_metric_double",
    "counted_keyword",
    "exponential_histogram",
    "histogram",
    "passthrough",
    "pattern_text",
    "rank_vectors",
    "semantic_text",
];

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| match type_of(field) {
        Some(kind) if WITHOUT_EQUIVALENT.contains(&kind) => {
            let what = format!("is `{kind}`");
            let why = "OpenSearch has no such type; create the index on the target yourself, or \
                       exclude it with a `-` pattern";
            changes.unsupported(path, &what, why);
        }
        Some("unsigned_long") if !facts.target.version.at_least(2, 8) => {
            let why = "OpenSearch has it only since 2.8, and `long` cannot hold its values; \
                       upgrade the target, or create the index yourself";
            changes.unsupported(path, "is `unsigned_long`", why);
        }
        Some("match_only_text") if !facts.target.version.at_least(2, 12) => {
            field.insert("type".to_owned(), "text".into());
            let why = "OpenSearch has it only since 2.12; `text` supports the same queries";
            changes.adapted(path, "changed from `match_only_text` to `text`", why);
        }
        _ => {}
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn a_dynamic_template_with_such_a_type_is_removed() {
        let body = |types: [&str; 3]| {
            let [first, second, third] = types;
            json!({ "mappings": { "dynamic_templates": [
                { "a": { "path_match": "x.*", "mapping": { "type": first } } },
                { "a.mapping": { "match": "y", "mapping": { "type": "object",
                    "properties": { "inner": { "type": second } } } } },
                { "ab": { "match": "z*", "mapping": { "type": third } } }
            ], "properties": { "k": { "type": "keyword" } } } })
        };
        let (after, weights) =
            trial::index(&RULE, body(["histogram", "aggregate_metric_double", "keyword"]));
        assert_eq!(weights, [Weight::Lost; 2]);
        assert_eq!(
            after["mappings"]["dynamic_templates"],
            json!([
            { "ab": { "match": "z*", "mapping": { "type": "keyword" } } }])
        );
        let used = json!({ "mappings": {
            "dynamic_templates": [{ "h": { "match": "h*", "mapping": { "type": "histogram" } } }],
            "properties": { "h1": { "type": "histogram" } } } });
        let (_, weights) = trial::index(&RULE, used);
        assert_eq!(weights, [Weight::Unsupported, Weight::Lost]);
    }

    #[test]
    fn a_type_without_an_equivalent_is_refused_and_not_changed() {
        let body = json!({ "mappings": { "properties": { "o": { "properties": {
            "h": { "type": "histogram" } } }, "u": { "type": "unsigned_long" } } } });
        assert_eq!(trial::index(&RULE, body.clone()), (body.clone(), vec![Weight::Unsupported]));
        let (_, changes) = trial::run(&RULE, MetadataKind::Index, ("ES 7.17", "OS 1.3"), body);
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].path, "mappings.properties.o.properties.h");
    }
}
