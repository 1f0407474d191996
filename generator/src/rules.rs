//! Which rules are there?

use std::sync::LazyLock;

use crate::{
    check::{approvals, migrations, names, size, structure},
    clusters::{auth, endpoint, reference, version},
    kinds::snapshot::{groups, metadata, overlap, repository, sharing, source},
    rule::Rule,
};

/// The rules of every module that raises some.
static RULES: [&[Rule]; 15] = [
    structure::rules::RULES,
    reference::RULES,
    endpoint::RULES,
    version::RULES,
    auth::RULES,
    source::RULES,
    repository::RULES,
    sharing::RULES,
    groups::RULES,
    metadata::RULES,
    overlap::RULES,
    migrations::RULES,
    approvals::RULES,
    names::RULES,
    size::RULES,
];

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| RULES.concat());

/// Returns every rule.
pub fn rules() -> &'static [Rule] {
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own_and_words() {
        let ids: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules().len());
        for rule in rules() {
            assert!(rule.id.contains("::"), "{}", rule.id);
            assert!(rule.docs.ends_with('.') && !rule.summary.ends_with('.'), "{}", rule.id);
        }
    }
}
