//! Filters of aliases that name mapping types, or queries that the target does not have.
//!
//! An alias with a filter is accepted as it is, and the filter is interpreted at search time: on a
//! target without mapping types a condition on `_type` matches nothing, without an error. With the
//! types of the index known, such a condition is always true, always false, or one that no target
//! can express; in the last case the index is refused.
//!
//! Removed from queries until Elasticsearch 9: the queries `type`, `common`, `indices`, `template`,
//! `geohash_cell`, `missing`, `filtered`, `and`, `or`, `not`, `limit`; the metadata fields `_all`,
//! `_uid`, `_parent`, `_timestamp`, `_ttl`; the parameter `type` of `ids` and of lookups of terms and
//! shapes; `from`, `to` and `include_*` of `range`; `disable_coord` and others. Source: the pages
//! "Breaking changes" of Elasticsearch 5.0 to 9.0 and of OpenSearch 2.0.

mod query;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::query::{Rewrite, Rewriter};
use crate::{
    change::Changes,
    facts::Facts,
    item::Item,
    rule::Rule,
    rules::{date_formats::Dialect, mapping_types},
};

pub(crate) const RULE: Rule = Rule { id: "alias-filters", applies: Facts::to_typeless, run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let rewriter = Rewriter {
        types: types(item, facts),
        has_common: facts.to_opensearch() || !facts.target.version.at_least(8, 0),
        has_all: !item.is_made_before(facts, 6, 0),
        dates: Dialect::of(item, facts),
    };
    for (name, alias) in &mut item.aliases {
        let Some(alias) = alias.as_object_mut() else { continue };
        let Some(filter) = alias.get("filter").filter(|filter| !filter.is_null()) else { continue };
        let path = format!("aliases.{name}.filter");
        match rewriter.rewrite(filter) {
            Ok(rewrite) => apply(rewrite, alias, &path, changes),
            Err(why) => {
                let what = format!("cannot be translated: {filter}");
                let why = format!(
                    "{why}; remove alias `{name}` on the source and create it on the target \
                     yourself, or exclude what has it with a `-` pattern"
                );
                changes.unsupported(&path, &what, &why);
            }
        }
    }
}

fn apply(rewrite: Rewrite, alias: &mut Map<String, Value>, path: &str, changes: &mut Changes) {
    let why = "the target has no mapping types, or has another form of this query; the alias finds \
               the same documents";
    match rewrite {
        Rewrite::Same => {}
        Rewrite::All => {
            alias.shift_remove("filter");
            changes.adapted(path, "removed; it was true for every document", why);
        }
        Rewrite::None => {
            let none = serde_json::json!({ "match_none": {} });
            let what = format!("changed to `{none}`; it was true for no document");
            alias.insert("filter".to_owned(), none);
            changes.adapted(path, &what, why);
        }
        Rewrite::Changed(filter) => {
            let what = format!("changed to `{filter}`");
            alias.insert("filter".to_owned(), filter);
            changes.adapted(path, &what, why);
        }
    }
}

/// Returns the mapping types of an item, or `None` if they are not known.
fn types(item: &Item, facts: &Facts) -> Option<BTreeSet<String>> {
    if let Some(types) = mapping_types::names(&item.mappings) {
        return Some(types);
    }
    // Without the level of types, the mapping is one of `_doc`.
    let is_typeless = !item.is_made_before(facts, 7, 0) || !item.mappings.is_empty();
    is_typeless.then(|| BTreeSet::from(["_doc".to_owned()]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    fn alias(types: &[&str], filter: &Value) -> (Value, Vec<Weight>) {
        let mappings: Map<String, Value> =
            types.iter().map(|name| ((*name).to_owned(), json!({ "properties": {} }))).collect();
        let body = json!({ "mappings": mappings, "aliases": { "a": {
            "filter": filter, "search_routing": "1" } } });
        let pair = ("ES 5.6", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::Index, pair, body);
        (body["aliases"]["a"].clone(), changes.iter().map(|change| change.weight).collect())
    }

    #[test]
    fn with_one_type_a_condition_on_it_is_true_or_false() {
        for filter in [
            json!({ "term": { "_type": "log" } }),
            json!({ "term": { "_type": { "value": "log", "boost": 2 } } }),
            json!({ "terms": { "_type": ["log", "other"] } }),
            json!({ "type": { "value": "log" } }),
            json!({ "prefix": { "_type": "lo" } }),
            json!({ "exists": { "field": "_type" } }),
            json!({ "bool": { "must": { "match": { "_type": "log" } } } }),
            json!({ "bool": { "must_not": [{ "term": { "_type": "other" } }] } }),
            json!({ "constant_score": { "filter": { "term": { "_type": "log" } } } }),
        ] {
            assert_eq!(
                alias(&["log"], &filter),
                (json!({ "search_routing": "1" }), vec![Weight::Adapted]),
                "{filter}"
            );
        }
        for filter in [
            json!({ "term": { "_type": "other" } }),
            json!({ "bool": { "filter": [{ "type": { "value": "x" } }, { "term": { "a": 1 } }] } }),
            json!({ "bool": { "must_not": { "term": { "_type": "log" } } } }),
        ] {
            let (after, weights) = alias(&["log"], &filter);
            assert_eq!(after["filter"], json!({ "match_none": {} }), "{filter}");
            assert_eq!(weights, [Weight::Adapted]);
        }
    }

    #[test]
    fn the_rest_of_a_filter_stays() {
        let paid = json!({ "term": { "paid": true } });
        let table = [
            (
                json!({ "bool": { "filter": [{ "term": { "_type": "log" } }, paid] } }),
                json!({ "bool": { "filter": [paid] } }),
            ),
            (
                json!({ "bool": { "must": [paid], "should": [
                    { "term": { "_type": "log" } }, { "term": { "x": 1 } }],
                    "minimum_should_match": 2 } }),
                json!({ "bool": { "must": [paid], "should": [
                    { "match_all": {} }, { "term": { "x": 1 } }], "minimum_should_match": 2 } }),
            ),
            (
                json!({ "range": { "n": { "from": 1, "to": 5, "include_upper": false } } }),
                json!({ "range": { "n": { "gte": 1, "lt": 5 } } }),
            ),
            (
                json!({ "range": { "t": { "gte": "2019", "format": "YYYY" } } }),
                json!({ "range": { "t": { "gte": "2019", "format": "yyyy" } } }),
            ),
            (
                json!({ "ids": { "type": "log", "values": ["1"] } }),
                json!({ "ids": { "values": ["1"] } }),
            ),
            (
                json!({ "terms": { "user": { "index": "u", "type": "t", "id": "1", "path": "p" } } }),
                json!({ "terms": { "user": { "index": "u", "id": "1", "path": "p" } } }),
            ),
            (
                json!({ "missing": { "field": "x" } }),
                json!({ "bool": { "must_not": [{ "exists": { "field": "x" } }] } }),
            ),
            (
                json!({ "and": [paid, { "not": { "term": { "x": 1 } } }] }),
                json!({ "bool": { "filter": [
                    paid, { "bool": { "must_not": [{ "term": { "x": 1 } }] } }] } }),
            ),
            (json!({ "term": { "_uid": "log#7" } }), json!({ "ids": { "values": ["7"] } })),
        ];
        for (filter, expected) in table {
            let (after, weights) = alias(&["log"], &filter);
            assert_eq!(after["filter"], expected, "{filter}");
            assert_eq!(weights, [Weight::Adapted], "{filter}");
        }
    }

    #[test]
    fn of_several_types_all_none_or_some_are_meant() {
        let filter = |types: &[&str]| json!({ "terms": { "_type": types } });
        let types = ["log", "order"];
        assert_eq!(alias(&types, &filter(&["order", "log"])).0, json!({ "search_routing": "1" }));
        assert_eq!(alias(&types, &filter(&["x"])).0["filter"], json!({ "match_none": {} }));
        let some = filter(&["order"]);
        let (after, weights) = alias(&types, &some);
        assert_eq!((&after["filter"], weights), (&some, vec![Weight::Unsupported]));
    }

    #[test]
    fn what_no_query_replaces_is_refused_with_the_alias() {
        for filter in [
            json!({ "term": { "_parent": "1" } }),
            json!({ "match": { "_all": "x" } }),
            json!({ "template": { "inline": "x" } }),
            json!({ "bool": { "should": [{ "range": { "_timestamp": { "gte": 1 } } }] } }),
        ] {
            assert_eq!(alias(&["log"], &filter).1, [Weight::Unsupported], "{filter}");
        }
        let body = json!({ "aliases": { "mine": { "filter": { "term": { "_type": "x" } } } } });
        let kind = MetadataKind::LegacyTemplate;
        let (_, changes) = trial::run(&RULE, kind, ("ES 6.8", "ES 8.19"), body);
        assert!(changes[0].to_string().contains("alias `mine`"), "{}", changes[0]);
    }

    #[test]
    fn filters_that_the_target_has_stay() {
        for filter in [
            json!({ "term": { "type": "log" } }),
            json!({ "bool": { "must_not": { "exists": { "field": "deleted" } } } }),
            json!({ "range": { "t": { "gte": "now-1d/d", "format": "date" } } }),
            json!({ "match_all": {} }),
        ] {
            let (after, weights) = alias(&["log"], &filter);
            assert_eq!((&after["filter"], weights), (&filter, vec![]));
        }
    }
}
