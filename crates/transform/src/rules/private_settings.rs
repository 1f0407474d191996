//! Settings that a server maintains itself and that cannot be set.
//!
//! Removes what a server writes into the settings of an index: identity, dates, versions, the
//! origin of a resize, verifications before an upgrade. A server rejects them in a create request
//! (tried on OpenSearch 2.19 and 3.4; `PrivateIndex` in the registry of Elasticsearch 8.19 and 9.2),
//! and the new index gets its own. Every index has the first group, so only the second one is
//! reported.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "private-settings",
    applies: |_| true,
    run: |item, _, changes| {
        item.settings.remove_all(&[
            "index.uuid",
            "index.creation_date",
            "index.creation_date_string",
            "index.provided_name",
            "index.version.",
            "index.history.",
            "index.history_uuid",
            "index.verified_before_close",
            "index.verified_read_only",
        ]);
        let removed = item.settings.remove_all(&[
            "index.frozen",
            "index.resize.",
            "index.shrink.",
            "index.split.",
            "index.downsample.",
            "index.rollup.",
            "index.routing.allocation.disk.watermark.ignore",
            "index.routing.allocation.initial_recovery.",
            "index.search.throttled",
            "index.searchable_snapshot.",
            "index.shard_limit.group",
            "index.remote_store.",
            "index.recovery.type",
        ]);
        if !removed.is_empty() {
            changes.adapted(
                "settings",
                &format!("stripped of `{}`", removed.join("`, `")),
                "only the server itself can set them",
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
    fn identity_and_versions_are_removed_in_any_notation() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": {
                "index.uuid": "x",
                "index": { "creation_date": "1", "version": { "created": "7100299", "upgraded": "1" },
                           "resize": { "source": { "name": "a" } }, "verified_read_only": "true",
                           "number_of_shards": "2" },
                "provided_name": "x"
            } }),
        );
        assert_eq!(body, json!({ "settings": { "index.number_of_shards": "2" } }));
        assert_eq!(weights, [Weight::Adapted]);
    }

    #[test]
    fn settings_of_the_user_stay() {
        let body = json!({ "settings": { "index.number_of_replicas": "0",
            "index.auto_expand_replicas": "0-1", "index.sort.field": ["a"] } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
