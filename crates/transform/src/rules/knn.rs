//! Vector fields of OpenSearch: settings of the index, and the engine `nmslib`.
//!
//! OpenSearch 1 and 2 take the parameters of vector fields from the settings of the index where a
//! field has no `method`: `index.knn.space_type`, `index.knn.algo_param.m` and `ef_construction`.
//! OpenSearch 3 does not have these settings, and a field without a `method` would get the space
//! `l2`, so scores would change: they are written into the `method` of each such field.
//!
//! OpenSearch 3 rejects the engine `nmslib` in new indices. `faiss` has the same algorithm
//! and the spaces `l2`, `innerproduct` and `cosinesimil`; a field with `l1` or `linf` is refused.
//! Without an engine, a `method` meant `nmslib` in indices created before OpenSearch 2.18.
//!
//! Sources: the page "Breaking changes" of OpenSearch 3.0, k-NN pull request 2573 (`nmslib`), the
//! pages "Methods and engines" of OpenSearch 2.19 and "k-NN settings" of 1.3.

use serde_json::{Map, Value, json};

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "knn", applies: |facts| facts.to_opensearch_since(3, 0), run };

const SPACE: &str = "index.knn.space_type";

/// Settings of the index and the parameters of a method.
const PARAMETERS: [(&str, &str); 2] =
    [("index.knn.algo_param.m", "m"), ("index.knn.algo_param.ef_construction", "ef_construction")];

/// The spaces of `faiss` that `nmslib` has too.
const FAISS_SPACES: [&str; 3] = ["cosinesimil", "innerproduct", "l2"];

/// Parts of a field that replace a method.
const WITHOUT_METHOD: [&str; 4] = ["method", "model_id", "mode", "compression_level"];

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let maker = item.maker(facts);
    let nmslib_by_default = maker.is_opensearch() && !maker.at_least(2, 18);
    let settings = IndexSettings::take(item, changes);
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) != Some("knn_vector") {
            return;
        }
        let has_own = WITHOUT_METHOD.iter().any(|part| field.contains_key(*part));
        if let Some(settings) = settings.as_ref().filter(|_| !has_own) {
            settings.write(path, field, changes);
        }
        replace_engine(path, field, nmslib_by_default, changes);
    });
}

/// What the index sets for its vector fields.
struct IndexSettings {
    space: Option<String>,
    parameters: Map<String, Value>,
}

impl IndexSettings {
    /// Takes the settings out of the item; `None` if there are none.
    fn take(item: &mut Item, changes: &mut Changes) -> Option<Self> {
        let space = item.settings.text(SPACE);
        let mut parameters = Map::new();
        for (setting, parameter) in PARAMETERS {
            let number = item.settings.text(setting).and_then(|text| text.parse::<u64>().ok());
            if let Some(number) = number {
                parameters.insert(parameter.to_owned(), json!(number));
            }
        }
        let names: Vec<&str> =
            [SPACE].into_iter().chain(PARAMETERS.into_iter().map(|(name, _)| name)).collect();
        let removed = item.settings.remove_all(&names);
        for name in &removed {
            let why = "OpenSearch 3 has it only in the `method` of a field";
            changes.adapted(
                &format!("settings.{name}"),
                "moved to the fields without a method",
                why,
            );
        }
        (!removed.is_empty()).then_some(Self { space, parameters })
    }

    fn write(&self, path: &str, field: &mut Field, changes: &mut Changes) {
        let own = field.get("space_type").and_then(Value::as_str);
        let space = own.or(self.space.as_deref()).unwrap_or("l2").to_owned();
        field.shift_remove("space_type");
        let mut method = json!({ "name": "hnsw", "engine": "nmslib", "space_type": space });
        if !self.parameters.is_empty() {
            method["parameters"] = Value::Object(self.parameters.clone());
        }
        let what = format!("set to `{method}`");
        field.insert("method".to_owned(), method);
        let why = "these are the settings of the index";
        changes.adapted(&format!("{path}.method"), &what, why);
    }
}

/// Replaces `nmslib` by `faiss`, or refuses a space that it does not have.
fn replace_engine(path: &str, field: &mut Field, nmslib_by_default: bool, changes: &mut Changes) {
    let outer = field.get("space_type").and_then(Value::as_str).map(str::to_owned);
    let Some(Value::Object(method)) = field.get_mut("method") else { return };
    let engine = method.get("engine").and_then(Value::as_str);
    let is_nmslib = engine.map_or(nmslib_by_default, |engine| engine == "nmslib");
    if !is_nmslib {
        return;
    }
    let space = method.get("space_type").and_then(Value::as_str).map(str::to_owned);
    let space = space.or(outer).unwrap_or_else(|| "l2".to_owned());
    if !FAISS_SPACES.contains(&space.as_str()) {
        let what = format!("has the space `{space}`");
        let why = "only the engine `nmslib` has it, which OpenSearch 3 does not accept; create the \
                   index on the target yourself, with `l2` or `exact` search by a script, or exclude \
                   it with a `-` pattern";
        changes.unsupported(&format!("{path}.method"), &what, why);
        return;
    }
    method.insert("engine".to_owned(), json!("faiss"));
    let why = "OpenSearch 3 does not accept `nmslib`; `faiss` has the same graph and space";
    changes.adapted(&format!("{path}.method.engine"), "changed from `nmslib` to `faiss`", why);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::{Change, Weight},
        item::MetadataKind,
        rule::trial,
    };

    fn index(pair: (&str, &str), settings: &Value, field: &Value) -> (Value, Vec<Change>) {
        let body = json!({ "settings": settings, "mappings": { "properties": { "v": field } } });
        trial::run(&RULE, MetadataKind::Index, pair, body)
    }

    const PAIR: (&str, &str) = ("OS 2.11", "OS 3.4");

    #[test]
    fn settings_of_the_index_become_those_of_each_field() {
        let settings = json!({ "index.knn": "true", SPACE: "cosinesimil",
            "index.knn.algo_param.m": "24", "index.knn.algo_param.ef_search": "80" });
        let plain = json!({ "type": "knn_vector", "dimension": 4 });
        let (after, _) = index(PAIR, &settings, &plain);
        let expected = json!({
            "settings": { "index.knn": "true", "index.knn.algo_param.ef_search": "80" },
            "mappings": { "properties": { "v": { "type": "knn_vector", "dimension": 4, "method": {
                "name": "hnsw", "engine": "faiss", "space_type": "cosinesimil",
                "parameters": { "m": 24 } } } } } });
        assert_eq!(after, expected);
        for own in [
            json!({ "type": "knn_vector", "model_id": "m" }),
            json!({ "type": "knn_vector", "dimension": 4, "mode": "on_disk" }),
            json!({ "type": "knn_vector", "dimension": 4, "method": {
                "name": "hnsw", "engine": "lucene", "space_type": "l2" } }),
        ] {
            assert_eq!(index(PAIR, &settings, &own).0["mappings"]["properties"]["v"], own);
        }
    }

    #[test]
    fn without_settings_a_plain_field_stays() {
        let plain = json!({ "type": "knn_vector", "dimension": 4 });
        let (after, changes) = index(PAIR, &json!({ "index.knn": "true" }), &plain);
        assert_eq!((&after["mappings"]["properties"]["v"], changes), (&plain, vec![]));
    }

    #[test]
    fn nmslib_becomes_faiss_where_faiss_has_the_space() {
        let method = |engine: Option<&str>, space: Option<&str>| {
            let mut method = json!({ "name": "hnsw", "parameters": { "m": 8 } });
            if let Some(engine) = engine {
                method["engine"] = json!(engine);
            }
            if let Some(space) = space {
                method["space_type"] = json!(space);
            }
            json!({ "type": "knn_vector", "dimension": 4, "method": method })
        };
        for (engine, space) in
            [(Some("nmslib"), Some("innerproduct")), (Some("nmslib"), None), (None, Some("l2"))]
        {
            let (after, changes) = index(PAIR, &json!({}), &method(engine, space));
            assert_eq!(after["mappings"]["properties"]["v"]["method"]["engine"], "faiss");
            assert_eq!(changes[0].weight, Weight::Adapted);
        }
        for (engine, space) in [(Some("nmslib"), "l1"), (None, "linf")] {
            let field = method(engine, Some(space));
            let (after, changes) = index(PAIR, &json!({}), &field);
            assert_eq!(after["mappings"]["properties"]["v"], field);
            assert_eq!(changes[0].weight, Weight::Unsupported);
        }
        let newer = method(None, Some("l2"));
        assert_eq!(index(("OS 2.19", "OS 3.4"), &json!({}), &newer).1, []);
        let older = method(Some("nmslib"), Some("l1"));
        assert_eq!(index(("OS 1.3", "OS 2.19"), &json!({}), &older).1, []);
    }
}
