//! Dense vectors.
//!
//! Changes `dense_vector` to OpenSearch's `knn_vector` (in its k-NN plugin). A vector with an HNSW
//! graph gets one of the Lucene engine with the same similarity and parameters, and the index gets
//! `index.knn`; a vector that was only used in scripts gets no graph. Quantization is not kept,
//! because it only saves memory.
//!
//! Without `index`, a vector has a graph only in an index that was created by Elasticsearch 8.11 or
//! newer: until then the default was `false` (documented with the parameter `index` of
//! `dense_vector`), and an index that was made earlier keeps it through upgrades.

use serde_json::{Map, Value, json};

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "dense-vector", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let mut graphs = false;
    // A graph is the default since 8.11, for indices created since then.
    let by_default = !item.is_made_before(facts, 8, 11);
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) != Some("dense_vector") {
            return;
        }
        match convert(field, by_default, facts) {
            Ok(converted) => {
                graphs |= converted.contains_key("method");
                *field = converted;
                changes.lost(
                    path,
                    "changed from `dense_vector` to `knn_vector`",
                    "this is OpenSearch's type for vectors; its queries are `knn` queries of the \
                     k-NN plugin, and quantization is not kept",
                );
            }
            Err(what) => {
                let why = "`knn_vector` has no equivalent; create the index on the target yourself, \
                           or exclude it with a `-` pattern";
                changes.unsupported(path, &what, why);
            }
        }
    });
    if graphs && item.settings.text("index.knn").as_deref() != Some("true") {
        item.settings.set("index.knn", "true");
        changes.adapted(
            "settings.index.knn",
            "set to `true`",
            "`knn_vector` fields with an HNSW graph need it",
        );
    }
}

fn convert(field: &Field, by_default: bool, facts: &Facts) -> Result<Field, String> {
    let text = |name: &str| field.get(name).and_then(Value::as_str);
    let dimension = field.get("dims").and_then(Value::as_u64).ok_or(
        "is `dense_vector` without `dims`: no document has set the number of dimensions yet",
    )?;
    let mut converted = Map::new();
    converted.insert("type".to_owned(), json!("knn_vector"));
    converted.insert("dimension".to_owned(), json!(dimension));
    match text("element_type") {
        None | Some("float") => {}
        Some("byte") if facts.to_opensearch_since(2, 9) => {
            converted.insert("data_type".to_owned(), json!("byte"));
        }
        Some(other) => return Err(format!("is `dense_vector` of `{other}`")),
    }
    let graph = field
        .get("index")
        .and_then(Value::as_bool)
        .unwrap_or_else(|| field.contains_key("similarity") || by_default);
    if !graph {
        return Ok(converted);
    }
    if !facts.to_opensearch_since(2, 2) {
        return Err(
            "is `dense_vector` with an HNSW graph, which needs the Lucene engine of OpenSearch \
                    2.2"
            .to_owned(),
        );
    }
    let space = match text("similarity") {
        None | Some("cosine") => "cosinesimil",
        Some("l2_norm") => "l2",
        Some("dot_product" | "max_inner_product") if facts.to_opensearch_since(2, 13) => {
            "innerproduct"
        }
        Some(other) => return Err(format!("is `dense_vector` with `similarity: {other}`")),
    };
    let mut method = json!({ "name": "hnsw", "engine": "lucene", "space_type": space });
    let mut parameters = Map::new();
    for name in ["m", "ef_construction"] {
        if let Some(size) = field.get("index_options").and_then(|options| options.get(name)) {
            parameters.insert(name.to_owned(), size.clone());
        }
    }
    if !parameters.is_empty() {
        method["parameters"] = Value::Object(parameters);
    }
    converted.insert("method".to_owned(), method);
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn a_graph_keeps_its_similarity_and_parameters() {
        let body = json!({ "mappings": { "properties": { "v": {
            "type": "dense_vector", "dims": 3, "index": true, "similarity": "l2_norm",
            "index_options": { "type": "int8_hnsw", "m": 16, "ef_construction": 100 } } } } });
        let (after, changes) = trial::run(&RULE, MetadataKind::Index, ("ES 8.19", "OS 2.19"), body);
        let expected = json!({
            "settings": { "index.knn": "true" },
            "mappings": { "properties": { "v": {
                "type": "knn_vector", "dimension": 3,
                "method": { "name": "hnsw", "engine": "lucene", "space_type": "l2",
                            "parameters": { "m": 16, "ef_construction": 100 } } } } } });
        assert_eq!(after, expected);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn a_vector_of_seven_has_no_graph() {
        let body = json!({ "mappings": { "properties": {
            "v": { "type": "dense_vector", "dims": 3 } } } });
        let expected = json!({ "mappings": { "properties": {
            "v": { "type": "knn_vector", "dimension": 3 } } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Lost]));
    }

    #[test]
    fn an_upgraded_index_has_the_default_of_the_version_that_created_it() {
        let body = |created: &str| {
            json!({ "settings": { "index.version.created": created },
                    "mappings": { "properties": { "v": { "type": "dense_vector", "dims": 3 } } } })
        };
        let method = |created: &str| {
            let pair = ("ES 8.19", "OS 2.19");
            let (after, _) = trial::run(&RULE, MetadataKind::Index, pair, body(created));
            after["mappings"]["properties"]["v"]["method"].clone()
        };
        for created in ["7172999", "8080099", "8100499"] {
            assert_eq!(method(created), Value::Null, "{created}");
        }
        for created in ["8500003", "8536000", "9009000"] {
            assert_eq!(method(created)["space_type"], "cosinesimil", "{created}");
        }
    }

    #[test]
    fn what_a_knn_vector_cannot_represent_is_refused() {
        for field in [
            json!({ "type": "dense_vector" }),
            json!({ "type": "dense_vector", "dims": 8, "element_type": "bit" }),
        ] {
            let body = json!({ "mappings": { "properties": { "v": field } } });
            assert_eq!(trial::index(&RULE, body.clone()), (body, vec![Weight::Unsupported]));
        }
    }
}
