//! Which indices would a migration fill on this target now, and what prevents it?
//!
//! The register step decides by it; Initialize asks the same beforehand, so that what will be
//! refused after the snapshot is refused before it.

use std::collections::{BTreeMap, BTreeSet};

use cluster::Client;
use contract::{Group, selection};

use crate::{
    CoordinationError,
    existing_indices::{self, ForeignOwner, GroupPlan, KnownTarget},
    group::{GroupDocument, RunOrigin},
    ownership, registration, target_contents,
};

/// What was found, before anything is written.
#[derive(Debug)]
pub struct Assessment<'a> {
    /// The groups and what each of them would migrate.
    pub groups: Vec<(&'a Group, GroupPlan)>,
    /// Names with a leading dot that no pattern names.
    pub not_selected: Vec<String>,
    /// What is on the target.
    pub known: KnownTarget,
    /// What was registered on this target before.
    pub earlier: Vec<GroupDocument>,
    /// What is wrong, a problem each.
    pub problems: Vec<String>,
    /// Other runs that own indices of this migration, by the problem that each would be. Such a run
    /// may have ended without a word.
    pub foreign: BTreeMap<String, ForeignOwner>,
}

/// Finds out what is in the way of a migration. `names` are the indices in `place`,
/// which is the snapshot or, before there is one, the source.
pub async fn assess<'a>(
    client: &Client,
    origin: &RunOrigin,
    place: &str,
    groups: &'a [Group],
    names: &[String],
) -> Result<Assessment<'a>, CoordinationError> {
    let selection = selection::select_in(place, groups, names);
    let picked: BTreeSet<&str> =
        selection.groups.iter().flat_map(|group| &group.indices).map(String::as_str).collect();
    let mut known = target_contents::read(client, &picked).await?;
    let earlier = registration::all(client).await?;
    ownership::note_owners(&earlier, &ownership::items(client).await?, origin, &mut known);

    let mut problems = selection.problems;
    let mut plans = Vec::new();
    let mut foreign = BTreeMap::new();
    for group in &selection.groups {
        let plan = match ownership::reusable(&earlier, origin, group.group, &known) {
            Some(reused) => reused,
            None => existing_indices::decide(group, &known, &mut problems),
        };
        foreign.extend(foreign_owners(group.group.name.as_str(), &plan, &known, &mut problems));
        plans.push((group.group, plan));
    }
    let not_selected = selection.passed_over;
    Ok(Assessment { groups: plans, not_selected, known, earlier, problems, foreign })
}

/// Returns the other runs that own indices of a group, by the problem that each would be. An index
/// that another migration of this very run owns is such a problem already.
pub fn foreign_owners(
    group: &str,
    plan: &GroupPlan,
    known: &KnownTarget,
    problems: &mut Vec<String>,
) -> BTreeMap<String, ForeignOwner> {
    let mut foreign = BTreeMap::new();
    for index in plan.indices.iter().map(|index| &index.name) {
        if let Some(owner) = known.owned_by_others.get(index) {
            let problem = ownership::also_filled(index, group, &owner.name);
            if owner.same_run {
                problems.push(problem);
            } else {
                foreign.insert(problem, owner.clone());
            }
        } else if let Some(by) = known.registered_by_others.get(index) {
            tracing::warn!(
                "index `{index}` of group `{group}` is also registered by {by}; the run that first \
                 begins to fill it owns it"
            );
        }
    }
    foreign
}
