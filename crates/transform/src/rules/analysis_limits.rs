//! Limits on n-grams and shingles.
//!
//! Sets `index.max_ngram_diff` or `index.max_shingle_diff` where a filter or tokenizer of the index
//! needs more than the default and the index does not set the limit. Elasticsearch 5 and 6 did not
//! enforce the limits; 7 and OpenSearch do (tried on OpenSearch 3.4).

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule { id: "analysis-limits", applies: Facts::to_typeless, run };

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    // Types of components, their minimum and maximum size with defaults, and the limit.
    let kinds = [
        (["ngram", "nGram"], ("min_gram", 1), ("max_gram", 2), ("index.max_ngram_diff", 1), 0),
        (
            ["shingle", "shingle"],
            ("min_shingle_size", 2),
            ("max_shingle_size", 2),
            ("index.max_shingle_diff", 3),
            1,
        ),
    ];
    for (types, minimum, maximum, (limit, default), plus) in kinds {
        if item.settings.get(limit).is_some() {
            continue;
        }
        let number = |name: String, default: i64| {
            item.settings.text(&name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let needed = item
            .settings
            .iter()
            .filter_map(|(name, value)| {
                let part = name.strip_suffix(".type")?;
                let known = part.starts_with("index.analysis.filter.")
                    || part.starts_with("index.analysis.tokenizer.");
                (known && types.contains(&value.as_str()?)).then_some(part)
            })
            .map(|part| {
                let maximum = number(format!("{part}.{}", maximum.0), maximum.1);
                let minimum = number(format!("{part}.{}", minimum.0), minimum.1);
                maximum.saturating_sub(minimum).saturating_add(plus)
            })
            .max()
            .unwrap_or(0);
        if needed > default {
            item.settings.set(limit, needed.to_string());
            changes.adapted(
                &format!("settings.{limit}"),
                &format!("set to `{needed}`"),
                "the analysis of the index needs it, and the source did not enforce a limit",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn a_wide_ngram_gets_its_limit() {
        let body = json!({ "settings": { "index.analysis.filter.n": {
            "type": "ngram", "min_gram": "2", "max_gram": 10 } } });
        let (body, weights) = trial::index(&RULE, body);
        assert_eq!(body["settings"]["index.max_ngram_diff"], json!("8"));
        assert_eq!(weights, [Weight::Adapted]);
    }

    #[test]
    fn a_limit_that_is_set_stays() {
        let body = json!({ "settings": {
            "index.max_ngram_diff": "3",
            "index.analysis.filter.n.type": "ngram",
            "index.analysis.filter.n.max_gram": "4" } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
