//! What do the rules know about both clusters?
//!
//! Only the versions are always known. The rest costs requests, and may be forbidden; a rule that
//! needs an unknown fact leaves the item as it is.

use std::collections::{BTreeMap, BTreeSet};

use contract::ServerVersion;
use serde_json::Value;

use crate::{builtin::is_managed, requirements::RequirementKind};

/// Something that may not have been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was not read, or could not be.
    #[default]
    Unknown,
}

impl<T> Fact<T> {
    /// Returns the value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

impl<T> From<Option<T>> for Fact<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }
}

/// What is known about one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its version.
    pub version: ServerVersion,
    /// The number of its nodes.
    pub nodes: Fact<usize>,
    /// The number of its nodes that hold shards.
    pub data_nodes: Fact<usize>,
    /// The values of each attribute of its nodes, such as the zones.
    pub attributes: Fact<BTreeMap<String, BTreeSet<String>>>,
    /// The modules and plugins that every node has.
    pub modules: Fact<BTreeSet<String>>,
    /// The names of templates that a product installed (`_meta.managed`).
    pub managed_templates: Fact<BTreeSet<String>>,
}

impl From<ServerVersion> for ClusterFacts {
    fn from(version: ServerVersion) -> Self {
        Self {
            version,
            nodes: Fact::Unknown,
            data_nodes: Fact::Unknown,
            attributes: Fact::Unknown,
            modules: Fact::Unknown,
            managed_templates: Fact::Unknown,
        }
    }
}

impl ClusterFacts {
    /// The path whose response [`Self::record_nodes`] reads.
    pub const NODES_ENDPOINT: &'static str = "/_nodes/plugins";

    /// Records the response of [`Self::NODES_ENDPOINT`]; what it does not contain stays unknown.
    pub fn record_nodes(&mut self, response: &Value) {
        let Some(nodes) = response.get("nodes").and_then(Value::as_object) else { return };
        self.nodes = Fact::Known(nodes.len());
        let roles: Option<Vec<&Vec<Value>>> =
            nodes.values().map(|node| node.get("roles")?.as_array()).collect();
        let holds_data = |roles: &&Vec<Value>| {
            // Such as `data`, `data_content` and `data_hot`.
            roles.iter().filter_map(Value::as_str).any(|role| role.starts_with("data"))
        };
        self.data_nodes = roles.map(|roles| roles.into_iter().filter(holds_data).count()).into();
        let mut attributes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let all = nodes.values().filter_map(|node| node.get("attributes")?.as_object()).flatten();
        for (name, value) in all {
            if let Some(value) = value.as_str() {
                attributes.entry(name.clone()).or_default().insert(value.to_owned());
            }
        }
        self.attributes = Fact::Known(attributes);
        self.modules = RequirementKind::Plugin.names(response).into();
    }

    /// Records all templates of the cluster by name.
    pub fn record_templates<'a>(
        &mut self,
        templates: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) {
        let managed = templates.into_iter().filter(|(_, body)| is_managed(body));
        self.managed_templates = Fact::Known(managed.map(|(name, _)| name.clone()).collect());
    }
}

/// What is known about both clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The cluster that wrote the metadata.
    pub source: ClusterFacts,
    /// The cluster that will read it.
    pub target: ClusterFacts,
}

impl Facts {
    /// Returns what is known if only the versions are.
    pub fn of_versions(source: ServerVersion, target: ServerVersion) -> Self {
        Self { source: source.into(), target: target.into() }
    }

    /// Returns whether the target is OpenSearch.
    pub(crate) fn to_opensearch(&self) -> bool {
        self.target.version.is_opensearch()
    }

    /// Returns whether the target is OpenSearch of at least this version.
    pub(crate) fn to_opensearch_since(&self, major: u32, minor: u32) -> bool {
        self.to_opensearch() && self.target.version.at_least(major, minor)
    }

    /// Returns whether the target is Elasticsearch of at least this version.
    pub(crate) fn to_elasticsearch_since(&self, major: u32, minor: u32) -> bool {
        !self.to_opensearch() && self.target.version.at_least(major, minor)
    }

    /// Returns whether the target has no mapping types: Elasticsearch 7 and newer, OpenSearch.
    pub(crate) fn to_typeless(&self) -> bool {
        self.to_opensearch() || self.target.version.at_least(7, 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(response: &Value) -> ClusterFacts {
        let mut facts =
            ClusterFacts::from("OS 2.19.4".parse::<ServerVersion>().expect("a version"));
        facts.record_nodes(response);
        facts
    }

    #[test]
    fn nodes_are_counted_by_role_and_their_zones_collected() {
        let facts = of(&json!({ "nodes": {
            "a": { "roles": ["cluster_manager"], "attributes": {}, "modules": [{ "name": "reindex" }] },
            "b": { "roles": ["data", "ingest"], "attributes": { "zone": "x" },
                   "modules": [{ "name": "reindex" }, { "name": "percolator" }] },
            "c": { "roles": ["data_hot"], "attributes": { "zone": "y" },
                   "modules": [{ "name": "reindex" }, { "name": "percolator" }] } } }));
        assert_eq!((facts.nodes, facts.data_nodes), (Fact::Known(3), Fact::Known(2)));
        let zones = facts.attributes.known().and_then(|all| all.get("zone")).expect("zones");
        assert_eq!(*zones, ["x", "y"].map(str::to_owned).into());
        assert_eq!(facts.modules, Fact::Known(["reindex".to_owned()].into()));
    }

    #[test]
    fn what_a_response_does_not_contain_stays_unknown() {
        assert_eq!(of(&json!({ "error": "x" })).nodes, Fact::Unknown);
        let facts = of(&json!({ "nodes": { "a": { "version": "2.19.4" } } }));
        assert_eq!((facts.nodes, facts.data_nodes), (Fact::Known(1), Fact::Unknown));
    }
}
