//! Is there something to migrate, and has every migration and every group a name of its own?

use std::collections::BTreeSet;

use crate::{
    clusters::reference::EMPTY_NAME,
    file::{MigrationFile, walk},
    findings::report::Report,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises; a migration without groups is found by its kind.
pub(crate) const RULES: &[Rule] = &[NO_MIGRATIONS, DUPLICATE_NAME];

/// Nothing to do.
pub(crate) const NO_MIGRATIONS: Rule = Rule {
    id: "migration::none",
    severity: Severity::Error,
    summary: "there is nothing to migrate",
    docs: "`migrations` or the `snapshotMigrations` of one of them is an empty list.",
};

/// Two groups or migrations of the same name.
const DUPLICATE_NAME: Rule = Rule {
    id: "group::duplicate-name",
    severity: Severity::Error,
    summary: "two groups of a migration, or two migrations, have the same name",
    docs: "Gates and labels contain these names. A group without a name is called `group-1`, \
           `group-2` and so on by its position; a migration without a name is called \
           `<source>-to-<target>`.",
};

/// Checks all migrations and their groups.
pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    if file.migrations.as_ref().is_some_and(Vec::is_empty) {
        let path = Pointer::root().key("migrations");
        report.key(&NO_MIGRATIONS, &path, "`migrations` is empty").help("add a migration");
    }
    let mut migrations = Names::default();
    for (path, migration) in walk::migrations(file) {
        if let Some(name) = migration.name() {
            let at = if migration.name.is_some() { path.key("name") } else { path.clone() };
            migrations.add("migrations", &name, &at, report);
        }
        let mut groups = Names::default();
        for group in walk::groups(&path, migration) {
            let key = group.path.key("name");
            let at = if group.given_name.is_some() { &key } else { &group.path };
            groups.add("groups of this migration", &group.name, at, report);
            if group.given_name.is_some_and(|name| name.trim().is_empty()) {
                report
                    .value(&EMPTY_NAME, &key, "this group's name is empty")
                    .help("write a name, or leave the key out");
            }
        }
    }
}

/// The names that were seen.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn add(&mut self, of: &str, name: &str, at: &Pointer, report: &mut Report<'_>) {
        if !self.0.insert(name.to_owned()) {
            report
                .value(&DUPLICATE_NAME, at, format!("two {of} are called `{name}`"))
                .help("give this one a `name:` of its own");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{grouped, printed};

    #[test]
    fn a_default_name_can_be_taken_already() {
        let groups = r#"
      - { name: group-2, indices: ["a*"] }
      - { indices: ["b*"] }
      - { indices: ["c*"] }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @r#"
        error[group::duplicate-name]: two groups of this migration are called `group-2`
          --> migration.yaml:15:9
           |
        15 |       - { indices: ["b*"] }
           |         ^
           |
           = help: give this one a `name:` of its own
        "#);
    }
}
