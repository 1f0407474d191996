//! What can be wrong with a migration file? One rule a file: its id, its docs, its function, and
//! a test of what it prints.

pub(crate) mod approvals;
mod auth;
mod automaton;
mod candidates;
mod endpoint;
mod explain;
mod group;
pub(crate) mod names;
mod overlap;
mod reference;
mod repository;
mod sharing;
pub(crate) mod size;
pub(crate) mod structure;
#[cfg(test)]
pub(crate) mod testing;
mod version;
mod walk;
mod witness;

use crate::{
    config::file::MigrationFile,
    findings::{Report, Severity},
    installation::Installation,
};

/// A rule, as the list of findings describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id.
    pub id: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// A paragraph: what is wrong with it, and what to write instead.
    pub docs: &'static str,
}

static RULES: &[Rule] = &[
    structure::SYNTAX,
    structure::DUPLICATE_KEY,
    structure::UNKNOWN_KEY,
    structure::MISSING_KEY,
    structure::TYPE,
    structure::VALUE,
    structure::RANGE,
    structure::NOT_UNDERSTOOD,
    reference::UNKNOWN,
    reference::BOTH_SIDES,
    reference::UNUSED,
    reference::EMPTY_NAME,
    endpoint::RULE,
    endpoint::MISSING,
    version::RULE,
    version::UNSUPPORTED,
    auth::ONE_KIND,
    auth::INCOMPLETE,
    auth::CLEAR_TEXT,
    auth::SECRET_NAME,
    auth::SERVICE,
    auth::SERVERLESS_SOURCE,
    repository::NONE,
    repository::URI,
    repository::REGION,
    repository::ROLE,
    repository::TWICE,
    repository::SNAPSHOT_NAME,
    repository::UNSEEN,
    sharing::SOURCES,
    sharing::MIGRATIONS,
    group::NO_MIGRATIONS,
    group::NOTHING_ENABLED,
    group::NO_INDICES,
    group::PATTERN,
    group::DUPLICATE_NAME,
    group::DOCUMENTS_ONLY,
    overlap::RULE,
    overlap::TWO_SOURCES,
    approvals::UNKNOWN_GATE,
    approvals::CONTRADICTION,
    names::RULE,
    names::WORKFLOW,
    size::GROUP,
    size::OBJECT,
    size::RUN,
];

/// Returns every rule, in the order of the list of findings.
pub fn rules() -> &'static [Rule] {
    RULES
}

/// Looks at the file with every rule that needs no more than the file.
pub(crate) fn all(file: &MigrationFile, installation: &Installation, report: &mut Report<'_>) {
    reference::check(file, report);
    endpoint::check(file, report);
    version::check(file, report);
    auth::check(file, report);
    repository::check(file, installation, report);
    sharing::check(file, installation, report);
    group::check(file, report);
    overlap::check(file, report);
    approvals::check(file, report);
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
