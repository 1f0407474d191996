//! Blocks on writes, reads or metadata changes of an index.
//!
//! Creates the index without its blocks. An index that is read-only from the start accepts no
//! documents, and with `index.blocks.read_only` every request after the creation fails (tried on
//! OpenSearch 2.19).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "blocks",
    applies: |_| true,
    run: |item, _, changes| {
        for name in item.settings.remove_all(&["index.blocks."]) {
            changes.lost(
                &format!("settings.{name}"),
                "removed",
                "with this block no document could be written; set it again after the migration",
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
    fn an_index_is_created_without_blocks_and_they_are_reported() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index": { "blocks": { "write": "true", "read_only_allow_delete": "true" } } } }),
        );
        assert_eq!(body, json!({}));
        assert_eq!(weights, [Weight::Lost, Weight::Lost]);
    }
}
