//! What do all kinds of metadata have in common?
//!
//! The four kinds have the same three parts in one of two places:
//!
//! ```text
//!  index, legacy template               component template, index template
//!  { settings, mappings, aliases, .. }  { template: { settings, mappings, aliases, .. }, .. }
//! ```
//!
//! An [`Item`] has the three parts in the same place for all kinds, the settings flat, and
//! everything else in `rest`, so that a rule works on any kind.

pub(crate) use contract::metadata::MetadataKind;
use contract::{ServerVersion, version::number};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{facts::Facts, settings::Settings};

/// The setting in which a server keeps the version that made an index.
const CREATED: &str = "index.version.created";

/// One index or template.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: MetadataKind,
    /// Its name.
    pub name: String,
    /// The version that made it, if it says so: of an index, `index.version.created`. Templates do
    /// not say it. It decides how the server interprets the item, whatever was upgraded since.
    pub made_by: Option<ServerVersion>,
    /// Its settings.
    pub settings: Settings,
    /// The value of `mappings`.
    pub mappings: Map<String, Value>,
    /// Its aliases by name.
    pub aliases: Map<String, Value>,
    /// Everything else in its body: patterns, priority, metadata.
    pub rest: Map<String, Value>,
}

/// Metadata that does not have the expected form.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("`{part}` of `{name}` is not an object; the metadata is damaged or of an unknown version")]
pub struct ItemError {
    /// The name of the item.
    pub name: String,
    /// The part that is wrong.
    pub part: &'static str,
}

/// Returns whether the three parts are in `template`.
fn is_nested(kind: MetadataKind) -> bool {
    matches!(kind, MetadataKind::ComponentTemplate | MetadataKind::IndexTemplate)
}

impl Item {
    /// Reads the body of an item, as the source's API shows it.
    pub fn read(kind: MetadataKind, name: &str, body: Value) -> Result<Self, ItemError> {
        let wrong = |part| ItemError { name: name.to_owned(), part };
        let mut rest = object(body).ok_or_else(|| wrong("body"))?;
        rest.retain(|_, value| !value.is_null());
        let mut parts = if is_nested(kind) {
            let parts = rest.shift_remove("template").unwrap_or_default();
            object(parts).ok_or_else(|| wrong("template"))?
        } else {
            std::mem::take(&mut rest)
        };
        let mut part = |name: &'static str| {
            let value = parts.shift_remove(name).unwrap_or_default();
            object(value).ok_or_else(|| wrong(name))
        };
        let settings = Settings::read(&part("settings")?);
        let mappings = part("mappings")?;
        let aliases = part("aliases")?;
        if is_nested(kind) {
            parts.retain(|_, value| !value.is_null());
            if !parts.is_empty() {
                rest.insert("template".to_owned(), Value::Object(parts));
            }
        } else {
            rest = parts;
        }
        let made_by =
            settings.text(CREATED).and_then(|text| number::version_of(text.parse().ok()?));
        Ok(Self { kind, name: name.to_owned(), made_by, settings, mappings, aliases, rest })
    }

    /// Returns the version that made the item. A template counts as made by the source, because the
    /// server that creates an index from it decides what it means.
    pub(crate) fn maker(&self, facts: &Facts) -> ServerVersion {
        self.made_by.unwrap_or(facts.source.version)
    }

    /// Returns whether Elasticsearch before this version made the item.
    pub(crate) fn is_made_before(&self, facts: &Facts, major: u32, minor: u32) -> bool {
        let maker = self.maker(facts);
        !maker.is_opensearch() && !maker.at_least(major, minor)
    }

    /// Returns the body of the request that creates the item.
    pub fn body(&self) -> Value {
        let mut body = self.rest.clone();
        let mut parts = if is_nested(self.kind) {
            body.shift_remove("template").and_then(object).unwrap_or_default()
        } else {
            std::mem::take(&mut body)
        };
        let own = [
            ("settings", self.settings.to_map()),
            ("mappings", self.mappings.clone()),
            ("aliases", self.aliases.clone()),
        ];
        for (name, part) in own {
            if !part.is_empty() {
                parts.insert(name.to_owned(), Value::Object(part));
            }
        }
        if !is_nested(self.kind) {
            return Value::Object(parts);
        }
        if !parts.is_empty() || self.kind == MetadataKind::ComponentTemplate {
            body.insert("template".to_owned(), Value::Object(parts));
        }
        Value::Object(body)
    }
}

/// Returns an object; null becomes an empty one.
fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        Value::Null => Some(Map::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_parts_of_a_component_template_are_in_template() {
        let body = json!({
            "template": { "settings": { "index": { "codec": "default" } }, "lifecycle": {} },
            "version": 4
        });
        let item = Item::read(MetadataKind::ComponentTemplate, "c", body).expect("an item");
        assert_eq!(item.settings.text("index.codec").as_deref(), Some("default"));
        let expected = json!({
            "version": 4,
            "template": { "lifecycle": {}, "settings": { "index.codec": "default" } }
        });
        assert_eq!(item.body(), expected);
    }

    #[test]
    fn the_parts_of_a_legacy_template_are_at_the_root() {
        let body = json!({ "order": 1, "template": "logs-*", "mappings": {}, "version": null });
        let item = Item::read(MetadataKind::LegacyTemplate, "l", body).expect("an item");
        assert_eq!(item.body(), json!({ "order": 1, "template": "logs-*" }));
    }

    #[test]
    fn the_version_that_made_an_index_counts() {
        let facts = crate::rule::trial::facts("ES 7.17", "OS 2.19");
        let made = |created: Value| {
            let body = json!({ "settings": { "index": { "version": { "created": created } } } });
            Item::read(MetadataKind::Index, "i", body).expect("an item").maker(&facts).to_string()
        };
        assert_eq!(made(json!("6082399")), "Elasticsearch 6.8.23");
        assert_eq!(made(json!(135_249_827)), "OpenSearch 1.3.20");
        assert_eq!(made(json!("unknown")), "Elasticsearch 7.17");
    }

    #[test]
    fn a_part_that_is_not_an_object_is_refused() {
        let error =
            Item::read(MetadataKind::Index, "i", json!({ "mappings": [] })).expect_err("no");
        assert_eq!(error.part, "mappings");
    }
}
