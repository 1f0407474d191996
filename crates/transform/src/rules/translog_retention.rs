//! How long a translog is kept for replication.
//!
//! Removes `index.translog.retention.*`. It has no effect on an index with soft deletes, which
//! OpenSearch 2 and newer and Elasticsearch 8 and newer always have; Elasticsearch 8 rejects it
//! (documented among its breaking changes).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "translog-retention",
    applies: |facts| facts.to_opensearch_since(2, 0) || facts.to_elasticsearch_since(8, 0),
    run: |item, _, changes| {
        for name in item.settings.remove_all(&["index.translog.retention."]) {
            changes.adapted(
                &format!("settings.{name}"),
                "removed",
                "it has no effect on an index with soft deletes",
            );
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn retention_is_removed_and_durability_stays() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index.translog": {
                "retention": { "age": "1h", "size": "1gb" }, "durability": "async" } } }),
        );
        assert_eq!(body, json!({ "settings": { "index.translog.durability": "async" } }));
        assert_eq!(weights, [Weight::Adapted, Weight::Adapted]);
    }
}
