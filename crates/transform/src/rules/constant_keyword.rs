//! Keyword fields with the same value in the whole index.
//!
//! Keeps `constant_keyword` where OpenSearch has it (since 2.14). There the value is required
//! (tried on 2.19 and 3.4); a field without a value yet is in no document, so it becomes a plain
//! `keyword`. On older targets the index is refused: documents need not contain the value, so a
//! `keyword` would not find them.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "constant-keyword", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) != Some("constant_keyword") {
            return;
        }
        if !field.contains_key("value") {
            field.clear();
            field.insert("type".to_owned(), Value::from("keyword"));
            let what = "changed from `constant_keyword` to `keyword`";
            changes.lost(path, what, "it has no value yet, and OpenSearch requires one");
        } else if facts.to_opensearch_since(2, 14) {
            let dropped = field.len();
            field.retain(|name, _| matches!(name.as_str(), "type" | "value"));
            if field.len() < dropped {
                let why = "`constant_keyword` has no parameter but `value` in OpenSearch";
                changes.lost(path, "stripped of its other parameters", why);
            }
        } else {
            let why = "OpenSearch has it only since 2.14; upgrade the target, or create the index \
                       yourself";
            changes.unsupported(path, "is `constant_keyword`", why);
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn with_a_value_it_stays_and_without_one_it_is_a_keyword() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": { "properties": {
                "a": { "type": "constant_keyword", "value": "x" },
                "b": { "type": "constant_keyword" } } } }),
        );
        let expected = json!({ "mappings": { "properties": {
            "a": { "type": "constant_keyword", "value": "x" }, "b": { "type": "keyword" } } } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost]);
    }

    #[test]
    fn an_older_target_refuses_it() {
        let body = json!({ "mappings": { "properties": {
            "a": { "type": "constant_keyword", "value": "x" } } } });
        let (_, changes) = trial::run(&RULE, MetadataKind::Index, ("ES 7.17", "OS 2.5"), body);
        assert_eq!(changes[0].weight, Weight::Unsupported);
    }
}
