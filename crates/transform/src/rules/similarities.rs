//! Similarities that were removed with Lucene 8.
//!
//! Replaces the similarity `classic`, which Elasticsearch since 7 and OpenSearch reject for new
//! indices (tried on Elasticsearch 8.7, OpenSearch 2.19 and 3.4), by BM25, the default, in fields
//! and in `index.similarity.*`. In a `DFR` similarity the models `d`, `p` and `be` and the after
//! effect `no` are rejected too; they are replaced by those that Elasticsearch 7 itself uses for
//! indices of 6.x.

use serde_json::Value;

use crate::{change::Changes, fields::each_field, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule {
    id: "similarities",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        settings(item, changes);
        each_field(&mut item.mappings, &mut |path, field| {
            if field.get("similarity").and_then(Value::as_str) == Some("classic") {
                field.shift_remove("similarity");
                changes.lost(&format!("{path}.similarity"), "`classic` removed", SCORES);
            }
        });
    },
};

const SCORES: &str = "the target does not have it and scores with BM25: searches find the same \
                      documents in another order; a `scripted` similarity can restore the order";

/// A parameter of a `DFR` similarity, a removed value and its replacement.
const DFR_REPLACEMENTS: [(&str, &str, &str); 4] = [
    ("basic_model", "d", "ine"),
    ("basic_model", "p", "ine"),
    ("basic_model", "be", "g"),
    ("after_effect", "no", "l"),
];

fn settings(item: &mut Item, changes: &mut Changes) {
    let types: Vec<(String, Value)> = item
        .settings
        .iter()
        .filter(|(name, _)| name.starts_with("index.similarity."))
        .filter_map(|(name, kind)| Some((name.strip_suffix(".type")?.to_owned(), kind.clone())))
        .collect();
    for (similarity, kind) in types {
        match kind.as_str() {
            Some("classic") => {
                let name = format!("{similarity}.type");
                item.settings.set(name.as_str(), "BM25");
                let what = "changed from `classic` to `BM25`";
                changes.lost(&format!("settings.{name}"), what, SCORES);
            }
            Some("DFR") => {
                for (parameter, old, new) in DFR_REPLACEMENTS {
                    let parameter = format!("{similarity}.{parameter}");
                    if item.settings.text(&parameter).as_deref() == Some(old) {
                        item.settings.set(parameter.as_str(), new);
                        let what = format!("changed from `{old}` to `{new}`");
                        let why = "the target does not have the old value; scores differ slightly";
                        changes.lost(&format!("settings.{parameter}"), &what, why);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn classic_is_replaced_by_the_default_and_user_defined_names_stay() {
        let (body, weights) = trial::index(
            &RULE,
            json!({
                "settings": { "similarity": { "mine": {
                    "type": "classic", "discount_overlaps": "false" } } },
                "mappings": { "properties": {
                    "a": { "type": "text", "similarity": "classic" },
                    "b": { "type": "text", "similarity": "mine" },
                    "c": { "type": "text", "similarity": "boolean" },
                    "similarity": { "type": "keyword" } } }
            }),
        );
        let expected = json!({
            "settings": { "index.similarity.mine.discount_overlaps": "false",
                          "index.similarity.mine.type": "BM25" },
            "mappings": { "properties": {
                "a": { "type": "text" },
                "b": { "type": "text", "similarity": "mine" },
                "c": { "type": "text", "similarity": "boolean" },
                "similarity": { "type": "keyword" } } }
        });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost; 2]);
    }

    #[test]
    fn removed_models_are_replaced_in_dfr_only() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index.similarity": {
                "d": { "type": "DFR", "basic_model": "be", "after_effect": "no" },
                "kept": { "type": "DFR", "basic_model": "g", "after_effect": "b" },
                "other": { "type": "IB", "after_effect": "no" } } } }),
        );
        let settings = &body["settings"];
        assert_eq!(settings["index.similarity.d.basic_model"], "g");
        assert_eq!(settings["index.similarity.d.after_effect"], "l");
        assert_eq!(settings["index.similarity.kept.after_effect"], "b");
        assert_eq!(settings["index.similarity.other.after_effect"], "no");
        assert_eq!(weights, [Weight::Lost; 2]);
    }
}
