//! How an index reads its files, and indices that are mounted from another snapshot.
//!
//! Removes a store type that the target does not have: `default` of Elasticsearch 5, `simplefs` for
//! Elasticsearch 8, types of plugins. It only decides how files are read. An index with the type
//! `snapshot` or `remote_snapshot` is different: it is mounted from another snapshot and has no
//! files in this one.

use crate::rule::Rule;

const NAME: &str = "index.store.type";

pub(crate) const RULE: Rule = Rule {
    id: "store-type",
    applies: |_| true,
    run: |item, facts, changes| {
        let Some(kind) = item.settings.text(NAME) else { return };
        let path = format!("settings.{NAME}");
        if matches!(kind.as_str(), "snapshot" | "remote_snapshot") {
            changes.unsupported(
                &path,
                &format!("is `{kind}`"),
                "the index is mounted from another snapshot; migrate from that snapshot, or \
                 exclude the index with a `-` pattern",
            );
            return;
        }
        let known = match kind.as_str() {
            "fs" | "niofs" | "mmapfs" | "hybridfs" => true,
            "simplefs" => !facts.to_elasticsearch_since(8, 0),
            _ => false,
        };
        if !known {
            item.settings.remove(NAME);
            let what = format!("`{kind}` removed");
            changes.adapted(&path, &what, "the target chooses itself how to read its files");
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn an_unknown_type_is_left_to_the_target() {
        let body = json!({ "settings": { "index.store.type": "default" } });
        assert_eq!(trial::index(&RULE, body), (json!({}), vec![Weight::Adapted]));
        let body = json!({ "settings": { "index.store.type": "niofs" } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }

    #[test]
    fn a_mounted_snapshot_is_refused() {
        let body = json!({ "settings": { "index.store": { "type": "snapshot" } } });
        assert_eq!(trial::index(&RULE, body).1, [Weight::Unsupported]);
    }
}
