//! What is a rule?

use std::fmt;

use contract::ServerVersion;

use crate::{
    change::{Change, Changes},
    item::Item,
};

/// The versions of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The version that wrote the metadata.
    pub source: ServerVersion,
    /// The version that will read it.
    pub target: ServerVersion,
}

impl Versions {
    /// Returns whether the target is OpenSearch.
    pub(crate) fn to_opensearch(self) -> bool {
        self.target.is_opensearch()
    }

    /// Returns whether the target is OpenSearch of at least this version.
    pub(crate) fn to_opensearch_since(self, major: u32, minor: u32) -> bool {
        self.to_opensearch() && self.target.at_least(major, minor)
    }

    /// Returns whether the target is Elasticsearch of at least this version.
    pub(crate) fn to_elasticsearch_since(self, major: u32, minor: u32) -> bool {
        !self.to_opensearch() && self.target.at_least(major, minor)
    }

    /// Returns whether the target has no mapping types: Elasticsearch 7 and newer, OpenSearch.
    pub(crate) fn to_typeless(self) -> bool {
        self.to_opensearch() || self.target.at_least(7, 0)
    }
}

/// How one difference between versions is bridged. The module doc of a rule says what it does, why,
/// and how that is known.
pub(crate) struct Rule {
    /// The stable id, which reports show with each change.
    pub(crate) id: &'static str,
    /// Returns whether the rule is needed between these versions.
    pub(crate) applies: fn(Versions) -> bool,
    /// Changes the item and records each change.
    pub(crate) run: fn(&mut Item, Versions, &mut Changes),
}

impl Rule {
    /// Runs the rule on `item` if it applies, and returns its changes.
    pub(crate) fn run_on(&self, item: &mut Item, versions: Versions) -> Vec<Change> {
        let mut changes = Changes::of(self.id);
        if (self.applies)(versions) {
            (self.run)(item, versions, &mut changes);
        }
        changes.into_list()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rule").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Runs a single rule, for the tests of each rule.
#[cfg(test)]
pub(crate) mod trial {
    use serde_json::Value;

    use super::{Rule, Versions};
    use crate::{
        change::{Change, Weight},
        item::{Item, MetadataKind},
    };

    /// Reads two versions.
    pub(crate) fn versions(source: &str, target: &str) -> Versions {
        Versions {
            source: source.parse().expect("a version"),
            target: target.parse().expect("a version"),
        }
    }

    /// Runs one rule on a body; returns the body after it and the changes.
    pub(crate) fn run(
        rule: &Rule,
        kind: MetadataKind,
        pair: (&str, &str),
        body: Value,
    ) -> (Value, Vec<Change>) {
        let mut item = Item::read(kind, "it", body).expect("an item");
        let changes = rule.run_on(&mut item, versions(pair.0, pair.1));
        (item.body(), changes)
    }

    /// Runs one rule on an index from Elasticsearch 7.17 to OpenSearch 2.19; returns the body
    /// after it and the weights of the changes.
    pub(crate) fn index(rule: &Rule, body: Value) -> (Value, Vec<Weight>) {
        let (body, changes) = run(rule, MetadataKind::Index, ("ES 7.17", "OS 2.19"), body);
        (body, changes.iter().map(|change| change.weight).collect())
    }
}
