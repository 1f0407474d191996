//! How does an item look on the target?

use std::collections::BTreeSet;

use contract::MetadataChoices;

use crate::{
    change::{Change, Weight},
    facts::Facts,
    item::Item,
    overrides::apply_overrides,
    rules::RULES,
};

/// An item after all rules, and their changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformation {
    /// The item as the target accepts it.
    pub item: Item,
    /// The changes, in the order of the rules.
    pub changes: Vec<Change>,
}

impl Transformation {
    /// Returns what the target cannot represent. If there is any, the item must not be created.
    pub fn unsupported(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.weight == Weight::Unsupported)
    }
}

/// Applies all rules in their order. The item after them is one that the target itself could have
/// made, so applying them again changes nothing.
pub fn apply(item: Item, facts: &Facts) -> Transformation {
    apply_with(item, facts, &MetadataChoices::default())
}

/// Applies the rules that are on, and then what the user wants the item to have.
///
/// The user may replace what the target cannot represent. So after an override the rules look at
/// the item once more: a rule that could not do its work may do it now. What the user wrote comes
/// last.
pub fn apply_with(mut item: Item, facts: &Facts, choices: &MetadataChoices) -> Transformation {
    let mut changes = run_rules(&mut item, facts, choices);
    let overridden = apply_overrides(&mut item, choices);
    if !overridden.is_empty() {
        let is_unsupported = |change: &Change| change.weight == Weight::Unsupported;
        let stuck: BTreeSet<&str> =
            changes.iter().filter(|change| is_unsupported(change)).map(|it| it.rule).collect();
        let again = run_rules(&mut item, facts, choices);
        apply_overrides(&mut item, choices);
        changes.retain(|change| !is_unsupported(change));
        let is_new = |change: &Change| is_unsupported(change) || stuck.contains(change.rule);
        changes.extend(again.into_iter().filter(is_new));
        changes.extend(overridden);
    }
    item.made_by = Some(facts.target.version);
    Transformation { item, changes }
}

fn run_rules(item: &mut Item, facts: &Facts, choices: &MetadataChoices) -> Vec<Change> {
    let enabled = RULES.iter().filter(|rule| choices.is_enabled(rule.id));
    enabled.flat_map(|rule| rule.run_on(item, facts)).collect()
}

/// Returns the ids of all rules, in the order in which they run.
pub fn rule_ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::{item::MetadataKind, rule::trial::facts};

    const VERSIONS: [&str; 9] = [
        "ES 5.6.16",
        "ES 6.8.23",
        "ES 7.10.2",
        "ES 7.17.29",
        "ES 8.19.8",
        "OS 1.3.20",
        "OS 2.19.4",
        "OS 3.4.0",
        "OS 2.5.0",
    ];

    fn field_type() -> impl Strategy<Value = Value> {
        let types = [
            "keyword",
            "text",
            "long",
            "string",
            "flattened",
            "constant_keyword",
            "wildcard",
            "version",
            "unsigned_long",
            "point",
            "shape",
            "histogram",
            "dense_vector",
            "sparse_vector",
            "date_nanos",
            "date",
            "knn_vector",
            "nested",
            "search_as_you_type",
        ];
        let parameters = prop::sample::subsequence(
            vec![
                ("include_in_all", json!(true)),
                ("boost", json!(2)),
                ("format", json!("YYYY-MM-dd||dateOptionalTime")),
                ("ignore_above", json!(10)),
                ("dims", json!(3)),
                ("index", json!(true)),
                ("similarity", json!("cosine")),
                ("time_series_dimension", json!(true)),
                ("script", json!("emit(1)")),
                ("value", json!("x")),
                ("depth_limit", json!(4)),
                ("null_value", json!("n")),
            ],
            0..12,
        );
        (prop::sample::select(types.to_vec()), parameters).prop_map(|(kind, parameters)| {
            let mut field: Map<String, Value> =
                parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            field.insert("type".to_owned(), json!(kind));
            Value::Object(field)
        })
    }

    fn mappings() -> impl Strategy<Value = Value> {
        let fields = prop::collection::btree_map("[a-c](\\.[a-b])?", field_type(), 0..5);
        let roots = prop::sample::subsequence(
            vec![
                ("_all", json!({ "enabled": false })),
                ("_parent", json!({ "type": "p" })),
                ("_field_names", json!({ "enabled": false })),
                ("runtime", json!({ "r": { "type": "long" } })),
                ("dynamic", json!("runtime")),
                ("subobjects", json!(false)),
                ("_source", json!({ "mode": "synthetic", "excludes": ["x"] })),
                (
                    "dynamic_templates",
                    json!([{ "t": { "match": "*", "mapping": { "type": "flattened" } } },
                           { "u": { "match": "*", "runtime": {} } }]),
                ),
            ],
            0..8,
        );
        (fields, roots, prop::sample::select(vec![0_usize, 1, 2])).prop_map(
            |(fields, roots, types)| {
                let mut root: Map<String, Value> =
                    roots.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                root.insert("properties".to_owned(), json!(fields));
                match types {
                    0 => Value::Object(root),
                    1 => json!({ "doc": root }),
                    _ => {
                        json!({ "one": root, "two": { "properties": { "a": { "type": "text" } } } })
                    }
                }
            },
        )
    }

    fn settings() -> impl Strategy<Value = Value> {
        let entries = prop::sample::subsequence(
            vec![
                ("index.uuid", json!("x")),
                ("index.version.created", json!("6082399")),
                ("version.created", json!("8500003")),
                ("number_of_shards", json!("3")),
                ("index.blocks.write", json!("true")),
                ("index.lifecycle.name", json!("p")),
                ("index.soft_deletes.enabled", json!("false")),
                ("index.codec", json!("legacy_best_compression")),
                ("index.store.type", json!("default")),
                ("index.mode", json!("logsdb")),
                ("index.mapping.ignore_above", json!("20")),
                ("index.search.slowlog.level", json!("info")),
                ("index.knn.space_type", json!("cosinesimil")),
                ("index.routing.allocation.include._tier_preference", json!("data_hot")),
                ("index.opendistro.index_state_management.rollover_alias", json!("a")),
                ("index.translog.retention.age", json!("1h")),
                (
                    "index.analysis.filter.n",
                    json!({ "type": "nGram", "min_gram": 1, "max_gram": 9 }),
                ),
                (
                    "index.analysis.analyzer.a",
                    json!({ "type": "custom", "tokenizer": "edgeNGram", "filter": ["standard", "n"] }),
                ),
            ],
            0..18,
        );
        entries.prop_map(|entries| {
            Value::Object(
                entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            )
        })
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let kinds = vec![
            MetadataKind::LegacyTemplate,
            MetadataKind::ComponentTemplate,
            MetadataKind::IndexTemplate,
            MetadataKind::Index,
        ];
        (prop::sample::select(kinds), settings(), mappings()).prop_map(
            |(kind, settings, mappings)| {
                let parts = json!({ "settings": settings, "mappings": mappings, "aliases": {
                    "a": { "filter": { "range": { "n": { "from": 1, "include_lower": false } } } } } });
                let body = match kind {
                    MetadataKind::Index => parts,
                    MetadataKind::LegacyTemplate => {
                        let mut body = parts;
                        body["template"] = json!("logs-*");
                        body
                    }
                    MetadataKind::ComponentTemplate => json!({ "template": parts }),
                    MetadataKind::IndexTemplate => json!({
                        "index_patterns": ["logs-*"], "template": parts, "deprecated": true
                    }),
                };
                Item::read(kind, "it", body).expect("an item")
            },
        )
    }

    proptest! {
        #[test]
        fn applying_twice_is_applying_once(
            item in any_item(),
            source in prop::sample::select(VERSIONS.to_vec()),
            target in prop::sample::select(VERSIONS.to_vec()),
        ) {
            let pair = facts(source, target);
            let once = apply(item, &pair);
            let twice = apply(once.item.clone(), &pair);
            prop_assert_eq!(&twice.item, &once.item);
            // What is unsupported is reported again, and nothing else.
            let again: Vec<&Change> = twice.changes.iter().collect();
            let first: Vec<&Change> = once.unsupported().collect();
            prop_assert!(again.iter().all(|change| first.contains(change)), "{:?}", again);
        }

        #[test]
        fn a_body_that_is_read_and_written_stays_the_same_item(item in any_item()) {
            let again = Item::read(item.kind, &item.name, item.body()).expect("an item");
            prop_assert_eq!(again, item);
        }
    }

    #[test]
    fn the_same_version_changes_nothing_that_it_accepts() {
        let body = json!({
            "settings": { "index": { "number_of_shards": "2", "refresh_interval": "5s",
                "sort": { "field": ["s"], "order": ["asc"] },
                "analysis": { "analyzer": { "a": { "type": "custom", "tokenizer": "standard" } } } } },
            "mappings": { "dynamic": "strict", "_routing": { "required": true }, "properties": {
                "s": { "type": "keyword", "fields": { "t": { "type": "text" } } },
                "o": { "properties": { "i": { "type": "ip" } } } } },
            "aliases": { "all": { "filter": { "term": { "s": "x" } }, "is_write_index": true } }
        });
        for version in VERSIONS
            .iter()
            .filter(|version| !version.starts_with("ES 5") && !version.starts_with("ES 6"))
        {
            let item = Item::read(MetadataKind::Index, "it", body.clone()).expect("an item");
            let transformation = apply(item.clone(), &facts(version, version));
            assert_eq!(transformation.item.body(), item.body(), "{version}");
            assert_eq!(transformation.changes, [], "{version}");
        }
    }

    fn chosen(body: Value, choices: Value) -> Transformation {
        let item = Item::read(MetadataKind::Index, "it", body).expect("an item");
        let choices = serde_json::from_value(choices).expect("choices");
        apply_with(item, &facts("ES 7.17.29", "OS 2.19.4"), &choices)
    }

    #[test]
    fn a_rule_that_is_off_changes_nothing() {
        let body = json!({ "settings": { "index.lifecycle.name": "p", "index.uuid": "u" } });
        let kept = chosen(body, json!({ "disabledRules": ["lifecycle"] })).item.body();
        assert_eq!(kept, json!({ "settings": { "index.lifecycle.name": "p" } }));
    }

    #[test]
    fn what_the_user_replaced_is_no_longer_unsupported() {
        let body = json!({ "mappings": { "properties": {
            "a": { "type": "histogram" }, "b": { "type": "histogram" }
        } } });
        let patch = |fields: Value| {
            json!({ "overrides": [
                { "kind": "index", "names": ["*"], "mappings": { "properties": fields } }
            ] })
        };
        let paths = |transformation: &Transformation| {
            transformation.unsupported().map(|change| change.path.clone()).collect::<Vec<_>>()
        };
        let one = json!({ "a": { "type": "object", "enabled": false } });
        assert_eq!(paths(&chosen(body.clone(), patch(one))), ["mappings.properties.b"]);
        let both = json!({ "a": { "type": "object", "enabled": false }, "b": null });
        let transformation = chosen(body, patch(both));
        assert_eq!(paths(&transformation), Vec::<String>::new());
        let expected = json!({ "mappings": { "properties": {
            "a": { "type": "object", "enabled": false }
        } } });
        assert_eq!(transformation.item.body(), expected);
    }

    #[test]
    fn a_rule_that_could_not_do_its_work_does_it_after_an_override() {
        let body = json!({ "mappings": {
            "a": { "properties": { "n": { "type": "long" } } },
            "b": { "properties": { "n": { "type": "date" } } },
        } });
        let choices = json!({ "overrides": [
            { "kind": "index", "names": ["it"], "mappings": { "b": null } }
        ] });
        let transformation = chosen(body, choices);
        assert_eq!(transformation.unsupported().count(), 0, "{:?}", transformation.changes);
        let expected = json!({ "mappings": { "properties": { "n": { "type": "long" } } } });
        assert_eq!(transformation.item.body(), expected);
    }

    #[test]
    fn rule_ids_are_unique() {
        let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
    }
}
