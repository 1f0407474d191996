//! Settings that the target does not know, by its version.
//!
//! A server refuses an index for one setting that it does not know. The table has the settings that
//! some server accepts in new indices and another one does not. It was made from the registries of
//! index settings inside the servers themselves: Elasticsearch 5.6.16, 6.8.23, 7.10.2, 7.17.29,
//! 8.19.8 and 9.2.0, OpenSearch 1.3.20, 2.19.4 and 3.4.0. Elasticsearch 8 and 9 still register some
//! settings of 7 for old indices, and reject them for new ones. Settings of plugins and those with an
//! equivalent are left to other rules.

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule { id: "known-settings", applies: Facts::to_typeless, run };

/// The major versions of a product that accept a setting: the first one, and the first one that does
/// not any more.
#[derive(Clone, Copy)]
struct Majors(u32, u32);

impl Majors {
    const NONE: Self = Self(0, 0);

    const fn since(first: u32) -> Self {
        Self(first, u32::MAX)
    }

    const fn until(end: u32) -> Self {
        Self(0, end)
    }

    fn contains(self, major: u32) -> bool {
        (self.0..self.1).contains(&major)
    }
}

const ALL: Majors = Majors::since(0);

/// A setting, or a prefix that ends with a dot; where Elasticsearch and OpenSearch accept it.
const SETTINGS: [(&str, Majors, Majors); 64] = [
    ("index.append_only.", Majors::NONE, Majors::since(2)),
    ("index.auto_expand_search_replicas", Majors::NONE, Majors::since(3)),
    ("index.auto_force_merge.", Majors::NONE, Majors::since(3)),
    ("index.blocks.search_only", Majors::NONE, Majors::since(3)),
    ("index.bloom_filter_for_id_field.", Majors::since(8), Majors::NONE),
    ("index.check_pending_flush.", Majors::NONE, Majors::since(2)),
    ("index.codec.compression_level", Majors::NONE, Majors::since(2)),
    ("index.composite_index", Majors::NONE, Majors::since(2)),
    ("index.composite_index.", Majors::NONE, Majors::since(2)),
    ("index.composite_store.", Majors::NONE, Majors::since(3)),
    ("index.context.", Majors::NONE, Majors::since(2)),
    ("index.context_aware.", Majors::NONE, Majors::since(3)),
    ("index.dense_vector.", Majors::since(9), Majors::NONE),
    ("index.dimensions", Majors::since(9), Majors::NONE),
    ("index.dimensions_tsid_strategy_enabled", Majors::since(9), Majors::NONE),
    ("index.failure_store.", Majors::since(8), Majors::NONE),
    ("index.fast_refresh", Majors::since(8), Majors::NONE),
    ("index.force_memory_term_dictionary", Majors::until(8), ALL),
    ("index.highlight.weight_matches_mode.", Majors::since(8), Majors::NONE),
    ("index.indexing.slowlog.include.", Majors::since(8), Majors::NONE),
    ("index.indexing.slowlog.level", Majors::until(8), ALL),
    ("index.ingestion_source.", Majors::NONE, Majors::since(3)),
    ("index.logsdb.", Majors::since(8), Majors::NONE),
    ("index.mapping.dimension_fields.", Majors::since(7), Majors::NONE),
    ("index.mapping.exclude_source_vectors", Majors::since(9), Majors::NONE),
    ("index.mapping.total_fields.ignore_dynamic_beyond_limit", Majors::since(8), Majors::NONE),
    ("index.max_adjacency_matrix_filters", Majors::until(8), ALL),
    ("index.max_slices_per_pit", Majors::NONE, Majors::since(2)),
    ("index.merge.log_byte_size_policy.", Majors::NONE, Majors::since(2)),
    ("index.merge.policy", Majors::NONE, Majors::since(2)),
    ("index.merge.policy.merge_factor", Majors::since(8), Majors::NONE),
    ("index.merge.policy.reclaim_deletes_weight", Majors::until(7), ALL),
    ("index.merge.policy.type", Majors::since(8), Majors::NONE),
    ("index.merge.scheduler.max_force_merge_mb_per_sec", Majors::NONE, Majors::since(3)),
    ("index.merge_on_flush.", Majors::NONE, Majors::since(2)),
    ("index.mode", Majors::since(8), Majors::NONE),
    ("index.number_of_search_replicas", Majors::NONE, Majors::since(3)),
    ("index.optimize_doc_id_lookup.", Majors::NONE, Majors::since(2)),
    ("index.periodic_flush_interval", Majors::NONE, Majors::since(3)),
    ("index.queries.cache.everything", Majors::NONE, Majors::NONE),
    ("index.queries.cache.term_queries", Majors::NONE, Majors::NONE),
    ("index.query.derived_field.", Majors::NONE, Majors::since(2)),
    ("index.query.max_nested_depth", Majors::NONE, Majors::since(2)),
    ("index.recovery.use_synthetic_source", Majors::since(8), Majors::NONE),
    ("index.replication.type", Majors::NONE, Majors::since(2)),
    ("index.routing.allocation.total_primary_shards_per_node", Majors::NONE, Majors::since(3)),
    (
        "index.routing.allocation.total_remote_capable_primary_shards_per_node",
        Majors::NONE,
        Majors::since(3),
    ),
    (
        "index.routing.allocation.total_remote_capable_shards_per_node",
        Majors::NONE,
        Majors::since(3),
    ),
    ("index.routing_path", Majors::since(8), Majors::NONE),
    ("index.search.concurrent.", Majors::NONE, Majors::since(2)),
    ("index.search.concurrent_segment_search.", Majors::NONE, Majors::since(2)),
    ("index.search.default_pipeline", Majors::NONE, Majors::since(2)),
    ("index.search.slowlog.include.", Majors::since(8), Majors::NONE),
    ("index.search.slowlog.level", Majors::until(8), ALL),
    ("index.search.star_tree_index.", Majors::NONE, Majors::since(3)),
    ("index.segment_replication.", Majors::NONE, Majors::since(3)),
    ("index.seq_no.index_options", Majors::since(9), Majors::NONE),
    ("index.store.factory", Majors::NONE, Majors::since(3)),
    ("index.store.hybrid.mmap.extensions", Majors::NONE, Majors(2, 3)),
    ("index.store.hybrid.nio.extensions", Majors::NONE, Majors::since(2)),
    ("index.time_series.", Majors::since(8), Majors::NONE),
    ("index.translog.flush_threshold_age", Majors::since(8), Majors::NONE),
    ("index.unreferenced_file_cleanup.", Majors::NONE, Majors::since(2)),
    ("index.use_compound_file", Majors::NONE, Majors::since(2)),
];

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let target = facts.target.version;
    for (setting, elasticsearch, opensearch) in SETTINGS {
        let majors = if target.is_opensearch() { opensearch } else { elasticsearch };
        if majors.contains(target.major) {
            continue;
        }
        for name in item.settings.remove_all(&[setting]) {
            let why = format!("{target} does not know this setting, and would refuse the item");
            changes.lost(&format!("settings.{name}"), "removed", &why);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{item::MetadataKind, rule::trial};

    fn kept(target: &str, settings: &[&str]) -> Vec<String> {
        let settings: serde_json::Map<String, Value> =
            settings.iter().map(|name| ((*name).to_owned(), json!("1"))).collect();
        let body = json!({ "settings": settings });
        let (body, _) = trial::run(&RULE, MetadataKind::Index, ("ES 7.17", target), body);
        body["settings"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn each_target_keeps_what_it_knows() {
        let old = ["index.search.slowlog.level", "index.max_adjacency_matrix_filters"];
        let elastic = ["index.highlight.weight_matches_mode.enabled", "index.merge.policy.type"];
        let open = ["index.merge.policy", "index.search.concurrent_segment_search.mode"];
        let every = ["index.refresh_interval", "index.merge.policy.floor_segment"];
        for (target, known, unknown) in [
            ("ES 7.17", vec![old], vec![elastic, open]),
            ("ES 8.19", vec![elastic], vec![old, open]),
            ("ES 9.2", vec![elastic], vec![old, open]),
            ("OS 1.3", vec![old], vec![elastic, open]),
            ("OS 2.19", vec![old, open], vec![elastic]),
            ("OS 3.4", vec![old, open], vec![elastic]),
        ] {
            for settings in known.into_iter().chain([every]) {
                assert_eq!(kept(target, &settings).len(), 2, "{target} {settings:?}");
            }
            for settings in unknown {
                assert_eq!(kept(target, &settings), Vec::<String>::new(), "{target}");
            }
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(SETTINGS.is_sorted_by_key(|(setting, ..)| *setting));
    }
}
