//! What did the user decide about the metadata of a group?
//!
//! The rules of a migration decide how an item looks on the target. The user has the last word:
//! which templates are migrated, which rules are off, and what an item has after the rules.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::name_patterns::NamePatterns;

/// The decisions about the metadata of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataChoices {
    /// The templates that are migrated.
    #[serde(default, skip_serializing_if = "TemplateChoice::is_default")]
    pub templates: TemplateChoice,
    /// The ids of the rules that are off.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disabled_rules: BTreeSet<String>,
    /// What items have after the rules; later ones come after earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<MetadataOverride>,
}

/// Which templates are migrated, components among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateChoice {
    /// The templates that are migrated, whatever their index patterns are; those that belong to
    /// the group's indices when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<NamePatterns>,
    /// The templates that are not migrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<NamePatterns>,
}

/// What the items of some names have after the rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataOverride {
    /// The kind of the items.
    pub kind: OverrideKind,
    /// Their names.
    pub names: NamePatterns,
    /// Settings by name, in any notation; `null` removes one and all below it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// A JSON merge patch (RFC 7396) of the mappings: `null` removes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub mappings: Map<String, Value>,
    /// A JSON merge patch of the aliases by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub aliases: Map<String, Value>,
}

/// The kind of the items that an override changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OverrideKind {
    /// Indices.
    Index,
    /// Legacy and composable templates.
    Template,
    /// Component templates.
    Component,
}

impl MetadataChoices {
    /// Returns whether the user decided nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether a rule is on.
    pub fn is_enabled(&self, rule: &str) -> bool {
        !self.disabled_rules.contains(rule)
    }

    /// Returns the overrides of an item, in their order.
    pub fn overrides_of(
        &self,
        kind: OverrideKind,
        name: &str,
    ) -> impl Iterator<Item = &MetadataOverride> {
        self.overrides.iter().filter(move |it| it.kind == kind && it.names.matches(name))
    }
}

impl TemplateChoice {
    /// Returns whether the user names this template as one to migrate.
    pub fn is_included(&self, name: &str) -> bool {
        self.include.as_ref().is_some_and(|include| include.matches(name))
    }

    /// Returns why the user does not want a template that others need.
    pub fn exclusion(&self, name: &str) -> Option<String> {
        let excluded = self.exclude.as_ref().is_some_and(|exclude| exclude.matches(name));
        excluded.then(|| "`templates.exclude` of the group names it".to_owned())
    }

    /// Returns why the user does not want a template that nothing needs.
    pub fn exclusion_or_omission(&self, name: &str) -> Option<String> {
        self.exclusion(name).or_else(|| {
            let omitted = self.include.is_some() && !self.is_included(name);
            omitted.then(|| "`templates.include` of the group does not name it".to_owned())
        })
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl OverrideKind {
    /// Returns the key under which the migration file names the items.
    pub fn key(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Template => "template",
            Self::Component => "component",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_decision_is_an_empty_object() {
        let choices = MetadataChoices::default();
        assert!(choices.is_default() && choices.is_enabled("codec"));
        assert_eq!(serde_json::to_value(&choices).expect("JSON"), json!({}));
        let read: MetadataChoices = serde_json::from_value(json!({})).expect("no decision");
        assert!(read.is_default());
    }

    #[test]
    fn an_override_is_for_a_kind_and_names() {
        let of = json!({ "overrides": [
            { "kind": "template", "names": ["Shop-*"], "settings": { "number_of_replicas": 0 } },
            { "kind": "index", "names": ["regex:shop-[0-9]+"] },
        ] });
        let choices: MetadataChoices = serde_json::from_value(of).expect("two overrides");
        let count = |kind, name| choices.overrides_of(kind, name).count();
        assert_eq!(count(OverrideKind::Template, "Shop-1"), 1);
        assert_eq!(count(OverrideKind::Component, "Shop-1"), 0);
        assert_eq!(count(OverrideKind::Index, "shop-1"), 1);
        assert_eq!(count(OverrideKind::Index, "shop-a"), 0);
    }
}
