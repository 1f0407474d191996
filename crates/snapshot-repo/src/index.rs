//! `indices/<id>/meta-<..>.dat`: one index's settings, mappings and aliases.

use serde_json::{Map, Value as Json};
use serde_smile::value::Value;

use crate::{container, error::Damage, shard::ShardTypes, smile, source_mode::SourceStorage};

/// One index as it was when the snapshot was taken.
#[derive(Clone, Debug)]
pub struct IndexMetadata {
    /// The index's name.
    pub name: String,
    /// The uuid it had in its cluster.
    pub uuid: Option<String>,
    /// Whether it was open.
    pub state: IndexState,
    /// How many primary shards it has.
    pub number_of_shards: u32,
    /// The number of the version that created it (`index.version.created`).
    pub created_version_id: Option<u64>,
    /// Its settings, flat: `index.number_of_shards` to `"2"`.
    pub settings: Map<String, Json>,
    /// Its mapping, as the server that took the snapshot shows it: by type in Elasticsearch 5 and 6,
    /// without a type since 7.
    pub mappings: Json,
    /// The name of its only mapping type (`_doc` where types are hidden); none if it has several, or
    /// no mapping.
    pub document_type: Option<String>,
    /// Its aliases by name, with filter and routing.
    pub aliases: Map<String, Json>,
}

/// Whether an index was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It was open for reads and writes.
    Open,
    /// It was closed.
    Close,
}

/// Whether mappings are shown by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Elasticsearch 5 and 6.
    Shown,
    /// Everything newer.
    Hidden,
}

impl IndexMetadata {
    /// Returns how the index keeps the source of its documents.
    pub fn source_storage(&self) -> SourceStorage {
        SourceStorage::of(&self.settings, &self.mappings, self.created_version_id)
    }

    /// Returns what the mapping says about the types of the documents.
    pub(crate) fn document_types(&self, types: Types) -> ShardTypes {
        if types == Types::Hidden {
            return ShardTypes::default();
        }
        let by_type = self.mappings.as_object().into_iter().flatten();
        let children = by_type.filter(|(_, mapping)| mapping.get("_parent").is_some());
        ShardTypes {
            only: self.document_type.clone(),
            children: children.map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// Reads an index's metadata.
pub(crate) fn parse(bytes: &[u8], types: Types) -> Result<IndexMetadata, Damage> {
    let body = container::open(bytes, "index-metadata")?;
    let (name, metadata) = smile::only_field(smile::read(&body)?)?;
    let Value::Object(mut fields) = metadata else {
        return Err(format!("the metadata of `{name}` is not an object").into());
    };
    let state = match fields.get("state") {
        Some(Value::String(state)) if state == "open" => IndexState::Open,
        Some(Value::String(state)) if state == "close" => IndexState::Close,
        _ => return Err(format!("the state of `{name}` is neither `open` nor `close`").into()),
    };
    let mut settings = object_field(fields.swap_remove("settings"), "settings")?;
    let mut by_type = match fields.swap_remove("mappings") {
        Some(mappings) => mappings_by_type(mappings)?,
        None => Map::new(),
    };
    undo_source_only(&mut settings, &mut by_type);
    let aliases = object_field(fields.swap_remove("aliases"), "aliases")?;

    let number = |key: &str| settings.get(key).and_then(as_number);
    let number_of_shards = number("index.number_of_shards")
        .and_then(|shards| u32::try_from(shards).ok())
        .ok_or("the setting `index.number_of_shards` is absent or not a number")?;
    Ok(IndexMetadata {
        uuid: settings.get("index.uuid").and_then(Json::as_str).map(str::to_owned),
        state,
        number_of_shards,
        created_version_id: number("index.version.created"),
        document_type: only_type(&by_type),
        mappings: shown_mappings(by_type, types),
        settings,
        aliases,
        name,
    })
}

/// Reverts what a source-only repository (`type: source`) does to an index: it blocks writes and
/// disables the mapping, `{"_doc": {"enabled": false, "_meta": {"_doc": {..}}}}`.
fn undo_source_only(settings: &mut Map<String, Json>, by_type: &mut Map<String, Json>) {
    let is_source_only = settings.get("index.source_only").is_some_and(|value| value == "true");
    if !is_source_only {
        return;
    }
    settings.remove("index.source_only");
    settings.remove("index.blocks.write");
    let kept = only_type(by_type).and_then(|name| {
        let mapping = by_type.get(&name)?;
        let is_disabled = mapping.get("enabled") == Some(&Json::Bool(false));
        mapping.get("_meta").filter(|_| is_disabled)?.as_object().cloned()
    });
    if let Some(kept) = kept {
        *by_type = kept;
    }
}

fn as_number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn object_field(value: Option<Value>, name: &str) -> Result<Map<String, Json>, Damage> {
    match value.map(smile::to_json).transpose()? {
        None => Ok(Map::new()),
        Some(Json::Object(fields)) => Ok(fields),
        Some(_) => Err(format!("`{name}` is not an object").into()),
    }
}

/// Returns mappings by type, however they are stored: as an object, a list of objects with one type
/// each, or compressed bytes.
pub(crate) fn mappings_by_type(mappings: Value) -> Result<Map<String, Json>, Damage> {
    let items = match mappings {
        Value::Array(items) => items,
        other => vec![other],
    };
    let mut by_type = Map::new();
    for item in items {
        let json = match item {
            Value::Binary(bytes) => {
                let plain = container::decompress_value(&bytes)?;
                if plain.starts_with(b":)\n") {
                    smile::to_json(smile::read(&plain)?)?
                } else {
                    serde_json::from_slice(&plain)
                        .map_err(|error| format!("a compressed mapping is not JSON: {error}"))?
                }
            }
            other => smile::to_json(other)?,
        };
        let Json::Object(fields) = json else {
            return Err("a mapping is not an object".into());
        };
        by_type.extend(fields);
    }
    Ok(by_type)
}

/// Returns the type that all documents have. `_default_` is not a type, but a template for types.
fn only_type(by_type: &Map<String, Json>) -> Option<String> {
    let mut names = by_type.keys().filter(|name| *name != "_default_");
    let first = names.next()?;
    names.next().is_none().then(|| first.clone())
}

/// Returns a mapping as the server shows it.
pub(crate) fn shown_mappings(mut by_type: Map<String, Json>, types: Types) -> Json {
    match (types, only_type(&by_type)) {
        (Types::Hidden, Some(name)) => by_type.swap_remove(&name).unwrap_or_default(),
        (Types::Hidden, None) | (Types::Shown, _) => Json::Object(by_type),
    }
}
