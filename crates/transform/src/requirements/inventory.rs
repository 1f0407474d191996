//! What does the target have, and what does an item require that is missing there?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    find::{Requirement, requirements},
    kind::RequirementKind,
};
use crate::item::Item;

/// What the target has, by kind; for a kind that could not be listed, the reason.
#[derive(Clone, Debug, Default)]
pub struct Inventory(BTreeMap<RequirementKind, Result<BTreeSet<String>, String>>);

impl Inventory {
    /// Records the target's response from the endpoint of a kind.
    pub fn record(&mut self, kind: RequirementKind, response: &Value) {
        let unexpected = || "the target responded in an unexpected form".to_owned();
        self.0.insert(kind, kind.names(response).ok_or_else(unexpected));
    }

    /// Records that the target responded with this error status, or not at all.
    pub fn record_error(&mut self, kind: RequirementKind, status: Option<u16>, reason: String) {
        // These statuses mean that the server has none, or does not have the API. The API for
        // plugins exists everywhere, so a failure there is an error.
        let none = kind != RequirementKind::Plugin && matches!(status, Some(400 | 404 | 405));
        self.0.insert(kind, if none { Ok(BTreeSet::new()) } else { Err(reason) });
    }

    /// Adds things of a kind that the target has, or will have before the item is created.
    pub fn add(&mut self, kind: RequirementKind, names: impl IntoIterator<Item = String>) {
        if let Ok(known) = self.0.entry(kind).or_insert_with(|| Ok(BTreeSet::new())) {
            known.extend(names);
        }
    }

    /// Returns whether a kind that a server can list has not been recorded yet.
    pub fn is_unread(&self, kind: RequirementKind) -> bool {
        kind.endpoint().is_some() && !self.0.contains_key(&kind)
    }

    /// Returns a line for each requirement of the item that is missing on the target, or may be.
    pub fn missing(&self, item: &Item) -> Vec<String> {
        requirements(item).iter().filter_map(|requirement| self.line(requirement)).collect()
    }

    fn line(&self, requirement: &Requirement) -> Option<String> {
        let Requirement { kind, name, path } = requirement;
        let state = match (kind, self.0.get(kind)) {
            (_, Some(Ok(known))) if known.contains(name) => return None,
            (_, Some(Ok(_))) => "which the target does not have".to_owned(),
            (_, Some(Err(reason))) => {
                format!("and it is unknown whether the target has it ({reason})")
            }
            (RequirementKind::File, None) => {
                "and servers do not report which files they have".to_owned()
            }
            (_, None) => "and it was not checked whether the target has it".to_owned(),
        };
        let consequence = kind.consequence();
        Some(format!("`{path}` uses {kind} `{name}`, {state}: {consequence} [requirements]"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::item::MetadataKind;

    fn index(body: Value) -> Item {
        Item::read(MetadataKind::Index, "i", body).expect("an item")
    }

    #[test]
    fn only_what_the_target_lacks_is_reported_with_its_path() {
        let item = index(json!({ "settings": {
            "default_pipeline": "there", "final_pipeline": "gone", "lifecycle.name": "keep" } }));
        let mut inventory = Inventory::default();
        inventory.record(RequirementKind::IngestPipeline, &json!({ "there": {}, "other": {} }));
        inventory.record_error(
            RequirementKind::LifecyclePolicy,
            Some(403),
            "not permitted".to_owned(),
        );
        let lines = inventory.missing(&item);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let begin = "`settings.index.final_pipeline` uses ingest pipeline `gone`, which the target \
                     does not have: ";
        assert!(lines[0].starts_with(begin), "{}", lines[0]);
        assert!(lines[1].contains("it is unknown whether the target has it (not permitted)"));
    }

    #[test]
    fn a_server_without_the_api_of_a_kind_has_none_of_it() {
        let item = index(json!({ "settings": { "default_pipeline": "p", "lifecycle.name": "l",
            "analysis.filter.f.type": "phonetic" } }));
        let mut inventory = Inventory::default();
        for (kind, status) in [
            (RequirementKind::IngestPipeline, 404),
            (RequirementKind::LifecyclePolicy, 405),
            (RequirementKind::Plugin, 404),
        ] {
            inventory.record_error(kind, Some(status), format!("status {status}"));
        }
        let lines = inventory.missing(&item);
        let is_missing = |line: &&String| line.contains("which the target does not have");
        assert_eq!(lines.iter().filter(is_missing).count(), 2, "{lines:?}");
        assert!(lines[2].contains("it is unknown"), "{lines:?}");
        assert!(lines[2].contains("(status 404)"), "{lines:?}");
    }

    #[test]
    fn components_that_may_be_missing_are_not_required() {
        let body = json!({ "index_patterns": ["a"], "composed_of": ["ours", "ecs@mappings", "may"],
            "ignore_missing_component_templates": ["may"] });
        let item = Item::read(MetadataKind::IndexTemplate, "t", body).expect("an item");
        let mut inventory = Inventory::default();
        inventory.add(RequirementKind::ComponentTemplate, ["ours".to_owned()]);
        let lines = inventory.missing(&item);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("`ecs@mappings`"), "{}", lines[0]);
    }

    #[test]
    fn a_file_is_always_reported() {
        let item = index(json!({ "settings": { "analysis.filter.s": {
            "type": "synonym", "synonyms_path": "analysis/s.txt" } } }));
        let lines = Inventory::default().missing(&item);
        assert!(lines[0].contains("servers do not report which files"), "{lines:?}");
    }
}
