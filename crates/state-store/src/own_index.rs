//! How is an index of ours created, so that no template and no rule of the target can spoil it?
//!
//! A template of the target that matches every name would give our index a pipeline that drops
//! documents, a required routing, or copies and nodes that do not exist: writes are answered and
//! never stored, or wait for ever. Three things keep that away:
//!
//! | what | against | where |
//! |---|---|---|
//! | the index is hidden | templates that match all names | Elasticsearch 7.7, OpenSearch |
//! | its settings are explicit | pipelines, routing, copies, the number of active copies | where the setting exists |
//! | settings that keep its shard from every node are removed | allocation filters of templates | if the shard is not placed |
//!
//! If the shard cannot be placed even so, that is an error with the target's own explanation.

use cluster::{Client, Request, indices, path};
use contract::ServerVersion;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::StoreError;

/// How long the target may take to place the shard after a correction.
const PLACEMENT_TIMEOUT: &str = "30s";

/// Reasons against a node that a message shows.
const MAX_REASONS: usize = 3;

/// The groups of settings that keep a shard from nodes.
const ALLOCATION_FILTERS: [&str; 3] = ["require", "include", "exclude"];

/// An index that holds something of ours.
#[derive(Clone, Debug)]
pub struct OwnIndex {
    /// The index's name.
    pub name: &'static str,
    /// What it is for, in words.
    pub purpose: &'static str,
    /// The `properties` of its mapping; other fields are stored and cannot be searched.
    pub properties: Value,
}

/// Creates an index; one that exists already is left as it is.
pub async fn create(client: &Client, index: &OwnIndex) -> Result<(), StoreError> {
    let OwnIndex { name, purpose, properties } = index;
    let version = cluster::version::detect(client).await?;
    let target = TargetTraits { version, serverless: client.is_serverless() };
    let failed = |source| StoreError::Create { index: name, purpose, source: Box::new(source) };
    let body = creation(&target, properties);
    let response = client.send(&Request::put(path(&[name])).json(body)).await.map_err(failed)?;
    let exists = matches!(
        response.error_type().as_deref(),
        Some("resource_already_exists_exception" | "index_already_exists_exception")
    );
    if response.status == 400 && exists {
        // A concurrent creation is fine.
        return Ok(());
    }
    let created: Created = client.check_status(response).map_err(failed)?.json()?;
    if created.shards_acknowledged || target.serverless {
        return Ok(());
    }
    make_placeable(client, index).await
}

/// Takes from an existing index the settings that keep documents from it.
pub async fn correct(client: &Client, name: &'static str, found: &Value) -> Result<(), StoreError> {
    let corrections = pipeline_corrections(found);
    change_settings(client, name, corrections).await
}

/// Removes the settings that keep the shard from every node, and waits for its placement.
async fn make_placeable(client: &Client, index: &OwnIndex) -> Result<(), StoreError> {
    let OwnIndex { name, .. } = index;
    let found = indices::get(client, name).await?.unwrap_or_default();
    change_settings(client, name, allocation_corrections(&found)).await?;
    let request = Request::get(path(&["_cluster", "health", name]))
        .query("wait_for_status", "yellow")
        .query("timeout", PLACEMENT_TIMEOUT);
    let response = client.send_once(&request).await?;
    if (200..300).contains(&response.status) {
        let Health { timed_out } = response.json()?;
        if !timed_out {
            return Ok(());
        }
    }
    let request = Request::post("/_cluster/allocation/explain")
        .json(json!({ "index": name, "shard": 0, "primary": true }));
    let explained: Value = client.call(&request).await?.json()?;
    Err(StoreError::NotPlaced {
        index: name,
        is_final: explained.get("can_allocate").and_then(Value::as_str) == Some("no"),
        explanation: explanation(&explained),
    })
}

async fn change_settings(
    client: &Client,
    name: &'static str,
    corrections: Map<String, Value>,
) -> Result<(), StoreError> {
    if corrections.is_empty() {
        return Ok(());
    }
    let settings: Vec<&str> = corrections.keys().map(String::as_str).collect();
    tracing::warn!(
        "an index template of the target set `{}` on the index `{name}` of Argosy; this is undone, \
         because documents would be lost or never written",
        settings.join("`, `")
    );
    let request = Request::put(path(&[name, "_settings"])).json(Value::Object(corrections));
    client
        .call(&request)
        .await
        .map_err(|source| StoreError::Correct { index: name, source: Box::new(source) })?;
    Ok(())
}

/// What the target is, as far as it decides which settings there are.
struct TargetTraits {
    version: ServerVersion,
    serverless: bool,
}

impl TargetTraits {
    /// Returns whether the target is OpenSearch, or Elasticsearch from this version on.
    fn is_since(&self, major: u32, minor: u32) -> bool {
        self.version.is_opensearch()
            || (self.version.major, self.version.minor.unwrap_or(0)) >= (major, minor)
    }
}

/// Returns the body that creates the index: one shard, a second copy if there is a node for it.
fn creation(target: &TargetTraits, properties: &Value) -> Value {
    let mapping = json!({
        "dynamic": false,
        "_routing": { "required": false },
        "_source": { "enabled": true },
        "properties": properties,
    });
    if target.serverless {
        return json!({ "mappings": { "dynamic": false, "properties": properties } });
    }
    let typed = !target.version.is_opensearch() && target.version.major < 7;
    let mapping = if typed { json!({ "_doc": mapping }) } else { mapping };
    let mut settings = json!({
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s",
        "write.wait_for_active_shards": "1",
    });
    let newer: [(&str, Value, (u32, u32)); 4] = [
        ("routing_partition_size", json!(1), (6, 0)),
        ("default_pipeline", json!("_none"), (6, 5)),
        ("final_pipeline", json!("_none"), (7, 5)),
        ("hidden", json!(true), (7, 7)),
    ];
    for (name, value, (major, minor)) in newer {
        if target.is_since(major, minor) {
            settings[name] = value;
        }
    }
    json!({ "settings": { "index": settings }, "mappings": mapping })
}

/// Returns what to set for the pipelines that an existing index has.
fn pipeline_corrections(found: &Value) -> Map<String, Value> {
    let mut corrections = Map::new();
    for name in ["default_pipeline", "final_pipeline"] {
        let pipeline = found.pointer(&format!("/settings/index/{name}")).and_then(Value::as_str);
        if pipeline.is_some_and(|pipeline| pipeline != "_none") {
            corrections.insert(format!("index.{name}"), json!("_none"));
        }
    }
    corrections
}

/// Returns what to set so that any node may hold the shard.
fn allocation_corrections(found: &Value) -> Map<String, Value> {
    let mut corrections = Map::new();
    let Some(allocation) = found.pointer("/settings/index/routing/allocation") else {
        return corrections;
    };
    if allocation.get("enable").is_some() {
        corrections.insert("index.routing.allocation.enable".to_owned(), Value::Null);
    }
    for filter in ALLOCATION_FILTERS {
        let Some(Value::Object(attributes)) = allocation.get(filter) else { continue };
        for attribute in attributes.keys() {
            let name = format!("index.routing.allocation.{filter}.{attribute}");
            corrections.insert(name, Value::Null);
        }
    }
    corrections
}

/// Returns why a shard is not placed, in the words of the target.
fn explanation(explained: &Value) -> String {
    let text = |value: &Value, field: &str| {
        value.get(field).and_then(Value::as_str).map(|text| text.trim_end_matches('.').to_owned())
    };
    let mut reasons: Vec<String> = text(explained, "allocate_explanation").into_iter().collect();
    let nodes = explained.get("node_allocation_decisions").and_then(Value::as_array);
    let deciders = nodes.into_iter().flatten().filter_map(|node| node.get("deciders")?.as_array());
    for decider in deciders.flatten() {
        let Some(reason) = text(decider, "explanation") else { continue };
        if !reasons.contains(&reason) && reasons.len() <= MAX_REASONS {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") }
}

#[derive(Deserialize)]
struct Created {
    /// Absent where the target does not know.
    #[serde(default = "acknowledged")]
    shards_acknowledged: bool,
}

fn acknowledged() -> bool {
    true
}

#[derive(Deserialize)]
struct Health {
    timed_out: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The bodies for an old, a new and a serverless target.
    pub(crate) fn creations(properties: &Value) -> [Value; 3] {
        [("6.8", false), ("OS 2.19", false), ("OS 2.19", true)].map(|(version, serverless)| {
            let version = version.parse().expect("a version");
            creation(&TargetTraits { version, serverless }, properties)
        })
    }

    #[test]
    fn each_target_is_given_the_settings_that_it_knows() {
        let settings = |version: &str| {
            let version = version.parse().expect("a version");
            creation(&TargetTraits { version, serverless: false }, &json!({}))["settings"]["index"]
                .take()
        };
        let names = ["default_pipeline", "final_pipeline", "hidden"];
        let known = |version: &str| {
            let settings = settings(version);
            names.map(|name| settings.get(name).is_some())
        };
        assert_eq!(known("5.6"), [false, false, false]);
        assert_eq!(known("6.8"), [true, false, false]);
        assert_eq!(known("7.6"), [true, true, false]);
        for version in ["7.10.2", "8.19", "9.2", "OS 1.3", "OS 3.4"] {
            assert_eq!(known(version), [true, true, true], "{version}");
        }
        for version in ["5.6", "9.2", "OS 3.4"] {
            assert_eq!(settings(version)["write.wait_for_active_shards"], "1", "{version}");
            assert_eq!(settings(version)["auto_expand_replicas"], "0-1", "{version}");
        }
    }

    #[test]
    fn the_mapping_is_wrapped_in_a_type_for_old_targets_only() {
        let [old, new, serverless] = creations(&json!({ "key": { "type": "keyword" } }));
        assert!(old.pointer("/mappings/_doc/properties/key").is_some());
        assert!(new.pointer("/mappings/properties/key").is_some());
        assert!(serverless.get("settings").is_none());
    }

    #[test]
    fn settings_that_keep_documents_or_shards_away_are_taken_back() {
        let found = json!({ "settings": { "index": {
            "default_pipeline": "drop-all", "final_pipeline": "_none",
            "routing": { "allocation": {
                "enable": "none", "require": { "box": "hot" },
                "include": { "_tier_preference": "data_cold" },
                "total_shards_per_node": "1",
            } },
        } } });
        let expected = json!({ "index.default_pipeline": "_none" });
        assert_eq!(Value::Object(pipeline_corrections(&found)), expected);
        let expected = json!({
            "index.routing.allocation.enable": null,
            "index.routing.allocation.require.box": null,
            "index.routing.allocation.include._tier_preference": null,
        });
        assert_eq!(Value::Object(allocation_corrections(&found)), expected);
        let fine = json!({ "settings": { "index": { "number_of_shards": "1" } } });
        assert!(pipeline_corrections(&fine).is_empty() && allocation_corrections(&fine).is_empty());
    }

    #[test]
    fn the_target_explains_why_a_shard_is_not_placed() {
        let decider = json!({ "decider": "awareness", "decision": "NO",
            "explanation": "node does not contain the awareness attribute [zone]" });
        let explained = json!({
            "can_allocate": "no",
            "allocate_explanation": "cannot allocate because allocation is not permitted to any of \
                                     the nodes",
            "node_allocation_decisions": [{ "deciders": [decider] }, { "deciders": [decider] }],
        });
        let text = explanation(&explained);
        assert_eq!(text.matches("attribute [zone]").count(), 1, "{text}");
        assert!(text.starts_with("cannot allocate"), "{text}");
        assert_eq!(explanation(&json!({})), "no reason given");
    }
}
