//! What do the clusters hold now? Only requests that read.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{
    Client, ClusterError, Request,
    indices::{self, IndexSummary},
    templates::{self, TemplateKind},
    version,
};
use contract::{Group, ServerVersion, metadata::MetadataKind, selection};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use transform::{ClusterFacts, Inventory, RequirementKind};

/// Requests that run concurrently.
const AT_ONCE: usize = 8;
/// Things that are named of those that could not be seen for one reason.
const LISTED: usize = 5;

/// The templates of a cluster, by kind and name.
pub(super) type Templates = BTreeMap<MetadataKind, BTreeMap<String, Value>>;

/// What the source holds.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) version: ServerVersion,
    pub(super) indices: Vec<IndexSummary>,
    /// Settings, mappings and aliases of the indices that some group means.
    pub(super) bodies: BTreeMap<String, Value>,
    pub(super) templates: Templates,
    pub(super) unseen: Unseen,
}

/// What the target holds.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) version: ServerVersion,
    /// The number of documents of each index that some group means.
    pub(super) documents: BTreeMap<String, u64>,
    pub(super) bodies: BTreeMap<String, Value>,
    pub(super) aliases: BTreeSet<String>,
    pub(super) templates: Templates,
    /// What indices and templates may name.
    pub(super) stock: Inventory,
    /// What the rules may ask.
    pub(super) facts: ClusterFacts,
    pub(super) unseen: Unseen,
}

/// What could not be read, by the reason: one request that fails must not hide all the rest.
#[derive(Debug, Default)]
pub(super) struct Unseen(BTreeMap<String, Vec<String>>);

impl Unseen {
    fn note(&mut self, what: String, error: &ClusterError) {
        // The request is another one each time, and would keep apart what has one reason.
        let reason = match error {
            ClusterError::Forbidden { reason, .. } => format!("not permitted: {reason}"),
            ClusterError::Refused { status, reason, .. } => format!("status {status}: {reason}"),
            other => other.to_string(),
        };
        self.0.entry(reason).or_default().push(what);
    }

    /// Returns what was asked for, or nothing of it.
    fn or_nothing<T: Default>(&mut self, what: &str, asked: Result<T, ClusterError>) -> T {
        asked.unwrap_or_else(|error| {
            self.note(what.to_owned(), &error);
            T::default()
        })
    }

    /// Says it, a line a reason.
    pub(super) fn lines(&self, cluster: &str) -> impl Iterator<Item = String> {
        self.0.iter().map(move |(reason, what)| {
            let more = what.len().saturating_sub(LISTED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what: Vec<&str> = what.iter().take(LISTED).map(String::as_str).collect();
            format!(
                "cluster `{cluster}` could not be read in full: {}{more}: {reason}",
                what.join(", ")
            )
        })
    }
}

/// Looks at the source.
pub(super) async fn source(client: &Client, groups: &[Group]) -> Result<Source, ClusterError> {
    let version = version::detect(client).await?;
    let indices = indices::list(client).await?;
    let mut unseen = Unseen::default();
    let bodies = bodies(client, &indices, groups, &mut unseen).await;
    let templates = all_templates(client, version, &mut unseen).await;
    Ok(Source { version, indices, bodies, templates, unseen })
}

/// Looks at the target.
pub(super) async fn target(client: &Client, groups: &[Group]) -> Result<Target, ClusterError> {
    let version = version::detect(client).await?;
    let indices = indices::list(client).await?;
    let mut unseen = Unseen::default();
    let bodies = bodies(client, &indices, groups, &mut unseen).await;
    let count = |name: String| async move {
        let counted = indices::count(client, &name).await;
        (name, counted)
    };
    let names = picked(&indices, groups);
    let counted: Vec<_> = stream::iter(names).map(count).buffered(AT_ONCE).collect().await;
    let mut documents = BTreeMap::new();
    for (name, counted) in counted {
        match counted {
            Ok(count) => {
                documents.insert(name, count);
            }
            Err(error) => unseen.note(format!("the number of documents of `{name}`"), &error),
        }
    }
    let aliases = unseen.or_nothing("its aliases", aliases(client).await);
    let templates = all_templates(client, version, &mut unseen).await;
    let mut stock = stock(client).await;
    let components = templates.get(&MetadataKind::ComponentTemplate).into_iter().flatten();
    stock.add(RequirementKind::ComponentTemplate, components.map(|(name, _)| name.clone()));
    let mut facts = ClusterFacts::from(version);
    if let Ok(answer) = client.call(&Request::get(ClusterFacts::NODES_ENDPOINT)).await {
        facts.record_nodes(&answer.json().unwrap_or_default());
    }
    facts.record_templates(templates.values().flatten());
    Ok(Target { version, documents, bodies, aliases, templates, stock, facts, unseen })
}

/// Asks for everything that indices name. What does not come is said where it is named.
async fn stock(client: &Client) -> Inventory {
    let mut stock = Inventory::default();
    for kind in RequirementKind::LISTABLE {
        let Some(endpoint) = kind.endpoint() else { continue };
        match client.call(&Request::get(endpoint)).await {
            Ok(answer) => stock.record(kind, &answer.json().unwrap_or_default()),
            Err(error) => stock.record_error(kind, error.status(), error.to_string()),
        }
    }
    stock
}

async fn aliases(client: &Client) -> Result<BTreeSet<String>, ClusterError> {
    let described: BTreeMap<String, Value> = client.call(&Request::get("/_alias")).await?.json()?;
    Ok(described
        .values()
        .filter_map(|index| index.get("aliases")?.as_object())
        .flat_map(|aliases| aliases.keys().cloned())
        .collect())
}

/// Returns the indices that some group means.
fn picked(indices: &[IndexSummary], groups: &[Group]) -> BTreeSet<String> {
    let names: Vec<String> = indices.iter().map(|index| index.name.clone()).collect();
    let selected = selection::select(groups, &names).groups;
    selected.into_iter().flat_map(|group| group.indices).collect()
}

async fn bodies(
    client: &Client,
    indices: &[IndexSummary],
    groups: &[Group],
    unseen: &mut Unseen,
) -> BTreeMap<String, Value> {
    let get = |name: String| async move {
        let body = indices::get(client, &name).await;
        (name, body)
    };
    let found: Vec<_> =
        stream::iter(picked(indices, groups)).map(get).buffered(AT_ONCE).collect().await;
    let mut bodies = BTreeMap::new();
    for (name, body) in found {
        match body {
            Ok(body) => bodies.extend(body.map(|body| (name, body))),
            Err(error) => unseen.note(format!("settings and mappings of `{name}`"), &error),
        }
    }
    bodies
}

async fn all_templates(client: &Client, version: ServerVersion, unseen: &mut Unseen) -> Templates {
    let mut all = Templates::new();
    for (kind, template, what) in [
        (MetadataKind::LegacyTemplate, TemplateKind::Legacy, "its legacy templates"),
        (MetadataKind::ComponentTemplate, TemplateKind::Component, "its component templates"),
        (MetadataKind::IndexTemplate, TemplateKind::Index, "its index templates"),
    ] {
        if template.is_known_to(version) {
            all.insert(kind, unseen.or_nothing(what, templates::list(client, template).await));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_said_once_a_reason() {
        let mut unseen = Unseen::default();
        let refused = |request: &str| ClusterError::Forbidden {
            cluster: "old".to_owned(),
            url: "http://old".to_owned(),
            request: request.to_owned(),
            reason: "no rights".to_owned(),
        };
        for number in 0..12 {
            unseen.note(format!("`{number}`"), &refused(&format!("GET /{number}")));
        }
        let aliases: Vec<String> = unseen.or_nothing("its aliases", Err(refused("GET /_alias")));
        assert!(aliases.is_empty());
        let lines: Vec<String> = unseen.lines("old").collect();
        let line = "cluster `old` could not be read in full: `0`, `1`, `2`, `3`, `4` and 8 more: \
                    not permitted: no rights";
        assert_eq!(lines, [line]);
    }
}
