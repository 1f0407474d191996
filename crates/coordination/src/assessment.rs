//! What does a migration mean on this target now, and what is in its way?
//!
//! The register step decides by it; Initialize asks the same beforehand, so that what will be
//! refused after the snapshot is refused before it.

use std::collections::{BTreeMap, BTreeSet};

use cluster::Client;
use contract::{Group, selection};

use crate::{
    CoordinationError, decision,
    existing_indices::{self, Claim, GroupPlan, KnownTarget},
    group::{GroupDocument, RunOrigin},
    ownership, target_contents,
};

/// What was found, before anything is written.
#[derive(Debug)]
pub struct Assessment<'a> {
    /// The groups and what each of them would migrate.
    pub groups: Vec<(&'a Group, GroupPlan)>,
    /// Names with a leading dot that no pattern names.
    pub passed_over: Vec<String>,
    /// What is on the target.
    pub known: KnownTarget,
    /// What was decided on this target before.
    pub earlier: Vec<GroupDocument>,
    /// What is wrong, a finding each.
    pub problems: Vec<String>,
    /// Indices that other runs fill now, if they still live, by the finding about each.
    pub claims: BTreeMap<String, Claim>,
}

/// Reads from the target what decides a migration's conflicts. `names` are the indices in `place`,
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
    let earlier = decision::all(client).await?;
    ownership::note_owners(&earlier, &ownership::items(client).await?, origin, &mut known);

    let mut problems = selection.problems;
    let mut plans = Vec::new();
    let mut claims = BTreeMap::new();
    for group in &selection.groups {
        let plan = match ownership::reusable(&earlier, origin, group.group, &known) {
            Some(reused) => reused,
            None => existing_indices::decide(group, &known, &mut problems),
        };
        claims.extend(claimed(&group.group.name, &plan, &known, &mut problems));
        plans.push((group.group, plan));
    }
    let passed_over = selection.passed_over;
    Ok(Assessment { groups: plans, passed_over, known, earlier, problems, claims })
}

/// Returns the claims of other runs on a group's indices. An index that this very run names twice
/// is a problem.
pub fn claimed(
    group: &str,
    plan: &GroupPlan,
    known: &KnownTarget,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Claim> {
    let mut claims = BTreeMap::new();
    for index in plan.indices.iter().map(|index| &index.name) {
        if let Some(claim) = known.claimed.get(index) {
            let finding = ownership::also_filled(index, group, &claim.by);
            if claim.same_run {
                problems.push(finding);
            } else {
                claims.insert(finding, claim.clone());
            }
        } else if let Some(by) = known.announced.get(index) {
            tracing::warn!(
                "index `{index}` of group `{group}` is also announced by {by}; the run that first \
                 begins to fill it owns it"
            );
        }
    }
    claims
}
