//! Indices that follow an index of another cluster.
//!
//! Removes `index.xpack.ccr.*` (Elasticsearch) and `index.plugins.replication.*` (OpenSearch). They
//! mark an index as a follower, which accepts no writes but those of its leader; only the
//! replication itself can set them. Source: the pages "Cross-cluster replication" of both products.

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "followers",
    applies: |_| true,
    run: |item, _, changes| {
        for name in item.settings.remove_all(&[
            "index.xpack.ccr.",
            "index.plugins.replication.",
            "index.opendistro.replication.",
        ]) {
            let why = "the index followed one of another cluster; it is an ordinary index on the \
                       target and does not receive changes any more";
            changes.lost(&format!("settings.{name}"), "removed", why);
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn a_follower_becomes_an_ordinary_index() {
        for (pair, setting) in [
            (("ES 7.17", "ES 8.19"), "index.xpack.ccr.following_index"),
            (("ES 8.19", "ES 9.2"), "index.xpack.ccr.following_index"),
            (("OS 2.19", "OS 3.4"), "index.plugins.replication.follower.leader_index"),
            (("OS 2.19", "OS 2.19"), "index.plugins.replication.follower.leader_index"),
        ] {
            let body = json!({ "settings": { setting: "x", "index.codec": "default" } });
            let (after, changes) = trial::run(&RULE, MetadataKind::Index, pair, body);
            assert_eq!(after, json!({ "settings": { "index.codec": "default" } }));
            assert_eq!(changes[0].weight, Weight::Lost);
        }
    }
}
