//! Settings of Elasticsearch 5 and 6 that no server since 7 has.
//!
//! Removes settings that were removed up to Elasticsearch 7 and that OpenSearch never had, and
//! settings that a server had archived because it did not know them any more. A create request with
//! one of them is rejected (tried on OpenSearch 2.19 and 3.4).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "removed-settings",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        let removed = item.settings.remove_all(&[
            "archived.",
            "index.compound_on_flush",
            "index.data_path",
            "index.engine",
            "index.mapper.dynamic",
            "index.mapping.single_type",
            "index.merge.policy.max_merge_at_once_explicit",
            "index.optimize_auto_generated_id",
            "index.percolator.",
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
                "index.mapping": { "single_type": "true", "total_fields": { "limit": "9" } },
                "index.shard.check_on_startup": "fix"
            } }),
        );
        let expected = json!({ "settings": {
            "index.mapping.total_fields.limit": "9", "index.shard.check_on_startup": "true" } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted; 3]);
    }
}
