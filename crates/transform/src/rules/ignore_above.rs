//! The longest keyword that is indexed, when the index decides it.
//!
//! `index.mapping.ignore_above` (Elasticsearch 8.16 and newer) is the default of `ignore_above` for
//! all keyword, wildcard and flattened fields of an index; with `index.mode: logsdb` it is 8191. A
//! target without the setting would reject documents with longer values, so it is written onto each
//! field that has no value of its own, also in dynamic templates. Source: the page "`ignore_above`"
//! of Elasticsearch 8.17. In 8.19 and 9.2 the setting is in the servers' registries of settings, and
//! it is in none of OpenSearch up to 3.4.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::{Item, MetadataKind},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "ignore-above",
    applies: |facts| facts.to_typeless() && !facts.to_elasticsearch_since(8, 16),
    run,
};

const NAME: &str = "index.mapping.ignore_above";

/// The default of logs indices.
const LOGSDB: u64 = 8191;

const TYPES: [&str; 3] = ["flattened", "keyword", "wildcard"];

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    let written = item.settings.remove(NAME);
    let limit = written.as_ref().and_then(|value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    let is_logsdb = item.settings.text("index.mode").as_deref() == Some("logsdb");
    let Some(limit) = limit.or_else(|| is_logsdb.then_some(LOGSDB)) else { return };
    let mut count = 0_u32;
    each_field(&mut item.mappings, &mut |_, field| {
        let is_limited = type_of(field).is_some_and(|kind| TYPES.contains(&kind));
        if is_limited && !field.contains_key("ignore_above") {
            field.insert("ignore_above".to_owned(), Value::from(limit));
            count += 1;
        }
    });
    if written.is_none() && count == 0 {
        return;
    }
    let what = format!("written onto {count} fields as `ignore_above: {limit}`");
    let path = format!("settings.{NAME}");
    let why = "the target has no default for all fields of an index";
    if item.kind == MetadataKind::Index {
        changes.adapted(&path, &what, why);
    } else {
        let why = format!("{why}; write it onto fields that other templates add");
        changes.lost(&path, &what, &why);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn every_field_without_its_own_limit_gets_that_of_the_index() {
        for value in [json!(100), json!("100")] {
            let body = json!({
                "settings": { "index": { "mapping": { "ignore_above": value } } },
                "mappings": {
                    "dynamic_templates": [
                        { "s": { "match": "s*", "mapping": { "type": "keyword" } } }],
                    "properties": {
                        "k": { "type": "keyword" },
                        "own": { "type": "keyword", "ignore_above": 5 },
                        "t": { "type": "text", "fields": { "raw": { "type": "wildcard" } } },
                        "f": { "type": "flattened" },
                        "c": { "type": "constant_keyword" } } }
            });
            let expected = json!({ "mappings": {
                "dynamic_templates": [
                    { "s": { "match": "s*", "mapping": { "type": "keyword", "ignore_above": 100 } } }],
                "properties": {
                    "k": { "type": "keyword", "ignore_above": 100 },
                    "own": { "type": "keyword", "ignore_above": 5 },
                    "t": { "type": "text", "fields": {
                        "raw": { "type": "wildcard", "ignore_above": 100 } } },
                    "f": { "type": "flattened", "ignore_above": 100 },
                    "c": { "type": "constant_keyword" } } } });
            assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Adapted]));
        }
    }

    #[test]
    fn logs_indices_have_a_limit_without_the_setting() {
        let body = json!({ "settings": { "index.mode": "logsdb" },
            "mappings": { "properties": { "k": { "type": "keyword" } } } });
        let (after, _) = trial::index(&RULE, body);
        assert_eq!(after["mappings"]["properties"]["k"]["ignore_above"], 8191);
    }

    #[test]
    fn a_target_that_has_the_setting_keeps_it() {
        let body = json!({ "settings": { NAME: "100" } });
        let pair = ("ES 8.19", "ES 9.2");
        assert_eq!(trial::run(&RULE, MetadataKind::Index, pair, body.clone()), (body, vec![]));
        let body = json!({ "template": { "settings": { NAME: "100" } } });
        let kind = MetadataKind::ComponentTemplate;
        let (_, changes) = trial::run(&RULE, kind, ("ES 8.19", "OS 3.4"), body);
        assert_eq!(changes[0].weight, Weight::Lost);
    }
}
