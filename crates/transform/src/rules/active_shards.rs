//! Limits on shards for each node, and copies that a write waits for, which the target can never
//! meet.
//!
//! `index.routing.allocation.total_shards_per_node` is raised where the data nodes of the target
//! are too few for the shards; otherwise some shards would never be allocated, and writes to them
//! would wait. `index.write.wait_for_active_shards` is removed where it asks for more copies than
//! there are data nodes, or than the index has; otherwise every write would wait.
//! `index.routing.allocation.enable: none` is removed: no shard of the new index would start. If the
//! number of data nodes is unknown, the numbers stay. Sources: the pages "Total shards per node",
//! "Index shard allocation" and "Active shards" of Elasticsearch 7.17.

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule { id: "active-shards", applies: |_| true, run };

const WAIT: &str = "index.write.wait_for_active_shards";
const ENABLE: &str = "index.routing.allocation.enable";

/// Limits for each node, and whether they count primary shards only.
const LIMITS: [(&str, bool); 2] = [
    ("index.routing.allocation.total_primary_shards_per_node", true),
    ("index.routing.allocation.total_shards_per_node", false),
];

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    if item.settings.text(ENABLE).as_deref() == Some("none") {
        item.settings.remove(ENABLE);
        let why = "no shard of the new index would start; set it again after the migration";
        changes.lost(&format!("settings.{ENABLE}"), "removed; it was `none`", why);
    }
    let Some(nodes) = facts.target.data_nodes.known().copied().filter(|nodes| *nodes > 0) else {
        return;
    };
    let number = |name: &str, default: usize| {
        item.settings.text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let shards: usize = number("index.number_of_shards", 1);
    let expands = item.settings.text("index.auto_expand_replicas").is_some_and(|it| it != "false");
    let replicas = if expands { nodes - 1 } else { number("index.number_of_replicas", 1) };
    let copies = replicas.saturating_add(1);
    let placed = copies.min(nodes);

    for (name, primaries_only) in LIMITS {
        let Some(limit) = item.settings.text(name).and_then(|text| text.parse::<usize>().ok())
        else {
            continue;
        };
        let all = if primaries_only { shards } else { shards.saturating_mul(placed) };
        let needed = all.div_ceil(nodes);
        if limit < needed {
            item.settings.set(name, needed.to_string());
            let what = format!("raised from {limit} to {needed}");
            let why = format!(
                "{all} shards do not fit on {nodes} data nodes of the target otherwise, and writes \
                 to the others would wait forever"
            );
            changes.lost(&format!("settings.{name}"), &what, &why);
        }
    }
    let Some(wait) = item.settings.text(WAIT) else { return };
    let wanted = if wait == "all" { Some(copies) } else { wait.parse().ok() };
    if wanted.is_some_and(|wanted| wanted > placed) {
        item.settings.remove(WAIT);
        let why = format!(
            "every write would wait forever, because only {placed} copies of a shard can start on \
             {nodes} data nodes; set it again when the target has more nodes"
        );
        changes.lost(&format!("settings.{WAIT}"), &format!("removed; it was `{wait}`"), &why);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{change::Weight, facts::Fact, item::MetadataKind, rule::trial};

    fn settings(nodes: Option<usize>, settings: &Value) -> (Value, Vec<Weight>) {
        let mut facts = trial::facts("ES 7.17", "OS 2.19");
        facts.target.data_nodes = Fact::from(nodes);
        let body = json!({ "settings": settings });
        let (body, changes) = trial::run_with(&RULE, MetadataKind::Index, &facts, body);
        (body["settings"].clone(), changes.iter().map(|change| change.weight).collect())
    }

    #[test]
    fn a_limit_that_leaves_shards_over_is_raised() {
        let limit = "index.routing.allocation.total_shards_per_node";
        for (nodes, shards, replicas, set, expected) in [
            (1, 3, 0, 1, "3"),
            (2, 5, 1, 2, "5"),
            (4, 8, 1, 2, "4"),
            // The second replica cannot start on two nodes, whatever the limit is.
            (2, 2, 2, 1, "2"),
            (3, 3, 0, 1, "1"),
        ] {
            let (after, weights) = settings(
                Some(nodes),
                &json!({ "index.number_of_shards": shards, "index.number_of_replicas": replicas,
                        limit: set.to_string() }),
            );
            assert_eq!(after[limit], expected, "{nodes} nodes");
            assert_eq!(weights.is_empty(), set.to_string() == expected);
        }
    }

    #[test]
    fn a_write_waits_only_for_copies_that_can_start() {
        for (nodes, replicas, wait, stays) in [
            (Some(1), 1, "all", false),
            (Some(1), 0, "all", true),
            (Some(3), 2, "all", true),
            (Some(3), 1, "3", false),
            (Some(2), 1, "2", true),
            (None, 1, "all", true),
        ] {
            let body = json!({ "index.number_of_replicas": replicas, WAIT: wait });
            let (after, weights) = settings(nodes, &body);
            assert_eq!(after.get(WAIT).is_some(), stays, "{nodes:?} {replicas} {wait}");
            assert_eq!(weights.is_empty(), stays);
        }
    }

    #[test]
    fn an_index_whose_allocation_is_off_would_never_start() {
        let (after, weights) =
            settings(None, &json!({ ENABLE: "none", "index.routing.rebalance.enable": "none" }));
        assert_eq!(after, json!({ "index.routing.rebalance.enable": "none" }));
        assert_eq!(weights, [Weight::Lost]);
        let primaries = json!({ ENABLE: "primaries" });
        assert_eq!(settings(Some(1), &primaries), (primaries, vec![]));
    }
}
