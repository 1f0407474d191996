//! Manifests as YAML text, so that YAML 1.1 and 1.2 readers see the same values.
//!
//! Argo and kubectl read YAML 1.1, where a bare `no` is a boolean and `1_000` a number. The
//! writer quotes every text that is not obviously a word, and writes a text of several lines as a
//! block, so that a person can read the request of a step.

mod block;
mod error;
mod scalar;

use serde::Serialize;
use serde_json::Value;
use serde_yaml::options;

pub use self::error::YamlError;
use crate::manifest::Manifest;

/// Writes one value as a YAML document.
pub fn write(value: &impl Serialize) -> Result<String, YamlError> {
    let mut text = String::new();
    append(value, &mut text)?;
    Ok(text)
}

/// Appends one value to the text as a YAML document.
pub fn append(value: &impl Serialize, text: &mut String) -> Result<(), YamlError> {
    value.serialize(block::Writer::new(text))
}

/// Reads one YAML or JSON document as a plain value.
pub fn read_value(text: &str) -> Result<Value, YamlError> {
    let options = options! { strict_booleans: true };
    serde_yaml::from_str_with_options(text, options)
        .map_err(|error| YamlError::Syntax(error.to_string()))
}

/// Reads one manifest.
pub fn read(text: &str) -> Result<Manifest, YamlError> {
    Ok(Manifest::from_value(read_value(text)?)?)
}

/// Reads a text of several documents separated by `---` lines.
pub fn read_all(text: &str) -> Result<Vec<Manifest>, YamlError> {
    let options = options! { strict_booleans: true };
    serde_yaml::from_multiple_with_options::<Value>(text, options)
        .map_err(|error| YamlError::Syntax(error.to_string()))?
        .into_iter()
        .map(|value| Ok(Manifest::from_value(value)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_yaml_1_1_misreads_are_quoted() {
        for text in ["no", "on", "y", "1_000", "12:30", "0x1f", "~", "", "1e3", "2026-11-20", "="] {
            let yaml = write(&json!({ "value": text })).expect("yaml");
            let quoted = yaml.contains('"') || yaml.contains('\'');
            assert!(quoted, "{yaml}");
            assert_eq!(read_value(&yaml).expect("a value"), json!({ "value": text }));
        }
    }

    #[test]
    fn several_lines_become_a_block() {
        let yaml = write(&json!({ "value": "{\n  \"a\": 1\n}" })).expect("yaml");
        assert_eq!(yaml, "value: |-\n  {\n    \"a\": 1\n  }\n");
    }

    #[test]
    fn unknown_fields_are_refused() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinary: {}\n";
        let error = read(text).expect_err("an unknown field").to_string();
        assert!(error.contains("binary"), "{error}");
    }
}
