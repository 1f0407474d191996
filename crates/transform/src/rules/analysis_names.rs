//! Analysis components that were removed, or whose names are spelled differently now.
//!
//! Removes the token filter `standard`, which never did anything and was removed in Elasticsearch
//! 7, and replaces old spellings: `nGram`, `edgeNGram`, `delimited_payload_filter`, `htmlStrip`,
//! `PathHierarchy`. Indices created by 5.x and 6.x have them; newer servers reject them for new
//! indices (tried on OpenSearch 2.19 and 3.4).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule, settings::Settings};

pub(crate) const RULE: Rule = Rule { id: "analysis-names", applies: Facts::to_typeless, run };

const ANALYSIS: &str = "index.analysis.";

/// Component kind, old spelling and current spelling, as in `analysis.<kind>.<name>.type` or in the
/// use of a predefined component.
const SPELLINGS: [(&str, &str, &str); 7] = [
    ("filter", "nGram", "ngram"),
    ("filter", "edgeNGram", "edge_ngram"),
    ("filter", "delimited_payload_filter", "delimited_payload"),
    ("tokenizer", "nGram", "ngram"),
    ("tokenizer", "edgeNGram", "edge_ngram"),
    ("tokenizer", "PathHierarchy", "path_hierarchy"),
    ("char_filter", "htmlStrip", "html_strip"),
];

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    let components = Components::of(&item.settings);
    for filter in &components.standard_filters {
        let prefix = format!("index.analysis.filter.{filter}.");
        item.settings.remove_all(&[prefix.as_str()]);
        changes.adapted(
            &format!("settings.index.analysis.filter.{filter}"),
            "removed",
            "the filter `standard` never changed any token",
        );
    }
    let rewritten: Vec<(String, Value)> = item
        .settings
        .iter()
        .filter_map(|(name, value)| Some((name.to_owned(), components.rewrite(name, value)?)))
        .filter(|(name, new)| item.settings.get(name) != Some(new))
        .collect();
    for (name, new) in rewritten {
        let old = item.settings.get(&name).cloned().unwrap_or_default();
        let what = format!("changed from `{old}` to `{new}`");
        let why = "the target rejects the old name in new indices";
        changes.adapted(&format!("settings.{name}"), &what, why);
        item.settings.set(name, new);
    }
}

/// The analysis components that an index defines itself.
struct Components {
    /// As in `filter.english_stop`.
    defined: BTreeSet<String>,
    /// Token filters of type `standard`.
    standard_filters: BTreeSet<String>,
}

impl Components {
    fn of(settings: &Settings) -> Self {
        let mut defined = BTreeSet::new();
        let mut standard_filters = BTreeSet::new();
        for (name, value) in settings.iter() {
            let Some(setting) = name.strip_prefix(ANALYSIS) else { continue };
            let Some((component, _)) = setting.rsplit_once('.') else { continue };
            defined.insert(component.to_owned());
            if let Some(filter) = component.strip_prefix("filter.")
                && name.rsplit_once('.').is_some_and(|(_, last)| last == "type")
                && value == "standard"
            {
                standard_filters.insert(filter.to_owned());
            }
        }
        Self { defined, standard_filters }
    }

    /// Returns the current value of a setting that names a component or its type.
    fn rewrite(&self, name: &str, value: &Value) -> Option<Value> {
        let (path, last) = name.strip_prefix(ANALYSIS)?.rsplit_once('.')?;
        match (last, value) {
            // The type of a component that is defined here; its own name does not matter.
            ("type", Value::String(word)) => {
                let (kind, _) = path.split_once('.')?;
                current_spelling(kind, word).map(Value::from)
            }
            ("filter" | "tokenizer" | "char_filter", Value::String(word)) => {
                Some(self.rewrite_use(last, word).map_or_else(|| Value::Array(vec![]), Value::from))
            }
            ("filter" | "tokenizer" | "char_filter", Value::Array(words)) => {
                let words = words.iter().filter_map(Value::as_str);
                Some(words.filter_map(|word| self.rewrite_use(last, word)).collect())
            }
            _ => None,
        }
    }

    /// Returns the current name of a component that an analyzer uses, or `None` if it has no effect.
    fn rewrite_use<'a>(&self, kind: &str, word: &'a str) -> Option<&'a str> {
        if kind == "filter" && self.standard_filters.contains(word) {
            return None;
        }
        if self.defined.contains(&format!("{kind}.{word}")) {
            return Some(word);
        }
        if kind == "filter" && word == "standard" {
            return None;
        }
        Some(current_spelling(kind, word).unwrap_or(word))
    }
}

/// Returns the current spelling of an old one.
fn current_spelling(kind: &str, word: &str) -> Option<&'static str> {
    SPELLINGS.iter().find(|(of, old, _)| *of == kind && *old == word).map(|(_, _, new)| *new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn old_spellings_are_replaced_and_the_standard_filter_removed() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index": { "analysis": {
                "filter": {
                    "grams": { "type": "nGram", "min_gram": "1", "max_gram": "2" },
                    "nothing": { "type": "standard" }
                },
                "analyzer": {
                    "a": { "type": "custom", "tokenizer": "edgeNGram",
                           "filter": ["standard", "nothing", "lowercase", "grams"] },
                    "b": { "tokenizer": "standard", "filter": "standard", "char_filter": ["htmlStrip"] }
                }
            } } } }),
        );
        let expected = json!({ "settings": {
            "index.analysis.analyzer.a.filter": ["lowercase", "grams"],
            "index.analysis.analyzer.a.tokenizer": "edge_ngram",
            "index.analysis.analyzer.a.type": "custom",
            "index.analysis.analyzer.b.char_filter": ["html_strip"],
            "index.analysis.analyzer.b.filter": [],
            "index.analysis.analyzer.b.tokenizer": "standard",
            "index.analysis.filter.grams.max_gram": "2",
            "index.analysis.filter.grams.min_gram": "1",
            "index.analysis.filter.grams.type": "ngram"
        } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted; 6]);
    }

    #[test]
    fn a_user_defined_filter_with_an_old_name_keeps_it() {
        let body = json!({ "settings": {
            "index.analysis.filter.standard.type": "lowercase",
            "index.analysis.filter.nGram.type": "stop",
            "index.analysis.analyzer.a.filter": ["standard", "nGram"] } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
