//! The single pattern of a legacy template of Elasticsearch 5.
//!
//! Writes `template`, the single pattern of a legacy template of Elasticsearch 5, as
//! `index_patterns`, which was added in 6. Newer servers accept a body with only `template`, but
//! interpret it differently.

use serde_json::Value;

use crate::{item::MetadataKind, rule::Rule};

pub(crate) const RULE: Rule = Rule {
    id: "legacy-pattern",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        if item.kind != MetadataKind::LegacyTemplate || item.rest.contains_key("index_patterns") {
            return;
        }
        if let Some(pattern) = item.rest.shift_remove("template") {
            let patterns = if pattern.is_array() { pattern } else { Value::Array(vec![pattern]) };
            item.rest.insert("index_patterns".to_owned(), patterns);
            changes.adapted(
                "template",
                "renamed to `index_patterns`",
                "this is its name since Elasticsearch 6",
            );
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::trial;

    #[test]
    fn the_pattern_becomes_a_list() {
        let body = json!({ "template": "logs-*", "order": 1 });
        let pair = ("ES 5.6", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::LegacyTemplate, pair, body);
        assert_eq!(body, json!({ "order": 1, "index_patterns": ["logs-*"] }));
        assert_eq!(changes.len(), 1);
    }
}
