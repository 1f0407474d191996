//! What should be done with each item? The metadata step and `workflow plan` call the same
//! functions, so the plan and the migration cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use contract::{MetadataChoices, TemplateChoice};
use serde_json::Value;

use crate::{
    apply::{Transformation, apply_with},
    builtin::builtin_reason,
    change::Change,
    facts::Facts,
    item::{Item, MetadataKind},
    relevance::{self, SelectedIndices},
    suggested_override,
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
    pub fn index(
        name: String,
        openness: Openness,
        body: Value,
        facts: &Facts,
        choices: &MetadataChoices,
    ) -> Self {
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
        create(MetadataKind::Index, name, body, notes, facts, choices)
    }

    /// Returns notes and changes, one line each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.notes.iter().cloned().chain(self.changes.iter().map(ToString::to_string))
    }
}

/// Returns the proposals for all templates, in the order in which they depend on each other.
/// Templates that do not belong to the `selected` indices are skipped, unless the user names them.
pub fn templates(
    component: BTreeMap<String, Value>,
    legacy: BTreeMap<String, Value>,
    index: BTreeMap<String, Value>,
    facts: &Facts,
    selected: &SelectedIndices<'_>,
    choices: &MetadataChoices,
) -> Vec<Proposal> {
    let choice = TemplateSelection {
        used: UsedComponents::new(&index, facts, selected, &choices.templates),
        facts,
        selected,
        choice: &choices.templates,
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
        let skipped = choice.skip_reason(kind, &name, &body);
        template(kind, name, body, skipped, facts, choices)
    })
    .collect()
}

/// The component templates that composable templates use.
#[derive(Default)]
struct UsedComponents {
    /// Those of templates that are migrated, or that the target has itself.
    migrated: BTreeSet<String>,
    /// Those of templates of the user that are migrated.
    users: BTreeSet<String>,
    /// Those of other templates.
    skipped: BTreeSet<String>,
}

impl UsedComponents {
    fn new(
        templates: &BTreeMap<String, Value>,
        facts: &Facts,
        selected: &SelectedIndices<'_>,
        choice: &TemplateChoice,
    ) -> Self {
        let mut used = Self::default();
        for (name, body) in templates {
            let is_included = choice.is_included(name);
            let is_builtin = !is_included && builtin_reason(name, body).is_some();
            // Elasticsearch has the same product templates, and they use components of the user,
            // such as `logs@custom`.
            let is_elsewhere = selected.exclusion_reason(body).is_some()
                || (is_builtin && facts.target.version.is_opensearch());
            let is_skipped =
                choice.exclusion_or_omission(name).is_some() || (is_elsewhere && !is_included);
            let components = if is_skipped { &mut used.skipped } else { &mut used.migrated };
            components.extend(relevance::components(body));
            if !is_skipped && !is_builtin {
                used.users.extend(relevance::components(body));
            }
        }
        used
    }
}

/// Which templates are migrated?
struct TemplateSelection<'a> {
    used: UsedComponents,
    facts: &'a Facts,
    selected: &'a SelectedIndices<'a>,
    choice: &'a TemplateChoice,
}

impl TemplateSelection<'_> {
    /// Returns why a template is not migrated. What the user says comes before what it is.
    fn skip_reason(&self, kind: MetadataKind, name: &str, body: &Value) -> Option<String> {
        let Self { used, facts: _, selected, choice } = self;
        let is_component = kind == MetadataKind::ComponentTemplate;
        let by_user = if is_component && used.migrated.contains(name) {
            // What a template needs comes with it.
            choice.exclusion(name)
        } else {
            choice.exclusion_or_omission(name)
        };
        if by_user.is_some() || choice.is_included(name) {
            return by_user;
        }
        let builtin =
            builtin_reason(name, body).filter(|_| !(is_component && self.is_needed(name)));
        builtin.map(str::to_owned).or_else(|| {
            if is_component {
                selected.component_exclusion_reason(name, &used.migrated, &used.skipped)
            } else {
                selected.exclusion_reason(body)
            }
        })
    }

    /// Returns whether a component of the source's product is needed: the other product does not
    /// have it, and templates of users need it.
    fn is_needed(&self, component: &str) -> bool {
        let Facts { source, target } = self.facts;
        let is_there = target.managed_templates.known().is_some_and(|it| it.contains(component));
        source.version.distribution != target.version.distribution
            && self.used.users.contains(component)
            && !is_there
    }
}

fn template(
    kind: MetadataKind,
    name: String,
    body: Value,
    skipped: Option<String>,
    facts: &Facts,
    choices: &MetadataChoices,
) -> Proposal {
    if let Some(reason) = skipped {
        let action = Action::Skip(reason);
        return Proposal { kind, name, action, notes: Vec::new(), changes: Vec::new() };
    }
    let mut notes = Vec::new();
    if body.get("data_stream").is_some_and(|value| !value.is_null()) {
        notes.push("it creates data streams, also on the target".to_owned());
    }
    create(kind, name, body, notes, facts, choices)
}

fn create(
    kind: MetadataKind,
    name: String,
    body: Value,
    notes: Vec<String>,
    facts: &Facts,
    choices: &MetadataChoices,
) -> Proposal {
    let transformation = match Item::read(kind, &name, body) {
        Ok(item) => apply_with(item, facts, choices),
        Err(error) => {
            let action = Action::Refuse(error.to_string());
            return Proposal { kind, name, action, notes, changes: Vec::new() };
        }
    };
    let unsupported: Vec<String> = transformation.unsupported().map(ToString::to_string).collect();
    let lines = suggested_override::lines(&transformation.item, transformation.unsupported());
    let Transformation { item, changes } = transformation;
    let action = if unsupported.is_empty() {
        Action::Create(Box::new(item))
    } else {
        let unsupported = unsupported.join("; ");
        Action::Refuse(match lines {
            Some(lines) => format!("{unsupported}; or write in the group: `{lines}`"),
            None => unsupported,
        })
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
        created_of(pair, components, index, &json!({}))
    }

    /// The same, of the templates that the user chooses.
    fn created_of(
        pair: (&str, &str),
        components: &Value,
        index: &Value,
        choice: &Value,
    ) -> Vec<String> {
        let map = |value: &Value| -> BTreeMap<String, Value> {
            value.as_object().cloned().unwrap_or_default().into_iter().collect()
        };
        let selection = vec!["*".to_owned()].try_into().expect("a pattern");
        let selected = SelectedIndices { selections: vec![&selection], names: Vec::new() };
        let facts = trial::facts(pair.0, pair.1);
        let choices = serde_json::from_value(json!({ "templates": choice })).expect("choices");
        let (components, index) = (map(components), map(index));
        let proposals = templates(components, BTreeMap::new(), index, &facts, &selected, &choices);
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

    #[test]
    fn the_user_chooses_templates_and_what_they_need_comes_with_them() {
        let managed = json!({ "_meta": { "managed": true }, "template": {} });
        let own = json!({ "template": { "mappings": {} } });
        let components = json!({ "needed": own, "unused": own, "unwanted": own });
        let index = json!({
            "Shop": { "index_patterns": ["shop-*"], "composed_of": ["needed", "unwanted"] },
            "logs": { "index_patterns": ["logs-*"] },
            "hidden": { "index_patterns": [".hidden-*"] },
            "product": managed,
        });
        let chosen =
            |choice: Value| created_of(("ES 7.17", "OS 2.19"), &components, &index, &choice);
        assert_eq!(chosen(json!({})), ["needed", "unused", "unwanted", "Shop", "logs"]);
        assert_eq!(chosen(json!({ "exclude": ["unwanted", "l*"] })), ["needed", "unused", "Shop"]);
        assert_eq!(
            chosen(json!({ "include": ["Sho*", "hidden", "product"], "exclude": ["unwanted"] })),
            ["needed", "Shop", "hidden", "product"]
        );
    }
}
