//! Names of analysis parts that were removed or are written differently now.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    change::Changes,
    item::Item,
    rule::{Rule, Versions},
    settings::Settings,
};

pub(crate) const RULE: Rule = Rule {
    id: "analysis-names",
    about: "Removes the token filter `standard`, which never did anything and is gone since \
            Elasticsearch 7, and writes old spellings in the present way: `nGram`, `edgeNGram`, \
            `delimited_payload_filter`, `htmlStrip`, `PathHierarchy`. \
            Indices made by 5.x and 6.x carry them; newer servers refuse them for new indices \
            (tried on OpenSearch 2.19 and 3.4).",
    applies: Versions::to_typeless,
    run,
};

const ANALYSIS: &str = "index.analysis.";

/// Old and present spelling of what stands under `analysis.<part>.<name>.type` or is named
/// without being defined.
const SPELLINGS: [(&str, &str, &str); 7] = [
    ("filter", "nGram", "ngram"),
    ("filter", "edgeNGram", "edge_ngram"),
    ("filter", "delimited_payload_filter", "delimited_payload"),
    ("tokenizer", "nGram", "ngram"),
    ("tokenizer", "edgeNGram", "edge_ngram"),
    ("tokenizer", "PathHierarchy", "path_hierarchy"),
    ("char_filter", "htmlStrip", "html_strip"),
];

fn run(item: &mut Item, _: Versions, changes: &mut Changes) {
    let parts = Parts::of(&item.settings);
    for filter in &parts.empty_filters {
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
        .filter_map(|(name, value)| Some((name.to_owned(), parts.rewrite(name, value)?)))
        .filter(|(name, new)| item.settings.get(name) != Some(new))
        .collect();
    for (name, new) in rewritten {
        let old = item.settings.get(&name).cloned().unwrap_or_default();
        let what = format!("changed from `{old}` to `{new}`");
        let why = "the old name is refused for new indices";
        changes.adapted(&format!("settings.{name}"), &what, why);
        item.settings.set(name, new);
    }
}

/// The parts of analysis that an index defines itself.
struct Parts {
    /// As in `filter.english_stop`.
    defined: BTreeSet<String>,
    /// Token filters of type `standard`.
    empty_filters: BTreeSet<String>,
}

impl Parts {
    fn of(settings: &Settings) -> Self {
        let mut defined = BTreeSet::new();
        let mut empty_filters = BTreeSet::new();
        for (name, value) in settings.iter() {
            let Some(part) = name.strip_prefix(ANALYSIS) else { continue };
            let Some((part, _)) = part.rsplit_once('.') else { continue };
            defined.insert(part.to_owned());
            if let Some(filter) = part.strip_prefix("filter.")
                && name.rsplit_once('.').is_some_and(|(_, last)| last == "type")
                && value == "standard"
            {
                empty_filters.insert(filter.to_owned());
            }
        }
        Self { defined, empty_filters }
    }

    /// Returns the present value of a setting that names kinds of parts, or parts.
    fn rewrite(&self, name: &str, value: &Value) -> Option<Value> {
        let (path, last) = name.strip_prefix(ANALYSIS)?.rsplit_once('.')?;
        match (last, value) {
            // The kind of a part that is defined here: the names of others do not matter.
            ("type", Value::String(word)) => {
                let (part, _) = path.split_once('.')?;
                present(part, word).map(Value::from)
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

    /// Returns the present name of a part that an analyzer uses; nothing for one that does
    /// nothing.
    fn rewrite_use<'a>(&self, part: &str, word: &'a str) -> Option<&'a str> {
        if part == "filter" && self.empty_filters.contains(word) {
            return None;
        }
        if self.defined.contains(&format!("{part}.{word}")) {
            return Some(word);
        }
        if part == "filter" && word == "standard" {
            return None;
        }
        Some(present(part, word).unwrap_or(word))
    }
}

/// Returns the present spelling of an old one.
fn present(part: &str, word: &str) -> Option<&'static str> {
    SPELLINGS.iter().find(|(at, old, _)| *at == part && *old == word).map(|(_, _, new)| *new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn old_spellings_and_the_standard_filter_go() {
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
    fn a_filter_of_ones_own_with_an_old_name_keeps_it() {
        let body = json!({ "settings": {
            "index.analysis.filter.standard.type": "lowercase",
            "index.analysis.filter.nGram.type": "stop",
            "index.analysis.analyzer.a.filter": ["standard", "nGram"] } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
