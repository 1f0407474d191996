//! What is on the target before anything is written?

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Client, ClusterError, Request, indices};
use serde_json::Value;

use crate::{CoordinationError, count, existing_indices::KnownTarget};

/// Reads names and aliases of all indices, and counts the documents of those in `wanted`.
pub(crate) async fn read(
    client: &Client,
    wanted: &BTreeSet<&str>,
) -> Result<KnownTarget, CoordinationError> {
    let mut known = KnownTarget::default();
    let listed = aliases(client)
        .await
        .map_err(CoordinationError::cluster("listing the target's indices and aliases"))?;
    for (index, described) in listed {
        let aliases = described.get("aliases").and_then(Value::as_object);
        for alias in aliases.into_iter().flat_map(|aliases| aliases.keys()) {
            known.aliases.entry(alias.clone()).or_default().push(index.clone());
        }
        known.indices.insert(index);
    }
    for name in wanted {
        // Hidden and closed indices may be missing from the list, so each one is asked for.
        if known.aliases.contains_key(*name) {
            continue;
        }
        let exists = indices::exists(client, name).await;
        if !exists.map_err(CoordinationError::cluster(format!("finding index `{name}`")))? {
            continue;
        }
        known.indices.insert((*name).to_owned());
        let documents = count::refresh_and_count(client, name).await.map_err(|error| {
            let name = (*name).to_owned();
            CoordinationError::NotCounted { name, source: Box::new(error) }
        })?;
        known.documents.insert((*name).to_owned(), documents);
    }
    Ok(known)
}

async fn aliases(client: &Client) -> Result<BTreeMap<String, Value>, ClusterError> {
    client.call(&Request::get("/_alias")).await?.json()
}
