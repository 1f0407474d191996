//! Settings of features that only Elasticsearch has.
//!
//! Removes settings of frozen indices, time series and logs modes. OpenSearch rejects unknown settings (tried on 2.19 and 3.4).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "elasticsearch-settings",
    applies: |facts| facts.to_opensearch(),
    run: |item, _, changes| {
        if item.settings.text("index.mode").as_deref() == Some("standard") {
            item.settings.remove("index.mode");
        }
        let removed = item.settings.remove_all(&[
            "index.bloom_filter_for_id_field.",
            "index.dense_vector.",
            "index.esql.",
            "index.fast_refresh",
            "index.frozen",
            "index.logsdb.",
            "index.look_ahead_time",
            "index.look_back_time",
            "index.mapping.dimension_fields.",
            "index.mapping.exclude_source_vectors",
            "index.mapping.nested_parent.",
            "index.mapping.patterned_text.",
            "index.mapping.synthetic_source_keep",
            "index.mapping.synthetic_source_skip_ignored_source_read",
            "index.mapping.synthetic_source_skip_ignored_source_write",
            "index.mapping.total_fields.ignore_dynamic_beyond_limit",
            "index.mapping.use_doc_values_skipper",
            "index.mapping.vectors.",
            "index.mode",
            "index.prefer_ilm_migrate_data",
            "index.routing_path",
            "index.semantic_text.",
            "index.store.snapshot.",
            "index.time_series.",
            "index.time_series_es87tsdb_codec.",
            "index.xpack.",
        ]);
        for name in removed {
            changes.lost(&format!("settings.{name}"), "removed", "OpenSearch has no such feature");
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn settings_of_missing_features_are_left_out_and_reported() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index": { "xpack": { "watcher": { "template.version": "1" } },
                "mode": "time_series", "frozen": "true", "mapping.coerce": "true" } } }),
        );
        assert_eq!(body, json!({ "settings": { "index.mapping.coerce": "true" } }));
        assert_eq!(weights, [Weight::Lost; 3]);
    }
}
