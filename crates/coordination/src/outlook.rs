//! What does a migration mean here and now, and what stands in its way?
//!
//! The register step decides by it; Initialize asks the same beforehand, so that what will be
//! refused after the snapshot is refused before it.

use std::collections::{BTreeMap, BTreeSet};

use cluster::Client;
use contract::{Group, selection};

use crate::{
    decision::{self, GroupDocument, Origin},
    earlier,
    existing::{self, Claim, Decided, Known},
    target,
};

/// What was found, before anything is written.
#[derive(Debug)]
pub struct Outlook<'a> {
    /// The groups and what each of them would migrate.
    pub groups: Vec<(&'a Group, Decided)>,
    /// Names with a leading dot that no pattern names.
    pub passed_over: Vec<String>,
    /// What is on the target.
    pub known: Known,
    /// What was decided on this target before.
    pub earlier: Vec<GroupDocument>,
    /// What is wrong, a finding each.
    pub problems: Vec<String>,
    /// Indices that other runs fill now, if they still live, by what is to be said of them.
    pub claims: BTreeMap<String, Claim>,
}

/// Looks at the target with the eyes of a migration; `names` are the indices in `place`, which is
/// the snapshot or, before there is one, the source.
pub async fn look<'a>(
    client: &Client,
    origin: Origin<'_>,
    place: &str,
    groups: &'a [Group],
    names: &[String],
) -> anyhow::Result<Outlook<'a>> {
    let selection = selection::select_in(place, groups, names);
    let picked: BTreeSet<&str> =
        selection.groups.iter().flat_map(|group| &group.indices).map(String::as_str).collect();
    let mut known = target::look(client, &picked).await?;
    let earlier = decision::all(client).await?;
    earlier::remember(&earlier, &earlier::work(client).await?, origin, &mut known);

    let mut problems = selection.problems;
    let mut decided = Vec::new();
    let mut claims = BTreeMap::new();
    for group in &selection.groups {
        let meant = match earlier::reusable(&earlier, origin, group.group, &known) {
            Some(reused) => reused,
            None => existing::decide(group, &known, &mut problems),
        };
        let of_others = claimed(&group.group.name, &meant, &known, &mut problems);
        claims.extend(of_others);
        decided.push((group.group, meant));
    }
    let passed_over = selection.passed_over;
    Ok(Outlook { groups: decided, passed_over, known, earlier, problems, claims })
}

/// Returns the claims of other runs on a group's indices; what this very run means twice is a
/// problem.
pub fn claimed(
    group: &str,
    decided: &Decided,
    known: &Known,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Claim> {
    let mut claims = BTreeMap::new();
    for index in decided.indices.iter().map(|index| &index.name) {
        if let Some(claim) = known.claimed.get(index) {
            let said = earlier::also_filled(index, group, &claim.by);
            if claim.same_run {
                problems.push(said);
            } else {
                claims.insert(said, claim.clone());
            }
        } else if let Some(by) = known.announced.get(index) {
            tracing::warn!(
                "index `{index}` of group `{group}` is also announced by {by}; whoever begins \
                 first to fill it owns it"
            );
        }
    }
    claims
}
