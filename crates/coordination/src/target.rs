//! What is on the target before anything is written?

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use cluster::{Client, Request, indices};
use contract::Failure;
use serde_json::Value;

use crate::{count, existing::Known, faults::decoded};

/// Reads names and aliases of all indices, and counts the documents of those in `wanted`.
pub async fn look(client: &Client, wanted: &BTreeSet<&str>) -> anyhow::Result<Known> {
    let mut known = Known::default();
    let answer: BTreeMap<String, Value> = decoded(client.call(&Request::get("/_alias")).await)
        .context("listing the target's indices and aliases")?;
    for (index, described) in answer {
        let aliases = described.get("aliases").and_then(Value::as_object);
        for alias in aliases.into_iter().flat_map(|aliases| aliases.keys()) {
            known.aliases.entry(alias.clone()).or_default().push(index.clone());
        }
        known.indices.insert(index);
    }
    for name in wanted {
        // Hidden and closed indices may be missing from the list, so each one is asked for.
        if known.aliases.contains_key(*name)
            || !indices::exists(client, name).await.map_err(Failure::from)?
        {
            continue;
        }
        known.indices.insert((*name).to_owned());
        let documents = count::visible(client, name).await.with_context(|| {
            format!(
                "counting the documents of `{name}` on the target; if it is closed, open or delete it"
            )
        })?;
        known.documents.insert((*name).to_owned(), documents);
    }
    Ok(known)
}
