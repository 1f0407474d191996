//! Fields that the server once made for every document.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "removed-meta-fields",
    about: "Leaves out `_all`, `_parent`, `_timestamp` and `_ttl`, which went with Elasticsearch \
            6 and 7, and the switch of `_field_names`, which Elasticsearch 8 refuses and which \
            only saved work. A mapping with `_all` or `_parent` is refused (tried on OpenSearch \
            2.19 and 3.4).",
    applies: |versions| versions.to_typeless(),
    run: |item, versions, changes| {
        if let Some(all) = item.mappings.shift_remove("_all") {
            if all.get("enabled") == Some(&serde_json::Value::Bool(false)) {
                changes.adapted("mappings._all", "removed", "the target has no such field");
            } else {
                changes.lost(
                    "mappings._all",
                    "removed",
                    "the target has no such field; a query that names no field searches all of \
                     them, one that names `_all` needs a field filled by `copy_to`",
                );
            }
        }
        if item.mappings.shift_remove("_parent").is_some() {
            changes.lost(
                "mappings._parent",
                "removed",
                "parents and children are a `join` field now; documents keep their routing, \
                 `has_child` and `has_parent` queries find nothing",
            );
        }
        for name in ["_timestamp", "_ttl"] {
            if item.mappings.shift_remove(name).is_some() {
                let why = "the target has no such field";
                changes.lost(&format!("mappings.{name}"), "removed", why);
            }
        }
        let refused = !versions.source.is_opensearch()
            && (versions.to_opensearch() || versions.to_elasticsearch_since(8, 0));
        if refused && item.mappings.shift_remove("_field_names").is_some() {
            let why = "the target decides by itself when to index field names";
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
    fn what_went_with_six_and_seven_is_left_out() {
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
    fn an_all_field_that_was_off_is_no_loss() {
        let body = json!({ "mappings": { "_all": { "enabled": false } } });
        assert_eq!(trial::index(&RULE, body), (json!({}), vec![Weight::Adapted]));
    }
}
