//! Blocks against writing, reading or changing an index.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "blocks",
    about: "Makes the index without its blocks. An index that is read-only from its first moment \
            takes no documents, and a server even refuses to look at it (tried on OpenSearch \
            2.19: with `index.blocks.read_only` a create succeeds and nothing after it).",
    applies: |_| true,
    run: |item, _, changes| {
        for name in item.settings.remove_all(&["index.blocks."]) {
            changes.lost(
                &format!("settings.{name}"),
                "removed",
                "the documents could not be written under it; set it again after the migration",
            );
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn an_index_is_made_open_for_writes_and_that_is_said() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index": { "blocks": { "write": "true", "read_only_allow_delete": "true" } } } }),
        );
        assert_eq!(body, json!({}));
        assert_eq!(weights, [Weight::Lost, Weight::Lost]);
    }
}
