//! Which kinds of things do indices and templates use, and how does a server list them?

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// A kind of thing that indices and templates use by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequirementKind {
    /// Changes documents before they are indexed.
    IngestPipeline,
    /// Changes searches and their responses (OpenSearch).
    SearchPipeline,
    /// Decides when an index rolls over and expires (Elasticsearch).
    LifecyclePolicy,
    /// A part of composable templates.
    ComponentTemplate,
    /// Synonyms that are stored in the cluster (Elasticsearch).
    SynonymsSet,
    /// Provides analysis components or field types.
    Plugin,
    /// A word list or dictionary in the configuration folder of each node.
    File,
}

impl RequirementKind {
    /// The kinds that a server can list.
    pub const LISTABLE: [Self; 5] = [
        Self::IngestPipeline,
        Self::SearchPipeline,
        Self::LifecyclePolicy,
        Self::SynonymsSet,
        Self::Plugin,
    ];

    /// Returns the path that lists what a server has of this kind.
    pub fn endpoint(self) -> Option<&'static str> {
        match self {
            Self::IngestPipeline => Some("/_ingest/pipeline"),
            Self::SearchPipeline => Some("/_search/pipeline"),
            Self::LifecyclePolicy => Some("/_ilm/policy"),
            Self::SynonymsSet => Some("/_synonyms"),
            Self::Plugin => Some("/_nodes/plugins"),
            Self::ComponentTemplate | Self::File => None,
        }
    }

    /// Returns the names in a response of the endpoint, or `None` if it has another form.
    pub(crate) fn names(self, response: &Value) -> Option<BTreeSet<String>> {
        let name = |entry: &Value, key: &str| entry.get(key)?.as_str().map(str::to_owned);
        match self {
            Self::SynonymsSet => {
                let sets = response.get("results")?.as_array()?;
                Some(sets.iter().filter_map(|set| name(set, "synonyms_set")).collect())
            }
            Self::Plugin => {
                // A plugin works only if every node has it.
                let nodes = response.get("nodes")?.as_object()?.values().map(|node| {
                    let lists = ["plugins", "modules"].into_iter().filter_map(|key| node.get(key));
                    let entries = lists.filter_map(Value::as_array).flatten();
                    entries.filter_map(|entry| name(entry, "name")).collect::<BTreeSet<_>>()
                });
                nodes.reduce(|all, node| &all & &node)
            }
            _ => Some(response.as_object()?.keys().cloned().collect()),
        }
    }

    /// Returns what happens without it, and what the user should do.
    pub(super) fn consequence(self) -> &'static str {
        match self {
            Self::IngestPipeline => {
                "without it, writes of applications fail, although those of the migration bypass \
                 it; create the pipeline on the target, or set `_none` instead"
            }
            Self::SearchPipeline => {
                "without it, searches fail; create the pipeline on the target, or set `_none` \
                 instead"
            }
            Self::LifecyclePolicy => {
                "without it, the index neither rolls over nor expires; create the policy on the \
                 target"
            }
            Self::ComponentTemplate => {
                "without it, the target rejects the template; create the component there first"
            }
            Self::SynonymsSet => {
                "without it, the target rejects the index or cannot start its shards; create the \
                 set on the target first"
            }
            Self::Plugin => {
                "without it, the target rejects the index; install it on every node of the target"
            }
            Self::File => {
                "without it, the target rejects the index; copy it to the configuration folder of \
                 every node of the target"
            }
        }
    }
}

impl fmt::Display for RequirementKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::IngestPipeline => "ingest pipeline",
            Self::SearchPipeline => "search pipeline",
            Self::LifecyclePolicy => "lifecycle policy",
            Self::ComponentTemplate => "component template",
            Self::SynonymsSet => "synonyms set",
            Self::Plugin => "plugin",
            Self::File => "file",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plugin_counts_only_if_every_node_has_it() {
        let node = |names: &[&str]| {
            json!({ "plugins": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
                    "modules": [{ "name": "mapper-murmur3" }] })
        };
        let response = json!({ "nodes": {
            "a": node(&["analysis-icu", "analysis-nori"]), "b": node(&["analysis-nori"]) } });
        let known = RequirementKind::Plugin.names(&response).expect("names");
        assert_eq!(known, ["analysis-nori", "mapper-murmur3"].map(str::to_owned).into());
        assert_eq!(RequirementKind::Plugin.names(&json!({})), None);
    }
}
