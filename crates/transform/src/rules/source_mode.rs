//! The `_source` modes of Elasticsearch 8 and 9.
//!
//! Writes Elasticsearch's `_source.mode` in OpenSearch's form: `stored` is the default, `disabled`
//! is `enabled: false`. With `synthetic` the index does not keep the original documents, so they
//! are not in a snapshot either: such an index is refused early, instead of being empty on the
//! target.

use serde_json::{Value, json};

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule};

pub(crate) const RULE: Rule =
    Rule { id: "source-mode", applies: |facts| facts.to_opensearch(), run };

const SETTING: &str = "index.mapping.source.mode";

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    let candidates = [
        ("mappings._source.mode".to_owned(), mode_of_mapping(item)),
        (format!("settings.{SETTING}"), item.settings.text(SETTING)),
    ];
    for (path, mode) in candidates {
        let Some(mode) = mode else { continue };
        if mode == "synthetic" {
            changes.unsupported(
                &path,
                "is `synthetic`",
                "the snapshot does not contain the documents of this index; reindex it with a \
                 stored `_source` first, or exclude it with a `-` pattern",
            );
            continue;
        }
        item.settings.remove(SETTING);
        if let Some(Value::Object(source)) = item.mappings.get_mut("_source") {
            source.shift_remove("mode");
            if source.is_empty() {
                item.mappings.shift_remove("_source");
            }
        }
        if mode == "disabled" {
            item.mappings.insert("_source".to_owned(), json!({ "enabled": false }));
            changes.adapted(
                &path,
                "changed to `_source.enabled: false`",
                "this is OpenSearch's form",
            );
        } else {
            changes.adapted(&path, "removed", "OpenSearch stores `_source` by default");
        }
    }
}

fn mode_of_mapping(item: &Item) -> Option<String> {
    Some(item.mappings.get("_source")?.get("mode")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn stored_is_removed_and_disabled_is_rewritten() {
        let body = json!({ "mappings": { "_source": { "mode": "stored", "excludes": ["a"] } } });
        let expected = json!({ "mappings": { "_source": { "excludes": ["a"] } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Adapted]));
        let body = json!({ "settings": { "index.mapping.source.mode": "disabled" } });
        let expected = json!({ "mappings": { "_source": { "enabled": false } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Adapted]));
    }

    #[test]
    fn a_synthetic_source_is_refused() {
        let body = json!({ "mappings": { "_source": { "mode": "synthetic" } } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![Weight::Unsupported]));
    }
}
