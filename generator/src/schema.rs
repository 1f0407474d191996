//! The published JSON Schema of a migration file, made from the types that the compiler reads.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::file::MigrationFile;

/// Returns version 1 of the schema.
pub fn v1() -> Value {
    let schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<MigrationFile>();
    let mut schema = Value::from(schema);
    without_null(&mut schema);
    schema
}

/// Takes `null` out of what may be written. An optional key is left out; a key without a value is
/// read as one that was left out, but no editor should suggest it.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    map.extend(only);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_may_be_null_and_no_other_key_may_be_written() {
        let schema = v1();
        assert!(!schema.to_string().contains("\"null\""), "{schema:#}");
        assert_eq!(schema.pointer("/additionalProperties"), Some(&Value::Bool(false)));
        let required = schema.pointer("/required").and_then(Value::as_array).expect("a list");
        assert_eq!(required, &["sourceClusters", "targetClusters", "migrations"]);
    }

    #[test]
    fn both_published_spellings_are_in_the_schema() {
        let schema = v1();
        let repository =
            schema.pointer("/$defs/SnapshotRepo/properties").expect("the repository's keys");
        for key in ["repoPathUri", "s3RepoPathUri", "awsRegion", "aws_region"] {
            assert!(repository.get(key).is_some(), "{key}");
        }
    }
}
