//! Index state management of Open Distro and OpenSearch.
//!
//! Renames `index.opendistro.index_state_management.*` to `index.plugins.*`, the name in OpenSearch
//! since 1.0, and removes `policy_id`, which is not a setting any more: a policy is attached by its
//! own API, and policies are not migrated. Elasticsearch has neither.

use crate::rule::Rule;

const OLD: &str = "index.opendistro.index_state_management.";
const NEW: &str = "index.plugins.index_state_management.";

pub(crate) const RULE: Rule = Rule {
    id: "state-management",
    applies: |facts| {
        facts.source.version.distribution != facts.target.version.distribution
            || facts.source.version.major < facts.target.version.major
    },
    run: |item, facts, changes| {
        if !facts.to_opensearch() {
            for name in item.settings.remove_all(&[OLD, NEW]) {
                let why = "Elasticsearch has no index state management";
                changes.lost(&format!("settings.{name}"), "removed", why);
            }
            return;
        }
        for name in item.settings.remove_all(&[
            "index.opendistro.index_state_management.policy_id",
            "index.plugins.index_state_management.policy_id",
        ]) {
            let why = "policies are not migrated; attach one on the target";
            changes.lost(&format!("settings.{name}"), "removed", why);
        }
        let old: Vec<(String, _)> = item
            .settings
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(OLD)?.to_owned(), value.clone())))
            .collect();
        for (rest, value) in old {
            item.settings.remove(&format!("{OLD}{rest}"));
            item.settings.set(format!("{NEW}{rest}"), value);
            let what = format!("renamed to `{NEW}{rest}`");
            changes.adapted(
                &format!("settings.{OLD}{rest}"),
                &what,
                "this is its name in OpenSearch",
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
    fn the_rollover_alias_is_renamed_and_the_policy_reported() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "settings": { "index.opendistro.index_state_management": {
                "policy_id": "p", "rollover_alias": "logs" } } }),
        );
        let expected = json!({ "settings": { "index.plugins.index_state_management.rollover_alias": "logs" } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Lost, Weight::Adapted]);
    }
}
