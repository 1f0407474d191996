//! What do the clusters hold now? Only requests that read.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{
    Client, ClusterError, Request,
    indices::{self, IndexSummary},
    templates::{self, TemplateKind},
    version,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use step_api::{ServerVersion, metadata::MetadataKind, register::Group, selection};

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// The templates of a cluster, by kind and name.
pub(crate) type Templates = BTreeMap<MetadataKind, BTreeMap<String, Value>>;

/// What the source holds.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) version: ServerVersion,
    pub(crate) indices: Vec<IndexSummary>,
    /// Settings, mappings and aliases of the indices that some group means.
    pub(crate) bodies: BTreeMap<String, Value>,
    pub(crate) templates: Templates,
}

/// What the target holds.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) version: ServerVersion,
    /// The number of documents of each index that some group means.
    pub(crate) documents: BTreeMap<String, u64>,
    pub(crate) bodies: BTreeMap<String, Value>,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) templates: Templates,
}

/// Looks at the source.
pub(crate) async fn source(client: &Client, groups: &[Group]) -> Result<Source, ClusterError> {
    let version = version::detect(client).await?;
    let indices = indices::list(client).await?;
    let bodies = bodies(client, &indices, groups).await?;
    Ok(Source { version, indices, bodies, templates: all_templates(client, version).await? })
}

/// Looks at the target.
pub(crate) async fn target(client: &Client, groups: &[Group]) -> Result<Target, ClusterError> {
    let version = version::detect(client).await?;
    let indices = indices::list(client).await?;
    let bodies = bodies(client, &indices, groups).await?;
    let documents = stream::iter(bodies.keys().cloned())
        .map(|name| async move { indices::count(client, &name).await.map(|count| (name, count)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let described: BTreeMap<String, Value> = client.call(&Request::get("/_alias")).await?.json()?;
    let aliases = described
        .values()
        .filter_map(|index| index.get("aliases")?.as_object())
        .flat_map(|aliases| aliases.keys().cloned())
        .collect();
    let templates = all_templates(client, version).await?;
    Ok(Target { version, documents, bodies, aliases, templates })
}

async fn bodies(
    client: &Client,
    indices: &[IndexSummary],
    groups: &[Group],
) -> Result<BTreeMap<String, Value>, ClusterError> {
    let names: Vec<String> = indices.iter().map(|index| index.name.clone()).collect();
    let picked: BTreeSet<String> = selection::select(groups, &names)
        .groups
        .into_iter()
        .flat_map(|group| group.indices)
        .collect();
    let found: Vec<Option<(String, Value)>> = stream::iter(picked)
        .map(|name| async move {
            let body = indices::get(client, &name).await?;
            Ok::<_, ClusterError>(body.map(|body| (name, body)))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn all_templates(client: &Client, version: ServerVersion) -> Result<Templates, ClusterError> {
    let mut all = Templates::new();
    for (kind, template) in [
        (MetadataKind::LegacyTemplate, TemplateKind::Legacy),
        (MetadataKind::ComponentTemplate, TemplateKind::Component),
        (MetadataKind::IndexTemplate, TemplateKind::Index),
    ] {
        if template.is_known_to(version) {
            all.insert(kind, templates::list(client, template).await?);
        }
    }
    Ok(all)
}
