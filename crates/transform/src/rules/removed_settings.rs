//! Settings of Elasticsearch 5 and 6 that no server since 7 has.
//!
//! Removes settings that were removed up to Elasticsearch 7 and that OpenSearch never had, and
//! settings that a server had archived because it did not know them any more. A create request with
//! one of them is rejected (tried on OpenSearch 2.19 and 3.4). The setting of the percolator that was
//! renamed in Elasticsearch 6 gets its new name ("Breaking changes in 6.0").

use crate::rule::Rule;

const AS_STRING: &str = "index.percolator.map_unmapped_fields_as_string";
const AS_TEXT: &str = "index.percolator.map_unmapped_fields_as_text";

pub(crate) const RULE: Rule = Rule {
    id: "removed-settings",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        if let Some(value) = item.settings.remove(AS_STRING) {
            item.settings.set(AS_TEXT, value);
            let what = format!("renamed to `{AS_TEXT}`");
            let why = "this is its name since Elasticsearch 6";
            changes.adapted(&format!("settings.{AS_STRING}"), &what, why);
        }
        let removed = item.settings.remove_all(&[
            "archived.",
            "index.compound_on_flush",
            "index.data_path",
            "index.engine",
            "index.mapper.dynamic",
            "index.mapping.single_type",
            "index.merge.policy.max_merge_at_once_explicit",
            "index.optimize_auto_generated_id",
            "index.recovery.initial_shards",
            "index.shadow_replicas",
            "index.shared_filesystem",
            "index.shared_filesystem.",
            "index.store.throttle.",
            "index.ttl.",
        ]);
        for name in removed {
            changes.adapted(
                &format!("settings.{name}"),
                "removed",
                "no server since Elasticsearch 7 has this setting",
            );
        }
        if item.settings.text("index.shard.check_on_startup").as_deref() == Some("fix") {
            item.settings.set("index.shard.check_on_startup", "true");
            changes.adapted(
                "settings.index.shard.check_on_startup",
                "changed from `fix` to `true`",
                "servers no longer drop damaged segments themselves",
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
    fn removed_settings_are_left_out() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": {
                "index.mapper.dynamic": "false",
                "index.percolator.map_unmapped_fields_as_string": "true",
                "index.mapping": { "single_type": "true", "total_fields": { "limit": "9" } },
                "index.shard.check_on_startup": "fix"
            } }),
        );
        let expected = json!({ "settings": {
            "index.mapping.total_fields.limit": "9",
            "index.percolator.map_unmapped_fields_as_text": "true", "index.shard.check_on_startup": "true" } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted; 4]);
    }
}
