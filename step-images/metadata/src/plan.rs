//! What is each item, and what is to be done with it? No cluster is asked here.

use serde_json::{Value, json};
use snapshot_repo::{GlobalMetadata, IndexMetadata, IndexState};
use step_api::metadata::MetadataKind;
use transform::{Item, ItemError, ItemKind, Transformed, Versions, apply, builtin_template};

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

/// What is to be done with an item.
#[derive(Debug)]
pub(crate) enum Task {
    /// Make it, unless it is there.
    Make(Box<Item>),
    /// It cannot be made; one that somebody else made will do.
    Refuse(String),
    /// Leave it out.
    Skip(String),
}

/// Plans an index.
pub(crate) fn index(metadata: IndexMetadata, versions: Versions) -> Work {
    let mut notes = Vec::new();
    if metadata.state == IndexState::Close {
        notes.push("it is closed on the source; on the target it is open".to_owned());
    }
    if metadata.name.starts_with(".ds-") {
        notes.push(
            "it is part of a data stream on the source; on the target it is an index by itself"
                .to_owned(),
        );
    }
    let body = json!({
        "settings": metadata.settings,
        "mappings": metadata.mappings,
        "aliases": metadata.aliases,
    });
    make(MetadataKind::Index, metadata.name, body, notes, versions)
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
pub(crate) fn templates(global: GlobalMetadata, versions: Versions) -> Vec<Work> {
    let kinds = [
        (MetadataKind::ComponentTemplate, global.component_templates),
        (MetadataKind::LegacyTemplate, global.legacy_templates),
        (MetadataKind::IndexTemplate, global.index_templates),
    ];
    let all = kinds
        .into_iter()
        .flat_map(|(kind, templates)| templates.into_iter().map(move |entry| (kind, entry)));
    all.map(|(kind, (name, body))| template(kind, name, body, versions)).collect()
}

fn template(kind: MetadataKind, name: String, body: Value, versions: Versions) -> Work {
    if let Some(reason) = builtin_template(&name, &body) {
        return Work { kind, name, task: Task::Skip(reason.to_owned()), changes: Vec::new() };
    }
    let mut notes = Vec::new();
    if body.get("data_stream").is_some_and(|value| !value.is_null()) {
        notes.push("it makes data streams, on the target too".to_owned());
    }
    make(kind, name, body, notes, versions)
}

fn make(
    kind: MetadataKind,
    name: String,
    body: Value,
    mut changes: Vec<String>,
    versions: Versions,
) -> Work {
    let item_kind = match kind {
        MetadataKind::LegacyTemplate => ItemKind::LegacyTemplate,
        MetadataKind::ComponentTemplate => ItemKind::ComponentTemplate,
        MetadataKind::IndexTemplate => ItemKind::IndexTemplate,
        MetadataKind::Index => ItemKind::Index,
    };
    let read: Result<Item, ItemError> = Item::read(item_kind, &name, body);
    let transformed = match read {
        Ok(item) => apply(item, versions),
        Err(error) => {
            return Work { kind, name, task: Task::Refuse(error.to_string()), changes };
        }
    };
    changes.extend(transformed.changes.iter().map(ToString::to_string));
    let unsupported: Vec<String> = transformed.unsupported().map(ToString::to_string).collect();
    let Transformed { item, changes: _ } = transformed;
    let task = if unsupported.is_empty() {
        Task::Make(Box::new(item))
    } else {
        Task::Refuse(unsupported.join("; "))
    };
    Work { kind, name, task, changes }
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
        let one = |name: &str| BTreeMap::from([(name.to_owned(), json!({}))]);
        let global = GlobalMetadata {
            legacy_templates: one("l"),
            index_templates: one("i"),
            component_templates: one("c"),
            ..GlobalMetadata::default()
        };
        let names: Vec<String> =
            templates(global, versions()).into_iter().map(|work| work.name).collect();
        assert_eq!(names, ["c", "l", "i"]);
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
