//! Indices without soft deletes.
//!
//! Removes `index.soft_deletes.enabled: false`. OpenSearch 2 and newer and Elasticsearch 8 and
//! newer always have soft deletes and reject the setting (tried on OpenSearch 2.19 and 3.4). It
//! decides how deleted documents are kept for replication, and never what a search finds.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "soft-deletes",
    applies: |facts| facts.to_opensearch_since(2, 0) || facts.to_elasticsearch_since(8, 0),
    run: |item, _, changes| {
        let name = "index.soft_deletes.enabled";
        if item.settings.text(name).as_deref() == Some("false") {
            item.settings.remove(name);
            let why = "the target always has soft deletes";
            changes.adapted(&format!("settings.{name}"), "removed", why);
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn false_is_removed_whether_text_or_boolean() {
        for value in [json!("false"), json!(false)] {
            let body = json!({ "settings": { "index.soft_deletes.enabled": value } });
            assert_eq!(trial::index(&RULE, body), (json!({}), vec![Weight::Adapted]));
        }
    }

    #[test]
    fn older_targets_keep_it() {
        let body = json!({ "settings": { "index.soft_deletes.enabled": "false" } });
        let pair = ("ES 7.10", "OS 1.3");
        assert_eq!(trial::run(&RULE, MetadataKind::Index, pair, body.clone()), (body, vec![]));
    }
}
