//! Does an index keep the source of its documents, as RFS needs it?

use serde_json::Value;
use snapshot_repo::IndexMetadata;

/// How an index keeps `_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceMode {
    /// As it was sent.
    Stored,
    /// Without some of the fields.
    Partial,
    /// Not at all.
    Disabled,
    /// It is made anew from other structures when a document is read.
    Synthetic,
}

/// Reads it from an index's mapping and settings.
pub fn of(metadata: &IndexMetadata) -> SourceMode {
    let setting = |name: &str| metadata.settings.get(name).and_then(Value::as_str);
    if setting("index.mapping.source.mode") == Some("synthetic")
        || setting("index.derived_source.enabled") == Some("true")
    {
        return SourceMode::Synthetic;
    }
    if setting("index.mapping.source.mode") == Some("disabled") {
        return SourceMode::Disabled;
    }
    of_mapping(&metadata.mappings)
}

/// A mapping is an object with `_source` in it, or one of such objects by type.
fn of_mapping(mappings: &Value) -> SourceMode {
    let typed = mappings.as_object().into_iter().flat_map(|types| types.values());
    std::iter::once(mappings)
        .chain(typed)
        .filter_map(|mapping| mapping.get("_source"))
        .map(of_source)
        .find(|mode| *mode != SourceMode::Stored)
        .unwrap_or(SourceMode::Stored)
}

fn of_source(source: &Value) -> SourceMode {
    let no = [Value::Bool(false), Value::from("false")];
    let lists = |name: &str| {
        source.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    if source.get("enabled").is_some_and(|enabled| no.contains(enabled)) {
        return SourceMode::Disabled;
    }
    match source.get("mode").and_then(Value::as_str) {
        Some("synthetic") => SourceMode::Synthetic,
        Some("disabled") => SourceMode::Disabled,
        _ if lists("excludes") || lists("includes") => SourceMode::Partial,
        _ => SourceMode::Stored,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_modes_are_told_apart_with_and_without_types() {
        let mode = |mapping| of_mapping(&mapping);
        assert_eq!(mode(json!({ "properties": {} })), SourceMode::Stored);
        assert_eq!(mode(json!({ "_source": { "enabled": false } })), SourceMode::Disabled);
        assert_eq!(mode(json!({ "t": { "_source": { "enabled": false } } })), SourceMode::Disabled);
        assert_eq!(mode(json!({ "_source": { "mode": "synthetic" } })), SourceMode::Synthetic);
        assert_eq!(mode(json!({ "_source": { "excludes": ["a"] } })), SourceMode::Partial);
        assert_eq!(mode(json!({ "_source": { "excludes": [] } })), SourceMode::Stored);
        assert_eq!(mode(json!({ "properties": { "_source": {} } })), SourceMode::Stored);
    }
}
