//! The schema that files are held against, and the part of it that refused a value.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};

use crate::{pointer::Pointer, schema};

/// The schema, made once: each refused value is explained with its part of it.
static SCHEMA: LazyLock<Value> = LazyLock::new(schema::v1);

/// Holds values against the schema.
pub(super) static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("our own schema is valid"));

/// Returns the part of our schema that refused.
pub(super) fn refusing_schema(error: &ValidationError<'_>) -> Option<&'static Value> {
    let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
    // The path goes through `$ref`s as a reader would walk it: resolve them on the way.
    let root = &*SCHEMA;
    let mut here = root;
    for part in Pointer::parsed(parent).parts() {
        if part == "$ref" {
            let target = here.get("$ref").and_then(Value::as_str)?;
            here = root.pointer(target.strip_prefix('#')?)?;
        } else {
            here = match here {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                other => other.get(&part)?,
            };
        }
    }
    Some(here)
}

/// Returns the keys that are known where an unknown one was refused.
pub(super) fn known_keys(error: &ValidationError<'_>) -> Vec<String> {
    let schema = refusing_schema(error);
    let properties = schema.and_then(|schema| schema.get("properties"));
    let keys = properties.and_then(Value::as_object).into_iter().flat_map(Map::keys);
    keys.filter(|key| *key != "$schema" && !key.contains('_')).cloned().collect()
}

/// Returns the words that are allowed where another one was refused.
pub(super) fn words_of_choice(error: &ValidationError<'_>) -> Value {
    let schema = refusing_schema(error);
    let choices = schema.and_then(|schema| schema.get("oneOf").or_else(|| schema.get("anyOf")));
    let words = choices.and_then(Value::as_array).into_iter().flatten();
    let words = words.flat_map(|choice| match choice.get("enum") {
        Some(Value::Array(words)) => words.clone(),
        _ => choice.get("const").cloned().into_iter().collect(),
    });
    Value::Array(words.collect())
}
