//! Sparse vectors: weighted tokens.
//!
//! Changes `sparse_vector` (Elasticsearch 8.11 and newer: an object of tokens and weights) to
//! `rank_features`, which reads the same values. OpenSearch has no type of the old name (tried on
//! 2.19 and 3.4).

use serde_json::{Value, json};

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "sparse-vector", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) == Some("sparse_vector") {
            field.insert("type".to_owned(), json!("rank_features"));
            field.retain(|name, _: &mut Value| name == "type");
            changes.lost(
                path,
                "changed from `sparse_vector` to `rank_features`",
                "this type reads the same values; queries in OpenSearch are `neural_sparse` or \
                 `rank_feature`",
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn it_becomes_rank_features() {
        let body = json!({ "mappings": { "properties": {
            "v": { "type": "sparse_vector", "store": true } } } });
        let expected =
            json!({ "mappings": { "properties": { "v": { "type": "rank_features" } } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Lost]));
    }
}
