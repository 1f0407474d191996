//! Does an index keep the source of its documents as they were sent?
//!
//! ```text
//! settings   index.derived_source.enabled: true               OpenSearch 3: made from doc values
//!            index.mapping.source.mode: synthetic | disabled | stored     Elasticsearch 8.17 and newer
//!            index.mode: time_series | logsdb                 synthetic, unless something else is set
//! mapping    _source: {enabled: false}
//!            _source: {mode: synthetic | disabled | stored}   Elasticsearch 8.4 and newer
//!            _source: {includes: [..], excludes: [..]}
//! ```
//!
//! Vectors that OpenSearch's k-NN plug-in removes from the sources are noted in the segments:
//! see [`crate::ShardSurvey`].

use std::fmt;

use contract::quoted;
use serde_json::{Map, Value as Json};

/// Elasticsearch 8.7, the first version in which time series are synthetic by default.
const SYNTHETIC_TIME_SERIES: u64 = 8_070_000;

/// How an index keeps `_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceMode {
    /// Unchanged.
    Stored,
    /// Without some of the fields.
    Partial,
    /// Not at all.
    Disabled,
    /// Rebuilt from other structures when a document is read (Elasticsearch).
    Synthetic,
    /// Rebuilt from other structures when a document is read (OpenSearch).
    Derived,
}

impl SourceMode {
    /// Returns the mode in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Partial => "partial",
            Self::Disabled => "disabled",
            Self::Synthetic => "synthetic",
            Self::Derived => "derived",
        }
    }
}

impl fmt::Display for SourceMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How an index keeps `_source`, and which setting or mapping says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStorage {
    /// How it is kept.
    pub mode: SourceMode,
    /// The setting or mapping that says so, such as `` `index.mode` is `logsdb` ``; empty where all is stored.
    pub because: String,
}

impl SourceStorage {
    /// Reads how an index keeps its sources from its settings and mapping.
    pub(crate) fn of(
        settings: &Map<String, Json>,
        mappings: &Json,
        created_version_id: Option<u64>,
    ) -> Self {
        let setting = |name: &str| settings.get(name).and_then(Json::as_str);
        if setting("index.derived_source.enabled") == Some("true") {
            return Self::because(SourceMode::Derived, "`index.derived_source.enabled` is true");
        }
        let by_setting = setting("index.mapping.source.mode");
        if let Some(mode) = by_setting.and_then(made_or_disabled) {
            return Self::because(mode, format!("`index.mapping.source.mode` is `{mode}`"));
        }
        let of_mapping = of_mapping(mappings);
        if by_setting.is_none() && !of_mapping.explicit {
            let is_synthetic = match setting("index.mode") {
                Some("logsdb") => true,
                Some("time_series") => {
                    created_version_id.is_none_or(|id| id >= SYNTHETIC_TIME_SERIES)
                }
                _ => false,
            };
            if is_synthetic {
                let index_mode = setting("index.mode").unwrap_or_default();
                return Self::because(
                    SourceMode::Synthetic,
                    format!("`index.mode` is `{index_mode}`"),
                );
            }
        }
        of_mapping.storage
    }

    fn because(mode: SourceMode, because: impl Into<String>) -> Self {
        Self { mode, because: because.into() }
    }
}

fn made_or_disabled(mode: &str) -> Option<SourceMode> {
    match mode {
        "synthetic" => Some(SourceMode::Synthetic),
        "disabled" => Some(SourceMode::Disabled),
        _ => None,
    }
}

/// What a mapping says about `_source`.
struct OfMapping {
    storage: SourceStorage,
    /// Whether the mapping sets a mode, so that the mode of the index has no effect.
    explicit: bool,
}

/// Reads a mapping: an object with `_source` in it, or one of such objects by type.
fn of_mapping(mappings: &Json) -> OfMapping {
    let by_type = mappings.as_object().into_iter().flat_map(|types| types.values());
    let said =
        std::iter::once(mappings).chain(by_type).filter_map(|mapping| mapping.get("_source"));
    let said: Vec<OfMapping> = said.map(of_source).collect();
    let stored =
        || OfMapping { storage: SourceStorage::because(SourceMode::Stored, ""), explicit: false };
    said.into_iter().max_by_key(|said| said.storage.mode).unwrap_or_else(stored)
}

fn of_source(source: &Json) -> OfMapping {
    let mode = source.get("mode").and_then(Json::as_str);
    let enabled = source.get("enabled");
    let storage = if enabled
        .is_some_and(|enabled| [Json::from(false), Json::from("false")].contains(enabled))
    {
        SourceStorage::because(SourceMode::Disabled, "`_source.enabled` is false in the mapping")
    } else if let Some(mode) = mode.and_then(made_or_disabled) {
        SourceStorage::because(mode, format!("`_source.mode` is `{mode}` in the mapping"))
    } else {
        let lists = [("includes", "takes in only"), ("excludes", "leaves out")];
        let parts: Vec<String> =
            lists.iter().filter_map(|(key, verb)| list(source.get(*key)?, verb)).collect();
        if parts.is_empty() {
            SourceStorage::because(SourceMode::Stored, "")
        } else {
            SourceStorage::because(
                SourceMode::Partial,
                format!("`_source` {}", parts.join(" and ")),
            )
        }
    };
    OfMapping { storage, explicit: mode.is_some() || enabled.is_some() }
}

/// Returns a list of field patterns as the end of a sentence. A single pattern need not be a list.
fn list(patterns: &Json, verb: &str) -> Option<String> {
    let names: Vec<&str> = match patterns {
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
        Json::String(one) => vec![one],
        _ => Vec::new(),
    };
    (!names.is_empty()).then(|| format!("{verb} {}", quoted(&names)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{SourceMode, SourceStorage};

    fn storage(settings: &Json, mappings: &Json) -> SourceStorage {
        let created = settings.get("index.version.created").and_then(Json::as_u64);
        SourceStorage::of(settings.as_object().expect("an object"), mappings, created)
    }

    fn mode(settings: &Json, mappings: &Json) -> SourceMode {
        storage(settings, mappings).mode
    }

    #[test]
    fn a_mapping_is_read_with_and_without_types() {
        let mode = |mappings: Json| mode(&json!({}), &mappings);
        assert_eq!(mode(json!({ "properties": {} })), SourceMode::Stored);
        assert_eq!(mode(json!({ "properties": { "_source": {} } })), SourceMode::Stored);
        assert_eq!(mode(json!({ "_source": { "enabled": false } })), SourceMode::Disabled);
        assert_eq!(mode(json!({ "t": { "_source": { "enabled": false } } })), SourceMode::Disabled);
        assert_eq!(mode(json!({ "_source": { "mode": "synthetic" } })), SourceMode::Synthetic);
        assert_eq!(mode(json!({ "_source": { "excludes": [] } })), SourceMode::Stored);
        let mixed = json!({ "a": { "_source": {} }, "b": { "_source": { "excludes": ["x"] } } });
        assert_eq!(mode(mixed), SourceMode::Partial);
    }

    #[test]
    fn excluded_fields_are_named() {
        let source = json!({ "_source": { "includes": ["a", "b.*"], "excludes": "c" } });
        let because = storage(&json!({}), &source).because;
        assert_eq!(because, "`_source` takes in only `a`, `b.*` and leaves out `c`");
    }

    #[test]
    fn a_setting_wins_over_the_mapping_and_the_mode_of_the_index() {
        let synthetic = json!({ "_source": { "mode": "synthetic" } });
        let setting = |mode| json!({ "index.mapping.source.mode": mode, "index.mode": "logsdb" });
        assert_eq!(mode(&setting("stored"), &json!({})), SourceMode::Stored);
        assert_eq!(mode(&setting("disabled"), &synthetic), SourceMode::Disabled);
        assert_eq!(mode(&setting("synthetic"), &json!({})), SourceMode::Synthetic);
    }

    #[test]
    fn time_series_and_logs_are_synthetic_by_default() {
        let index =
            |mode, created: u64| json!({ "index.mode": mode, "index.version.created": created });
        let logs = storage(&index("logsdb", 8_512_000), &json!({}));
        assert_eq!(
            (logs.mode, logs.because.as_str()),
            (SourceMode::Synthetic, "`index.mode` is `logsdb`")
        );
        let series = |created| mode(&index("time_series", created), &json!({}));
        assert_eq!(series(8_070_099), SourceMode::Synthetic);
        assert_eq!(series(8_060_299), SourceMode::Stored);
        let stored = json!({ "_source": { "mode": "stored" } });
        assert_eq!(mode(&index("time_series", 8_512_000), &stored), SourceMode::Stored);
        assert_eq!(mode(&index("standard", 8_512_000), &json!({})), SourceMode::Stored);
    }

    #[test]
    fn derived_sources_of_opensearch_are_seen() {
        let settings = json!({ "index.derived_source.enabled": "true" });
        assert_eq!(mode(&settings, &json!({})), SourceMode::Derived);
    }
}
