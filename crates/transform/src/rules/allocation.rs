//! Allocation filters that bind an index to nodes of the source.
//!
//! Removes filters on node names, addresses, attributes and data tiers, because they name nodes of
//! the source. The target would accept them and then never allocate the shards (OpenSearch treats
//! `_tier_preference` as a node attribute), so writes would hang. Data tiers are kept from
//! Elasticsearch to Elasticsearch 7.10 and newer.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "allocation-filters",
    applies: |_| true,
    run: |item, facts, changes| {
        let filters = [
            "index.routing.allocation.include.",
            "index.routing.allocation.require.",
            "index.routing.allocation.exclude.",
        ];
        let tiers = filters.iter().map(|filter| format!("{filter}_tier")).collect::<Vec<_>>();
        let is_tier = |name: &str| tiers.iter().any(|tier| name.starts_with(tier));
        let kept: Vec<_> = item
            .settings
            .iter()
            .filter(|(name, _)| facts.to_elasticsearch_since(7, 10) && is_tier(name))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        let mut removed = item.settings.remove_all(&filters);
        for (name, value) in kept {
            removed.retain(|other| *other != name);
            item.settings.set(name, value);
        }
        for name in removed {
            let path = format!("settings.{name}");
            if is_tier(&name) {
                changes.adapted(&path, "removed", "the target has no data tiers");
            } else {
                let why = "it names nodes of the source; set it again if the target has such nodes";
                changes.lost(&path, "removed", why);
            }
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn tiers_and_node_attributes_are_left_out_and_limits_stay() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index": { "routing": { "allocation": {
                "include": { "_tier_preference": "data_hot,data_content" },
                "require": { "box": "fast" },
                "total_shards_per_node": "2", "enable": "all" } } } } }),
        );
        let expected = json!({ "settings": {
            "index.routing.allocation.enable": "all",
            "index.routing.allocation.total_shards_per_node": "2" } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted, Weight::Lost]);
    }

    #[test]
    fn tiers_stay_between_servers_that_have_them() {
        let body = json!({ "settings": {
            "index.routing.allocation.include._tier_preference": "data_hot" } });
        let pair = ("ES 7.17", "ES 8.19");
        assert_eq!(trial::run(&RULE, MetadataKind::Index, pair, body.clone()), (body, vec![]));
    }
}
