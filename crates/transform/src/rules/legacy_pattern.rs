//! The one pattern of a legacy template of Elasticsearch 5.

use serde_json::Value;

use crate::{item::MetadataKind, rule::Rule};

pub(crate) const RULE: Rule = Rule {
    id: "legacy-pattern",
    about: "Writes `template`, the one pattern of a legacy template of Elasticsearch 5, as \
            `index_patterns`, which 6 brought. Newer servers accept a body with `template` alone \
            and read something else in it.",
    applies: |versions| versions.to_typeless(),
    run: |item, _, changes| {
        if item.kind != MetadataKind::LegacyTemplate || item.rest.contains_key("index_patterns") {
            return;
        }
        if let Some(pattern) = item.rest.shift_remove("template") {
            let patterns = if pattern.is_array() { pattern } else { Value::Array(vec![pattern]) };
            item.rest.insert("index_patterns".to_owned(), patterns);
            changes.adapted("template", "renamed to `index_patterns`", "its name since 6");
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::trial;

    #[test]
    fn the_pattern_is_a_list_of_one() {
        let body = json!({ "template": "logs-*", "order": 1 });
        let pair = ("ES 5.6", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::LegacyTemplate, pair, body);
        assert_eq!(body, json!({ "order": 1, "index_patterns": ["logs-*"] }));
        assert_eq!(changes.len(), 1);
    }
}
