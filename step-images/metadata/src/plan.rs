//! What should be done with each item? No request is sent here.

use contract::{MetadataChoices, metadata::MetadataKind};
use serde_json::json;
use snapshot_repo::{GlobalMetadata, IndexMetadata, IndexState};
use transform::{Action, Facts, Openness, Proposal, SelectedIndices};

/// One item, and what should be done with it.
#[derive(Debug)]
pub(crate) struct PlannedItem {
    /// What it is.
    pub(crate) kind: MetadataKind,
    /// Its name.
    pub(crate) name: String,
    /// What should be done.
    pub(crate) action: Action,
    /// The changes and their reasons, one line each.
    pub(crate) changes: Vec<String>,
}

impl From<Proposal> for PlannedItem {
    fn from(proposal: Proposal) -> Self {
        let changes = proposal.lines().collect();
        let Proposal { kind, name, action, notes: _, changes: _ } = proposal;
        Self { kind, name, action, changes }
    }
}

/// Plans an index.
pub(crate) fn index(
    metadata: IndexMetadata,
    facts: &Facts,
    choices: &MetadataChoices,
) -> PlannedItem {
    let openness = match metadata.state {
        IndexState::Open => Openness::Open,
        IndexState::Close => Openness::Closed,
    };
    let body = json!({
        "settings": metadata.settings,
        "mappings": metadata.mappings,
        "aliases": metadata.aliases,
    });
    Proposal::index(metadata.name, openness, body, facts, choices).into()
}

/// Plans an index that the register step decided to skip.
pub(crate) fn skipped_index(name: &str) -> PlannedItem {
    PlannedItem {
        kind: MetadataKind::Index,
        name: name.to_owned(),
        action: Action::Skip(
            "it is on the target already, and `existingIndices` is `skip`".to_owned(),
        ),
        changes: Vec::new(),
    }
}

/// Plans all templates, in the order in which they depend on each other.
pub(crate) fn templates(
    global: GlobalMetadata,
    facts: &Facts,
    selected: &SelectedIndices<'_>,
    choices: &MetadataChoices,
) -> Vec<PlannedItem> {
    let proposals = transform::templates(
        global.component_templates,
        global.legacy_templates,
        global.index_templates,
        facts,
        selected,
        choices,
    );
    proposals.into_iter().map(PlannedItem::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn facts() -> Facts {
        let version = |text: &str| text.parse().expect("a version");
        Facts::of_versions(version("ES 7.17.29"), version("OS 2.19.4"))
    }

    #[test]
    fn component_templates_come_before_those_that_use_them() {
        let body = json!({ "index_patterns": ["logs-*"], "composed_of": ["c"] });
        let one = |name: &str| BTreeMap::from([(name.to_owned(), body.clone())]);
        let global = || GlobalMetadata {
            legacy_templates: one("l"),
            index_templates: one("i"),
            component_templates: one("c"),
            ..GlobalMetadata::default()
        };
        let planned = |pattern: &str| -> Vec<(String, bool)> {
            let selection = vec![pattern.to_owned()].try_into().expect("a pattern");
            let selected = SelectedIndices { selections: vec![&selection], names: Vec::new() };
            templates(global(), &facts(), &selected, &MetadataChoices::default())
                .into_iter()
                .map(|item| (item.name, matches!(item.action, Action::Create(_))))
                .collect()
        };
        let of = |made| ["c", "l", "i"].map(|name| (name.to_owned(), made));
        assert_eq!(planned("logs-1"), of(true));
        assert_eq!(planned("orders-*"), of(false));
    }

    #[test]
    fn an_index_that_the_target_cannot_represent_is_refused_with_the_reason() {
        let metadata = IndexMetadata {
            name: "metrics".to_owned(),
            uuid: None,
            state: IndexState::Close,
            number_of_shards: 1,
            created_version_id: None,
            settings: serde_json::Map::new(),
            mappings: json!({ "properties": { "h": { "type": "histogram" } } }),
            document_type: None,
            aliases: serde_json::Map::new(),
        };
        let item = index(metadata, &facts(), &MetadataChoices::default());
        let Action::Refuse(reason) = item.action else { panic!("refused") };
        assert!(reason.contains("`mappings.properties.h`"), "{reason}");
        assert!(item.changes[0].contains("closed"), "{:?}", item.changes);
    }
}
