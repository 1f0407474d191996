//! Metadata fields that servers no longer have.
//!
//! Removes `_all`, `_parent`, `_timestamp` and `_ttl`, which were removed in Elasticsearch 6 and 7,
//! and the switch of `_field_names`, which Elasticsearch 8 rejects and which only saved work. A
//! mapping with `_all` or `_parent` is rejected (tried on OpenSearch 2.19 and 3.4).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "removed-meta-fields",
    applies: |facts| facts.to_typeless(),
    run: |item, facts, changes| {
        if let Some(all) = item.mappings.shift_remove("_all") {
            if all.get("enabled") == Some(&serde_json::Value::Bool(false)) {
                changes.adapted("mappings._all", "removed", "the target has no such field");
            } else {
                changes.lost(
                    "mappings._all",
                    "removed",
                    "the target has no such field; a query without a field name searches all \
                     fields, and one that names `_all` needs a field that `copy_to` fills",
                );
            }
        }
        if item.mappings.shift_remove("_parent").is_some() {
            changes.lost(
                "mappings._parent",
                "removed",
                "the target has `join` fields instead; documents keep their routing, but \
                 `has_child` and `has_parent` queries find nothing",
            );
        }
        for name in ["_timestamp", "_ttl"] {
            if item.mappings.shift_remove(name).is_some() {
                let why = "the target has no such field";
                changes.lost(&format!("mappings.{name}"), "removed", why);
            }
        }
        let is_rejected = !facts.source.version.is_opensearch()
            && (facts.to_opensearch() || facts.to_elasticsearch_since(8, 0));
        if is_rejected && item.mappings.shift_remove("_field_names").is_some() {
            let why = "the target decides itself when to index field names";
            changes.adapted("mappings._field_names", "removed", why);
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn fields_that_six_and_seven_removed_are_left_out() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": {
                "_all": { "enabled": true }, "_parent": { "type": "p" },
                "_field_names": { "enabled": false }, "_routing": { "required": true } } }),
        );
        assert_eq!(body, json!({ "mappings": { "_routing": { "required": true } } }));
        assert_eq!(weights, [Weight::Lost, Weight::Lost, Weight::Adapted]);
    }

    #[test]
    fn a_disabled_all_field_is_no_loss() {
        let body = json!({ "mappings": { "_all": { "enabled": false } } });
        assert_eq!(trial::index(&RULE, body), (json!({}), vec![Weight::Adapted]));
    }
}
