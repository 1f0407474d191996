//! What should be done with each item? The metadata step and `workflow plan` call the same
//! functions, so the plan and the migration cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    apply::{Transformation, apply},
    builtin::builtin_reason,
    change::Change,
    facts::Facts,
    item::{Item, MetadataKind},
    relevance::{self, SelectedIndices},
};

/// What should be done with one item, and why.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it is.
    pub kind: MetadataKind,
    /// Its name.
    pub name: String,
    /// What should be done.
    pub action: Action,
    /// What the owner should know besides the changes.
    pub notes: Vec<String>,
    /// The changes of the rules, in their order.
    pub changes: Vec<Change>,
}

/// What should be done with an item.
#[derive(Clone, Debug)]
pub enum Action {
    /// Create it, unless it exists.
    Create(Box<Item>),
    /// Refuse to create it, for this reason; an existing one is accepted.
    Refuse(String),
    /// Do not migrate it, for this reason.
    Skip(String),
}

/// Whether an index is open for reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// The index is open.
    Open,
    /// The index is closed.
    Closed,
}

impl Proposal {
    /// Returns the proposal for an index whose `body` has settings, mappings and aliases.
    pub fn index(name: String, openness: Openness, body: Value, facts: &Facts) -> Self {
        let mut notes = Vec::new();
        if openness == Openness::Closed {
            notes.push("it is closed on the source, and will be open on the target".to_owned());
        }
        if name.starts_with(".ds-") {
            notes.push(
                "it is part of a data stream on the source, and will be a separate index on the target"
                    .to_owned(),
            );
        }
        create(MetadataKind::Index, name, body, notes, facts)
    }

    /// Returns notes and changes, one line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.notes.iter().cloned().chain(self.changes.iter().map(ToString::to_string))
    }
}

/// Returns the proposals for all templates, in the order in which they depend on each other.
/// Templates that do not belong to the `selected` indices are skipped.
pub fn templates(
    component: BTreeMap<String, Value>,
    legacy: BTreeMap<String, Value>,
    index: BTreeMap<String, Value>,
    facts: &Facts,
    selected: &SelectedIndices<'_>,
) -> Vec<Proposal> {
    let (mut used, mut used_by_others) = (BTreeSet::new(), BTreeSet::new());
    let mut used_by_user = BTreeSet::new();
    for (name, body) in &index {
        let is_builtin = builtin_reason(name, body).is_some();
        // Elasticsearch has the same product templates, and they use components of the user, such as
        // `logs@custom`.
        let is_skipped = selected.exclusion_reason(body).is_some()
            || (is_builtin && facts.target.version.is_opensearch());
        let components = if is_skipped { &mut used_by_others } else { &mut used };
        components.extend(relevance::components(body));
        if !is_skipped && !is_builtin {
            used_by_user.extend(relevance::components(body));
        }
    }
    // The other product does not have the components of this one, and templates of users need them.
    let other_product = facts.source.version.distribution != facts.target.version.distribution;
    let is_needed = |kind, name: &String| {
        let is_there = facts.target.managed_templates.known().is_some_and(|it| it.contains(name));
        kind == MetadataKind::ComponentTemplate
            && other_product
            && used_by_user.contains(name)
            && !is_there
    };
    let kinds = [
        (MetadataKind::ComponentTemplate, component),
        (MetadataKind::LegacyTemplate, legacy),
        (MetadataKind::IndexTemplate, index),
    ];
    let all = kinds
        .into_iter()
        .flat_map(|(kind, templates)| templates.into_iter().map(move |entry| (kind, entry)));
    all.map(|(kind, (name, body))| {
        let exclusion = match kind {
            MetadataKind::ComponentTemplate => {
                selected.component_exclusion_reason(&name, &used, &used_by_others)
            }
            _ => selected.exclusion_reason(&body),
        };
        let builtin = builtin_reason(&name, &body).filter(|_| !is_needed(kind, &name));
        template(kind, name, body, builtin.map(str::to_owned).or(exclusion), facts)
    })
    .collect()
}

fn template(
    kind: MetadataKind,
    name: String,
    body: Value,
    exclusion: Option<String>,
    facts: &Facts,
) -> Proposal {
    if let Some(reason) = exclusion {
        let action = Action::Skip(reason);
        return Proposal { kind, name, action, notes: Vec::new(), changes: Vec::new() };
    }
    let mut notes = Vec::new();
    if body.get("data_stream").is_some_and(|value| !value.is_null()) {
        notes.push("it creates data streams, also on the target".to_owned());
    }
    create(kind, name, body, notes, facts)
}

fn create(
    kind: MetadataKind,
    name: String,
    body: Value,
    notes: Vec<String>,
    facts: &Facts,
) -> Proposal {
    let transformation = match Item::read(kind, &name, body) {
        Ok(item) => apply(item, facts),
        Err(error) => {
            let action = Action::Refuse(error.to_string());
            return Proposal { kind, name, action, notes, changes: Vec::new() };
        }
    };
    let unsupported: Vec<String> = transformation.unsupported().map(ToString::to_string).collect();
    let Transformation { item, changes } = transformation;
    let action = if unsupported.is_empty() {
        Action::Create(Box::new(item))
    } else {
        Action::Refuse(unsupported.join("; "))
    };
    Proposal { kind, name, action, notes, changes }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::trial;

    /// Returns the names of the templates that are created.
    fn created(pair: (&str, &str), components: &Value, index: &Value) -> Vec<String> {
        let map = |value: &Value| -> BTreeMap<String, Value> {
            value.as_object().cloned().unwrap_or_default().into_iter().collect()
        };
        let selection = vec!["*".to_owned()].try_into().expect("a pattern");
        let selected = SelectedIndices { selections: vec![&selection], names: Vec::new() };
        let facts = trial::facts(pair.0, pair.1);
        let proposals = templates(map(components), BTreeMap::new(), map(index), &facts, &selected);
        let created = proposals.into_iter().filter(|it| matches!(it.action, Action::Create(_)));
        created.map(|proposal| proposal.name).collect()
    }

    #[test]
    fn components_of_users_are_migrated_whatever_their_name_is() {
        let managed = json!({ "_meta": { "managed": true }, "template": {} });
        let own = json!({ "template": { "mappings": {} } });
        let components = json!({ "ecs@mappings": managed, "logs@settings": managed,
            "logs@custom": own, "shop@v2": own });
        let index = json!({
            "logs": { "index_patterns": ["logs-*-*"], "_meta": { "managed": true },
                      "composed_of": ["logs@settings", "logs@custom"] },
            "shop": { "index_patterns": ["shop-*"], "composed_of": ["shop@v2", "ecs@mappings"] }
        });
        let to_opensearch = created(("ES 8.19", "OS 3.4"), &components, &index);
        assert_eq!(to_opensearch, ["ecs@mappings", "shop@v2", "shop"]);
        let to_elasticsearch = created(("ES 8.19", "ES 9.2"), &components, &index);
        assert_eq!(to_elasticsearch, ["logs@custom", "shop@v2", "shop"]);
    }
}
