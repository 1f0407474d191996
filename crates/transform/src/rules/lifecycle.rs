//! Elasticsearch's index lifecycle management.
//!
//! Removes `index.lifecycle.*`. The policies are specific to Elasticsearch; OpenSearch has index
//! state management with another policy language, and rejects the settings (tried on OpenSearch
//! 2.19 and 3.4).

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "lifecycle",
    applies: |facts| facts.to_opensearch(),
    run: |item, _, changes| {
        let policy = item.settings.text("index.lifecycle.name");
        let removed = item.settings.remove_all(&["index.lifecycle."]);
        if removed.is_empty() {
            return;
        }
        let what = match policy {
            Some(policy) => format!("removed; the policy was `{policy}`"),
            None => "removed".to_owned(),
        };
        changes.lost(
            "settings.index.lifecycle",
            &what,
            "OpenSearch has no such policies; write one for index state management if the index \
             must roll over or expire",
        );
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{item::MetadataKind, rule::trial};

    #[test]
    fn the_policy_is_named_in_the_report() {
        let body = json!({ "template": { "settings": { "index": { "lifecycle": {
            "name": "hot-warm", "rollover_alias": "logs" } } } } });
        let pair = ("ES 7.10", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::ComponentTemplate, pair, body);
        assert_eq!(body, json!({ "template": {} }));
        assert!(changes[0].to_string().contains("`hot-warm`"), "{}", changes[0]);
    }
}
