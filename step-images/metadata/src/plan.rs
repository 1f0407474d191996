//! What is each item, and what is to be done with it? No cluster is asked here.

use contract::metadata::MetadataKind;
use serde_json::json;
use snapshot_repo::{GlobalMetadata, IndexMetadata, IndexState};
use transform::{Openness, Proposal, Task, Versions, Wanted};

/// One item on its way.
#[derive(Debug)]
pub(crate) struct Work {
    /// What it is.
    pub(crate) kind: MetadataKind,
    /// Its name.
    pub(crate) name: String,
    /// What is to be done.
    pub(crate) task: Task,
    /// What was changed on the way and why, a line each.
    pub(crate) changes: Vec<String>,
}

impl From<Proposal> for Work {
    fn from(proposal: Proposal) -> Self {
        let changes = proposal.lines().collect();
        let Proposal { kind, name, task, notes: _, changes: _ } = proposal;
        Self { kind, name, task, changes }
    }
}

/// Plans an index.
pub(crate) fn index(metadata: IndexMetadata, versions: Versions) -> Work {
    let openness = match metadata.state {
        IndexState::Open => Openness::Open,
        IndexState::Close => Openness::Closed,
    };
    let body = json!({
        "settings": metadata.settings,
        "mappings": metadata.mappings,
        "aliases": metadata.aliases,
    });
    Proposal::index(metadata.name, openness, body, versions).into()
}

/// Plans an index that the register step decided to leave alone.
pub(crate) fn skipped_index(name: &str) -> Work {
    Work {
        kind: MetadataKind::Index,
        name: name.to_owned(),
        task: Task::Skip("it is on the target already and `existingIndices` is `skip`".to_owned()),
        changes: Vec::new(),
    }
}

/// Plans all templates, in the order in which they need each other.
pub(crate) fn templates(
    global: GlobalMetadata,
    versions: Versions,
    wanted: &Wanted<'_>,
) -> Vec<Work> {
    let proposals = transform::templates(
        global.component_templates,
        global.legacy_templates,
        global.index_templates,
        versions,
        wanted,
    );
    proposals.into_iter().map(Work::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn versions() -> Versions {
        Versions {
            source: "ES 7.17.29".parse().expect("a version"),
            target: "OS 2.19.4".parse().expect("a version"),
        }
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
            let wanted = Wanted { selections: vec![&selection], names: Vec::new() };
            templates(global(), versions(), &wanted)
                .into_iter()
                .map(|work| (work.name, matches!(work.task, Task::Make(_))))
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
        let work = index(metadata, versions());
        let Task::Refuse(reason) = work.task else { panic!("refused") };
        assert!(reason.contains("`mappings.properties.h`"), "{reason}");
        assert!(work.changes[0].contains("closed"), "{:?}", work.changes);
    }
}
