//! What is each item, and what is to be done with it? The metadata step and `workflow plan` ask
//! the same functions, so what is shown and what is done cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    apply::{Transformed, apply},
    builtin::builtin_template,
    change::Change,
    item::{Item, MetadataKind},
    relevance::{self, Wanted},
    rule::Versions,
};

/// What is to be done with one item, and why.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it is.
    pub kind: MetadataKind,
    /// Its name.
    pub name: String,
    /// What is to be done.
    pub task: Task,
    /// What its owner should know, besides the changes.
    pub notes: Vec<String>,
    /// What the rules changed, in their order.
    pub changes: Vec<Change>,
}

/// What is to be done with an item.
#[derive(Clone, Debug)]
pub enum Task {
    /// Make it, unless it is there.
    Make(Box<Item>),
    /// It cannot be made; one that somebody else made will do.
    Refuse(String),
    /// Leave it out.
    Skip(String),
}

/// Whether an index takes reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

impl Proposal {
    /// Proposes what becomes of an index with `settings`, `mappings` and `aliases` of `body`.
    pub fn index(name: String, openness: Openness, body: Value, versions: Versions) -> Self {
        let mut notes = Vec::new();
        if openness == Openness::Closed {
            notes.push("it is closed on the source; on the target it is open".to_owned());
        }
        if name.starts_with(".ds-") {
            notes.push(
                "it is part of a data stream on the source; on the target it is an index by itself"
                    .to_owned(),
            );
        }
        make(MetadataKind::Index, name, body, notes, versions)
    }

    /// Returns notes and changes, a line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.notes.iter().cloned().chain(self.changes.iter().map(ToString::to_string))
    }
}

/// Proposes what becomes of all templates, in the order in which they need each other; those that
/// have nothing to do with what is `wanted` are left out.
pub fn templates(
    component: BTreeMap<String, Value>,
    legacy: BTreeMap<String, Value>,
    index: BTreeMap<String, Value>,
    versions: Versions,
    wanted: &Wanted<'_>,
) -> Vec<Proposal> {
    let (mut used, mut of_others) = (BTreeSet::new(), BTreeSet::new());
    for (name, body) in &index {
        let left_out = builtin_template(name, body).is_some() || wanted.passes_over(body).is_some();
        let users = if left_out { &mut of_others } else { &mut used };
        users.extend(relevance::components(body));
    }
    let kinds = [
        (MetadataKind::ComponentTemplate, component),
        (MetadataKind::LegacyTemplate, legacy),
        (MetadataKind::IndexTemplate, index),
    ];
    let all = kinds
        .into_iter()
        .flat_map(|(kind, templates)| templates.into_iter().map(move |entry| (kind, entry)));
    all.map(|(kind, (name, body))| {
        let passed_over = match kind {
            MetadataKind::ComponentTemplate => {
                wanted.passes_over_component(&name, &used, &of_others)
            }
            _ => wanted.passes_over(&body),
        };
        template(kind, name, body, passed_over, versions)
    })
    .collect()
}

fn template(
    kind: MetadataKind,
    name: String,
    body: Value,
    passed_over: Option<String>,
    versions: Versions,
) -> Proposal {
    let builtin = builtin_template(&name, &body).map(str::to_owned);
    if let Some(reason) = builtin.or(passed_over) {
        let task = Task::Skip(reason);
        return Proposal { kind, name, task, notes: Vec::new(), changes: Vec::new() };
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
    notes: Vec<String>,
    versions: Versions,
) -> Proposal {
    let transformed = match Item::read(kind, &name, body) {
        Ok(item) => apply(item, versions),
        Err(error) => {
            let task = Task::Refuse(error.to_string());
            return Proposal { kind, name, task, notes, changes: Vec::new() };
        }
    };
    let unsupported: Vec<String> = transformed.unsupported().map(ToString::to_string).collect();
    let Transformed { item, changes } = transformed;
    let task = if unsupported.is_empty() {
        Task::Make(Box::new(item))
    } else {
        Task::Refuse(unsupported.join("; "))
    };
    Proposal { kind, name, task, notes, changes }
}
