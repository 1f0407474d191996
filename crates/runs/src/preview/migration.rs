//! What becomes of each index and template of a migration? Pure; the answers are those of the
//! functions that the register and metadata steps call.

use std::collections::BTreeMap;

use cluster::indices::IndexSummary;
use contract::{
    Group, GroupName, MetadataChoices, ServerVersion, SnapshotChoice, Treatment,
    metadata::MetadataKind, selection,
};
use generator::plan::{PlannedMigration, PlannedOrigin};
use serde::Serialize;
use serde_json::Value;
use transform::{
    Action, Facts, Inventory, Item, Openness, Proposal, RequirementKind, SelectedIndices,
    difference,
};

use super::read::{Source, Target};

/// What a migration would change.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationPreview {
    /// The migration's name.
    pub name: String,
    /// The source cluster.
    pub source: ClusterPreview,
    /// The target cluster.
    pub target: ClusterPreview,
    /// What would stop the migration.
    pub problems: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The groups, in their order.
    pub groups: Vec<GroupPreview>,
    /// The templates of the source.
    pub templates: Vec<TemplatePreview>,
}

/// A cluster with its version, or why the version is unknown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPreview {
    /// The name in the migration file.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Why it could not be read.
    pub not_looked_at: Option<String>,
}

/// The indices of a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupPreview {
    /// The group's name.
    pub name: String,
    /// The indices that its patterns select.
    pub indices: Vec<IndexPreview>,
}

/// What becomes of an index.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexPreview {
    /// The index's name.
    pub name: String,
    /// The number of primary shards.
    pub shards: Option<u64>,
    /// The number of documents.
    pub documents: Option<u64>,
    /// The size of the primary shards.
    pub bytes: Option<u64>,
    /// What is under its name on the target.
    pub on_target: Option<OnTarget>,
    /// Whether its metadata was compared; not without metadata to migrate or a target version.
    pub examined: bool,
    /// Why it cannot be made.
    pub refused: Option<String>,
    /// What changes and why; how it differs if it is on the target already.
    pub changes: Vec<String>,
}

/// An index that is on the target already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnTarget {
    /// The number of documents that it holds there.
    pub documents: u64,
    /// What the migration does with it.
    pub treatment: Treatment,
}

/// What becomes of a template.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplatePreview {
    /// What kind of template.
    pub kind: MetadataKind,
    /// The template's name.
    pub name: String,
    /// Whether the target has one of that name.
    pub exists: bool,
    /// Why it is not migrated.
    pub left_out: Option<String>,
    /// Why it cannot be created.
    pub refused: Option<String>,
    /// What changes and why; how it differs if it is on the target already.
    pub changes: Vec<String>,
}

/// Returns the groups of a migration as the register step gets them.
pub(super) fn groups(planned: &PlannedMigration) -> Vec<Group> {
    planned.groups.iter().map(|group| group.group.clone()).collect()
}

/// Returns what would change. The part of a cluster that could not be read stays empty.
pub(super) fn preview(
    planned: &PlannedMigration,
    source: Result<Source, String>,
    target: Result<Target, String>,
) -> MigrationPreview {
    let mut preview = MigrationPreview {
        name: planned.name.clone(),
        source: cluster(&planned.source_name, source.as_ref().map(|source| source.version)),
        target: cluster(&planned.target.name, target.as_ref().map(|target| target.version)),
        problems: Vec::new(),
        notes: Vec::new(),
        groups: Vec::new(),
        templates: Vec::new(),
    };
    let target = target.ok();
    if let Some(target) = &target {
        preview.notes.extend(target.unseen.lines(&planned.target.name));
    }
    let Ok(source) = source else { return preview };
    preview.notes.extend(source.unseen.lines(&planned.source_name));
    let PlannedOrigin::Snapshot(origin) = &planned.origin;
    if let SnapshotChoice::Existing { name } = &origin.snapshot {
        preview.notes.push(format!(
            "these are the indices that the source has now; the migration will use those in \
             snapshot `{name}`"
        ));
    }
    let target_version = target.as_ref().map(|target| target.version).or(planned.target.version);
    let facts = target_version.map(|version| Facts {
        source: source.version.into(),
        target: target.as_ref().map_or_else(|| version.into(), |target| target.facts.clone()),
    });

    let groups = groups(planned);
    let names: Vec<String> = source.indices.iter().map(|index| index.name.clone()).collect();
    let selected = selection::select(&groups, &names);
    preview.problems.extend(selected.problems);
    if !selected.passed_over.is_empty() {
        preview.notes.push(format!(
            "not selected, because their names begin with a dot (a pattern that begins with a dot \
             selects them): `{}`",
            selected.passed_over.join("`, `")
        ));
    }
    for picked in &selected.groups {
        let rules = facts.as_ref().zip(choices(planned, &picked.group.name));
        let indices = source.indices.iter().filter(|index| picked.indices.contains(&index.name));
        let indices = indices
            .map(|summary| {
                let body = source.bodies.get(&summary.name).cloned();
                index(summary, body, picked.group, target.as_ref(), rules, &mut preview.problems)
            })
            .collect();
        preview.groups.push(GroupPreview { name: picked.group.name.to_string(), indices });
    }
    if let Some(facts) = &facts {
        // Groups with the same choices are one question: files have thousands of groups.
        let mut by_choices: Vec<(&MetadataChoices, SelectedIndices<'_>)> = Vec::new();
        for picked in &selected.groups {
            let Some(choices) = choices(planned, &picked.group.name) else { continue };
            let known = by_choices.iter().position(|(known, _)| *known == choices);
            let place = known.unwrap_or_else(|| {
                by_choices.push((choices, SelectedIndices::default()));
                by_choices.len() - 1
            });
            if let Some((_, wanted)) = by_choices.get_mut(place) {
                wanted.selections.push(&picked.group.indices);
                wanted.names.extend(picked.indices.iter().map(String::as_str));
            }
        }
        let mut proposals = Vec::new();
        for (choices, wanted) in by_choices {
            let of_kind = |kind| source.templates.get(&kind).cloned().unwrap_or_default();
            let further = transform::templates(
                of_kind(MetadataKind::ComponentTemplate),
                of_kind(MetadataKind::LegacyTemplate),
                of_kind(MetadataKind::IndexTemplate),
                facts,
                &wanted,
                choices,
            );
            proposals = first_to_migrate(proposals, further);
        }
        let is_made = |proposal: &&Proposal| {
            proposal.kind == MetadataKind::ComponentTemplate
                && matches!(proposal.action, Action::Create(_))
        };
        let coming = proposals.iter().filter(is_made).map(|proposal| proposal.name.clone());
        let mut stock = target.as_ref().map(|target| target.stock.clone()).unwrap_or_default();
        stock.add(RequirementKind::ComponentTemplate, coming);
        let templates = proposals.into_iter();
        preview.templates =
            templates.map(|proposal| template(proposal, target.as_ref(), &stock)).collect();
    }
    preview
}

fn cluster(name: &str, version: Result<ServerVersion, &String>) -> ClusterPreview {
    ClusterPreview {
        name: name.to_owned(),
        version: version.ok().map(|version| version.to_string()),
        not_looked_at: version.err().cloned(),
    }
}

/// Returns what the user wants of a group's metadata; `None` when it is not migrated.
fn choices<'a>(planned: &'a PlannedMigration, name: &GroupName) -> Option<&'a MetadataChoices> {
    let group = planned.groups.iter().find(|group| group.group.name == *name)?;
    group.has_metadata.then_some(&group.metadata_choices)
}

/// Joins the proposals of further groups to those of the groups before them. Groups may share a
/// template: the first one that migrates it creates it.
fn first_to_migrate(before: Vec<Proposal>, further: Vec<Proposal>) -> Vec<Proposal> {
    if before.is_empty() {
        return further;
    }
    let is_skipped = |proposal: &Proposal| matches!(proposal.action, Action::Skip(_));
    let both = before.into_iter().zip(further);
    both.map(|(before, further)| if is_skipped(&before) { further } else { before }).collect()
}

fn index(
    summary: &IndexSummary,
    body: Option<Value>,
    group: &Group,
    target: Option<&Target>,
    rules: Option<(&Facts, &MetadataChoices)>,
    problems: &mut Vec<String>,
) -> IndexPreview {
    let name = &summary.name;
    let on_target = target.and_then(|target| {
        let documents = *target.documents.get(name)?;
        Some(OnTarget { documents, treatment: group.existing_indices.treat(documents) })
    });
    if target.is_some_and(|target| target.aliases.contains(name)) {
        problems.push(format!(
            "index `{name}` of group `{}` cannot be created: on the target that name is an alias; \
             remove the alias, or exclude the index with `-{name}`",
            group.name
        ));
    }
    if on_target.is_none() && target.is_some_and(|target| target.bodies.contains_key(name)) {
        problems.push(format!(
            "index `{name}` is on the target, but its documents there could not be counted"
        ));
    }
    let mut changes = Vec::new();
    let mut refused = None;
    let examined = body.is_some() && rules.is_some();
    if let (Some(body), Some((facts, choices))) = (body, rules) {
        let openness = if summary.is_closed() { Openness::Closed } else { Openness::Open };
        let proposal = Proposal::index(name.clone(), openness, body, facts, choices);
        let there = target.and_then(|target| target.bodies.get(name));
        let unknown = Inventory::default();
        let stock = target.map_or(&unknown, |target| &target.stock);
        (changes, refused) = outcome(&proposal, there, stock);
    }
    IndexPreview {
        name: name.clone(),
        shards: summary.primaries,
        documents: summary.documents,
        bytes: summary.bytes,
        on_target,
        examined,
        refused,
        changes,
    }
}

/// Returns the lines about an item, and why it cannot be made.
fn outcome(
    proposal: &Proposal,
    there: Option<&Value>,
    stock: &Inventory,
) -> (Vec<String>, Option<String>) {
    match (&proposal.action, there) {
        (Action::Create(item), Some(body)) => {
            let mut lines = difference::from_body(item, body.clone());
            if let Ok(there) = Item::read(item.kind, &item.name, body.clone()) {
                lines.extend(stock.missing(&there));
            }
            (lines, None)
        }
        (Action::Refuse(_), Some(_)) => (Vec::new(), None),
        (Action::Refuse(reason), None) => (proposal.lines().collect(), Some(reason.clone())),
        (Action::Create(item), None) => {
            (proposal.lines().chain(stock.missing(item)).collect(), None)
        }
        (Action::Skip(_), _) => (proposal.lines().collect(), None),
    }
}

fn template(proposal: Proposal, target: Option<&Target>, stock: &Inventory) -> TemplatePreview {
    let of_kind: Option<&BTreeMap<String, Value>> =
        target.and_then(|target| target.templates.get(&proposal.kind));
    let there = of_kind.and_then(|templates| templates.get(&proposal.name));
    let left_out = match &proposal.action {
        Action::Skip(reason) => Some(reason.clone()),
        Action::Create(_) | Action::Refuse(_) => None,
    };
    let (changes, refused) = outcome(&proposal, there, stock);
    TemplatePreview {
        kind: proposal.kind,
        name: proposal.name,
        exists: there.is_some(),
        left_out,
        refused,
        changes,
    }
}
