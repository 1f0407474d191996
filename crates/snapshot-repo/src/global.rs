//! `meta-<snapshot uuid>.dat` at the root: templates and settings of the whole cluster.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use serde_smile::value::Value;

use crate::{
    container,
    error::Damage,
    index::{Types, mappings_by_type, shown_mappings},
    smile,
};

/// The cluster-wide metadata in a snapshot.
#[derive(Clone, Debug, Default)]
pub struct GlobalMetadata {
    /// Legacy index templates (`_template`), in the form that the APIs take.
    pub legacy_templates: BTreeMap<String, Json>,
    /// Composable index templates (`_index_template`), in the form that the APIs take.
    pub index_templates: BTreeMap<String, Json>,
    /// Component templates (`_component_template`), in the form that the APIs take.
    pub component_templates: BTreeMap<String, Json>,
    /// Ingest pipelines, in the form that the APIs take.
    pub ingest_pipelines: BTreeMap<String, Json>,
    /// Data streams by name: their backing indices, generation and timestamp field.
    pub data_streams: BTreeMap<String, Json>,
    /// Persistent cluster settings, flat.
    pub persistent_settings: Map<String, Json>,
    /// The names of all sections except templates and settings.
    pub other: Vec<String>,
}

/// Sections with the cluster's own bookkeeping, which no user created.
const BOOKKEEPING: &[&str] =
    &["version", "cluster_uuid", "cluster_uuid_committed", "cluster_coordination", "indices"];

/// Parameters at the root of a mapping that hold objects and are not type names.
const MAPPING_PARAMETERS: &[&str] = &[
    "properties",
    "runtime",
    "_source",
    "_routing",
    "_meta",
    "_field_names",
    "_data_stream_timestamp",
    "_all",
    "_size",
];

/// Reads the metadata of a cluster.
pub(crate) fn parse(bytes: &[u8], types: Types) -> Result<GlobalMetadata, Damage> {
    let body = container::open(bytes, "metadata")?;
    let (_, metadata) = smile::only_field(smile::read(&body)?)?;
    let mut global = GlobalMetadata::default();
    for (section, value) in object(metadata, "meta-data")? {
        match section.as_str() {
            "templates" => {
                for (name, template) in object(value, &section)? {
                    let fields = object(template, &name)?;
                    let body = template_body(fields, types)?;
                    global.legacy_templates.insert(name, Json::Object(body));
                }
            }
            "index_template" => global.index_templates = composable(value, &section)?,
            "component_template" => global.component_templates = composable(value, &section)?,
            "settings" => {
                for (name, value) in object(value, &section)? {
                    global.persistent_settings.insert(name, smile::to_json(value)?);
                }
            }
            other if BOOKKEEPING.contains(&other) => {}
            _ => {
                match section.as_str() {
                    "ingest" => global.ingest_pipelines = pipelines(value)?,
                    "data_stream" => global.data_streams = data_streams(value)?,
                    _ => {}
                }
                global.other.push(section);
            }
        }
    }
    Ok(global)
}

/// Reads a section that repeats its own name inside: `{"index_template": {"index_template": {..}}}`.
fn composable(value: Value, section: &str) -> Result<BTreeMap<String, Json>, Damage> {
    let mut templates = BTreeMap::new();
    for (field, value) in object(value, section)? {
        if field != section {
            return Err(format!("`{section}` holds an unknown field `{field}`").into());
        }
        for (name, template) in object(value, section)? {
            let mut body = Map::new();
            for (field, value) in object(template, &name)? {
                let value = match (field.as_str(), value) {
                    ("template", Value::Object(inner)) => {
                        Json::Object(template_body(inner, Types::Hidden)?)
                    }
                    (_, value) => smile::to_json(value)?,
                };
                body.insert(field, value);
            }
            templates.insert(name, Json::Object(body));
        }
    }
    Ok(templates)
}

/// Reads `{"pipeline": [{"id": .., "config": {..}}]}` by id.
fn pipelines(section: Value) -> Result<BTreeMap<String, Json>, Damage> {
    let mut found = BTreeMap::new();
    let lists = object(section, "ingest")?.filter(|(field, _)| field == "pipeline");
    for (_, list) in lists {
        let Value::Array(list) = list else {
            return Err("the pipelines are not a list".into());
        };
        for pipeline in list {
            let Json::Object(mut fields) = smile::to_json(pipeline)? else {
                return Err("a pipeline is not an object".into());
            };
            let (Some(Json::String(id)), Some(config)) =
                (fields.remove("id"), fields.remove("config"))
            else {
                return Err("a pipeline has no `id` or no `config`".into());
            };
            found.insert(id, config);
        }
    }
    Ok(found)
}

/// Reads `{"data_stream": {name: {..}}}` by name.
fn data_streams(section: Value) -> Result<BTreeMap<String, Json>, Damage> {
    let mut found = BTreeMap::new();
    let streams = object(section, "data_stream")?.filter(|(field, _)| field == "data_stream");
    for (_, streams) in streams {
        for (name, stream) in object(streams, "data_stream")? {
            found.insert(name, smile::to_json(stream)?);
        }
    }
    Ok(found)
}

/// Returns the settings, mappings, aliases and the rest of one template.
fn template_body(
    fields: impl IntoIterator<Item = (String, Value)>,
    types: Types,
) -> Result<Map<String, Json>, Damage> {
    let mut body = Map::new();
    for (field, value) in fields {
        let value = match field.as_str() {
            "mappings" => template_mappings(mappings_by_type(value)?, types),
            _ => smile::to_json(value)?,
        };
        body.insert(field, value);
    }
    Ok(body)
}

/// Returns a template's mapping, without its type where types are hidden. It may be stored with or
/// without the type.
fn template_mappings(mappings: Map<String, Json>, types: Types) -> Json {
    let untyped = mappings
        .iter()
        .any(|(name, value)| MAPPING_PARAMETERS.contains(&name.as_str()) || !value.is_object());
    if untyped { Json::Object(mappings) } else { shown_mappings(mappings, types) }
}

fn object(
    value: Value,
    name: &str,
) -> Result<impl Iterator<Item = (String, Value)> + use<>, Damage> {
    match value {
        Value::Object(fields) => Ok(fields.into_iter()),
        _ => Err(format!("`{name}` is not an object").into()),
    }
}
