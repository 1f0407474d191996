//! What is to be done with an index that is on the target already?
//!
//! An index counts as existing if it holds documents that we did not write: an empty one is filled,
//! and one that an earlier run of the same migration has begun is continued. What a user asked for
//! with `existingIndices` is decided here once; [`crate::registration`] records it. The messages say
//! "on the target already":
//!
//! - [`decide`], for the register step and Initialize: the refusal;
//! - `contract/src/register.rs`, `contract/src/metadata.rs`: what was skipped, in a step's summary;
//! - `workflow/src/view/preview.rs`: what `workflow plan` shows before anything runs;
//! - `step-images/rfs/src/prepare.rs`: documents that another process wrote since the register step.
//!
//! Two are worded in their own way: `step-images/metadata/src/plan.rs` (an object that is left as it
//! is) and `step-images/verify/src/index_check.rs` (more documents than the snapshot has).

use std::collections::{BTreeMap, BTreeSet};

use contract::{Treatment, quoted, selection::GroupSelection};

use crate::group::GroupIndex;

/// What is known of the target before anything is written.
#[derive(Debug, Default)]
pub struct KnownTarget {
    /// Documents in each index that a group names and that is on the target.
    pub documents: BTreeMap<String, u64>,
    /// Aliases of the target and the indices behind them.
    pub aliases: BTreeMap<String, Vec<String>>,
    /// Names of all indices of the target.
    pub indices: BTreeSet<String>,
    /// Indices that an earlier run of the same migration has begun to fill.
    pub ours: BTreeSet<String>,
    /// Indices that another migration owns.
    pub owned_by_others: BTreeMap<String, ForeignOwner>,
    /// Indices that another migration has registered and not begun, and which one that is, in words.
    pub registered_by_others: BTreeMap<String, String>,
}

/// The other migration that owns an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignOwner {
    /// The key of its registration.
    pub registration: String,
    /// It belongs to this very run, which surely continues.
    pub same_run: bool,
    /// Which migration that is, in words.
    pub name: String,
}

/// What a group migrates and what it leaves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPlan {
    /// Indices to migrate.
    pub indices: Vec<GroupIndex>,
    /// Indices to leave as they are.
    pub skipped: Vec<String>,
}

/// Decides for one group; adds what is wrong to `problems`.
pub fn decide(
    picked: &GroupSelection<'_>,
    known: &KnownTarget,
    problems: &mut Vec<String>,
) -> GroupPlan {
    let mut plan = GroupPlan::default();
    let mut refused = Vec::new();
    for index in &picked.indices {
        if let Some(behind) = known.aliases.get(index) {
            let behind: Vec<&str> = behind.iter().map(String::as_str).collect();
            problems.push(format!(
                "index `{index}` of group `{}` cannot be created: on the target that name is an alias \
                 of {}; remove the alias, or exclude the index with `-{index}`",
                picked.group.name,
                quoted(&behind)
            ));
            continue;
        }
        let documents = known.documents.get(index).copied().unwrap_or(0);
        let ours = known.ours.contains(index);
        let existed = documents > 0 && !ours;
        let of_others = if ours { 0 } else { documents };
        match picked.group.existing_indices.treat(of_others) {
            Treatment::Stop => refused.push(format!("`{index}` ({documents} documents)")),
            Treatment::LeaveAlone => plan.skipped.push(index.clone()),
            Treatment::Fill | Treatment::Append => {
                plan.indices.push(GroupIndex { name: index.clone(), existed, documents });
            }
        }
    }
    if !refused.is_empty() {
        problems.push(format!(
            "group `{}`: on the target already, with documents: {}; set `existingIndices: append` to \
             write into them, `existingIndices: skip` to leave them alone, or delete them",
            picked.group.name,
            refused.join(", ")
        ));
    }
    plan
}

/// Checks that no alias that comes with an index has the name of an index.
pub fn clashing_aliases<'a>(
    index: &str,
    aliases: impl Iterator<Item = &'a str>,
    known: &KnownTarget,
    problems: &mut Vec<String>,
) {
    for alias in aliases.filter(|alias| known.indices.contains(*alias)) {
        problems.push(format!(
            "alias `{alias}` of index `{index}` cannot be created: the target has an index of that \
             name; rename or delete it, or exclude `{index}` with `-{index}`"
        ));
    }
}

#[cfg(test)]
mod tests {
    use contract::{ExistingIndices, Group, GroupName};

    use super::*;

    fn group(existing_indices: ExistingIndices) -> Group {
        Group {
            name: GroupName::new("g"),
            indices: vec!["*".to_owned()].try_into().expect("a pattern"),
            existing_indices,
            allow_empty: false,
        }
    }

    fn decide_with(policy: ExistingIndices, known: &KnownTarget) -> (GroupPlan, Vec<String>) {
        let group = group(policy);
        let picked = GroupSelection {
            group: &group,
            indices: ["empty", "full", "new"].map(str::to_owned).to_vec(),
        };
        let mut problems = Vec::new();
        (decide(&picked, known, &mut problems), problems)
    }

    fn known() -> KnownTarget {
        let documents = [("empty".to_owned(), 0), ("full".to_owned(), 7)].into();
        KnownTarget { documents, ..KnownTarget::default() }
    }

    #[test]
    fn the_policy_applies_to_indices_that_hold_documents() {
        let (decided, problems) = decide_with(ExistingIndices::Refuse, &known());
        assert!(problems[0].contains("`full` (7 documents)"), "{problems:?}");
        assert_eq!(decided.indices.len(), 2);
        let (decided, problems) = decide_with(ExistingIndices::Skip, &known());
        assert_eq!((decided.skipped, problems), (vec!["full".to_owned()], vec![]));
        let (decided, problems) = decide_with(ExistingIndices::Append, &known());
        assert!(problems.is_empty() && decided.indices[1].existed);
    }

    #[test]
    fn what_an_earlier_run_of_the_migration_wrote_is_continued() {
        let ours = ["full".to_owned()].into();
        for policy in [ExistingIndices::Refuse, ExistingIndices::Skip] {
            let known = KnownTarget { ours: BTreeSet::clone(&ours), ..known() };
            let (decided, problems) = decide_with(policy, &known);
            assert!(problems.is_empty() && decided.skipped.is_empty(), "{problems:?}");
            assert!(!decided.indices[1].existed);
        }
    }

    #[test]
    fn an_alias_in_the_place_of_an_index_is_refused_both_ways() {
        let aliases = [("new".to_owned(), vec!["other".to_owned()])].into();
        let known = KnownTarget { aliases, indices: ["orders".to_owned()].into(), ..known() };
        let (_, mut problems) = decide_with(ExistingIndices::Append, &known);
        assert!(problems[0].contains("alias of `other`"), "{problems:?}");
        clashing_aliases("new", ["orders", "fine"].into_iter(), &known, &mut problems);
        assert!(problems[1].contains("alias `orders`") && problems.len() == 2);
    }
}
