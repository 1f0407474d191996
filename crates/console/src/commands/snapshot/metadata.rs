//! `console snapshot metadata`: prints settings, mappings, aliases and templates as the server's APIs
//! show them.
//!
//! ```text
//! settings, mappings, aliases      by index            GET /_all/_settings, _mapping, _alias
//! templates, ingest_pipelines      by name             GET /_template, /_ingest/pipeline
//! index_templates, component_templates, data_streams   GET /_index_template, ...
//! cluster_settings                 the persistent ones GET /_cluster/settings
//! ```
//!
//! The parts of the cluster are `null` if the snapshot was taken without global state.

use std::collections::BTreeMap;

use cli_support::output;
use contract::{Exit, Failure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value, json};
use snapshot_repo::{GlobalMetadata, IndexMetadata, Repository};

use super::{
    access::MAX_CONCURRENT_READS,
    progress::{self, Unit},
};

/// Prints the metadata.
pub(super) async fn run(repository: &Repository, name: &str) -> anyhow::Result<Exit> {
    let snapshot = repository.snapshot(name).await.map_err(Failure::from)?;
    let global = if snapshot.include_global_state {
        Some(repository.global_metadata(&snapshot).await.map_err(Failure::from)?)
    } else {
        None
    };
    let bar = progress::bar("reading", snapshot.indices.len() as u64, Unit::Indices);
    let indices: Vec<IndexMetadata> = stream::iter(&snapshot.indices)
        .map(|index| repository.index_metadata(&snapshot, index))
        .buffered(MAX_CONCURRENT_READS)
        .inspect(|_| bar.inc(1))
        .try_collect()
        .await
        .map_err(Failure::from)?;
    bar.finish_and_clear();
    let taken_by =
        json!({ "name": snapshot.name, "uuid": snapshot.uuid, "server": snapshot.server() });
    let mut all = Map::from_iter([("snapshot".to_owned(), taken_by)]);
    all.extend(of_indices(indices));
    all.extend(of_cluster(global));
    output::plain(&serde_json::to_string_pretty(&all)?)?;
    Ok(Exit::Done)
}

fn of_indices(indices: Vec<IndexMetadata>) -> Map<String, Value> {
    let (mut settings, mut mappings, mut aliases) = (Map::new(), Map::new(), Map::new());
    for index in indices {
        settings.insert(index.name.clone(), json!({ "settings": nested(&index.settings) }));
        mappings.insert(index.name.clone(), json!({ "mappings": index.mappings }));
        aliases.insert(index.name, json!({ "aliases": index.aliases }));
    }
    Map::from_iter([
        ("settings".to_owned(), settings.into()),
        ("mappings".to_owned(), mappings.into()),
        ("aliases".to_owned(), aliases.into()),
    ])
}

fn of_cluster(global: Option<GlobalMetadata>) -> Map<String, Value> {
    let Some(global) = global else {
        let parts = ["templates", "index_templates", "component_templates", "ingest_pipelines"];
        let parts = parts.into_iter().chain(["data_streams", "cluster_settings"]);
        return parts.map(|part| (part.to_owned(), Value::Null)).collect();
    };
    let templates = listed(global.index_templates, "index_template");
    let components = listed(global.component_templates, "component_template");
    let streams: Vec<Value> = global.data_streams.into_iter().map(data_stream).collect();
    Map::from_iter([
        ("templates".to_owned(), json!(global.legacy_templates)),
        ("index_templates".to_owned(), json!({ "index_templates": templates })),
        ("component_templates".to_owned(), json!({ "component_templates": components })),
        ("ingest_pipelines".to_owned(), json!(global.ingest_pipelines)),
        ("data_streams".to_owned(), json!({ "data_streams": streams })),
        (
            "cluster_settings".to_owned(),
            json!({ "persistent": nested(&global.persistent_settings) }),
        ),
    ])
}

fn listed(templates: BTreeMap<String, Value>, key: &str) -> Vec<Value> {
    let templates = templates.into_iter();
    templates.map(|(name, template)| json!({ "name": name, key: template })).collect()
}

fn data_stream((name, stream): (String, Value)) -> Value {
    let mut fields = Map::from_iter([("name".to_owned(), Value::from(name))]);
    if let Value::Object(stream) = stream {
        fields.extend(stream);
    }
    fields.into()
}

/// Returns flat settings as a server shows them: `{"a.b": 1}` becomes `{"a": {"b": 1}}`. Below a
/// setting with a value of its own, names stay flat: `{"a": 1, "a.b": 2}`.
fn nested(flat: &Map<String, Value>) -> Value {
    let mut root = Map::new();
    for (path, value) in flat {
        insert(&mut root, path, value.clone());
    }
    root.into()
}

fn insert(level: &mut Map<String, Value>, path: &str, value: Value) {
    if let Some((first, rest)) = path.split_once('.') {
        let inner = level.entry(first).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            return insert(inner, rest, value);
        }
    }
    level.insert(path.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_nested_as_far_as_they_can_be() {
        let flat = json!({ "index.a": "1", "index.a.b": "2", "index.c.d": ["x"], "plain": "y" });
        let flat = flat.as_object().expect("an object");
        let expected =
            json!({ "index": { "a": "1", "a.b": "2", "c": { "d": ["x"] } }, "plain": "y" });
        assert_eq!(nested(flat), expected);
    }

    #[test]
    fn without_global_state_the_parts_of_the_cluster_are_null() {
        let parts = of_cluster(None);
        assert!(parts.len() == 6 && parts.values().all(Value::is_null), "{parts:?}");
        assert_eq!(of_cluster(Some(GlobalMetadata::default())).len(), parts.len());
    }
}
