//! Are the names in Kubernetes unique and valid?

use std::collections::BTreeMap;

use argo::{convention::decisions, names};

use crate::{
    findings::report::Report,
    plan::Plan,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[COLLISION, WORKFLOW];

/// Two groups with the same gates.
const COLLISION: Rule = Rule {
    id: "names::collision",
    severity: Severity::Error,
    summary: "two groups would have gates of the same name",
    docs: "The name of a gate consists of the names of migration and group, joined with `-`. So group \
           `c` of migration `a-b` and group `b-c` of migration `a` would have the same gate. Rename \
           one of them.",
};

/// A name that a workflow cannot have.
const WORKFLOW: Rule = Rule {
    id: "names::workflow",
    severity: Severity::Error,
    summary: "Kubernetes does not allow the name of the workflow",
    docs: "The name of a workflow consists of at most 53 lower-case letters, digits and `-`. It \
           comes from the installation or the command line, not from the file.",
};

/// The length that the name of a workflow may have: the name of its ConfigMap of decisions adds to
/// it.
const MAX_WORKFLOW_NAME: usize = names::MAX_LENGTH - decisions::SUFFIX.len();

pub(crate) fn check(plan: &Plan, report: &mut Report<'_>) {
    if !names::is_allowed(&plan.workflow) || plan.workflow.len() > MAX_WORKFLOW_NAME {
        report
            .value(
                &WORKFLOW,
                &Pointer::root(),
                format!("`{}` cannot be the name of a workflow", plan.workflow),
            )
            .help(format!(
                "choose lower-case letters, digits and `-`, at most {MAX_WORKFLOW_NAME} of them"
            ));
    }
    let mut seen: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for migration in &plan.migrations {
        for group in &migration.groups {
            let name = names::join(&[&migration.id, &group.id]);
            let this = (migration.name.as_str(), group.group.name.as_str());
            let Some((other_migration, other_group)) = seen.insert(name, this) else { continue };
            let message = format!(
                "group `{}` of migration `{}` and group `{other_group}` of migration \
                 `{other_migration}` would have the same gates",
                group.group.name, migration.name,
            );
            report
                .value(&COLLISION, &group.path, message)
                .help("give one of these groups or migrations another `name:`");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Installation,
        check::testing::{grouped, printed, printed_for},
        compile,
    };

    #[test]
    fn names_that_join_to_one_are_refused() {
        let source = r#"
sourceClusters: { old: { snapshotRepo: { repoPathUri: "gs://b/p", snapshotName: nightly } } }
targetClusters: { new: { endpoint: "http://c" } }
migrations:
  - name: a-b
    sourceCluster: old
    targetCluster: new
    snapshotMigrations: [ { name: c, indices: ["x*"] } ]
  - name: a
    sourceCluster: old
    targetCluster: new
    snapshotMigrations: [ { name: b-c, indices: ["y*"] } ]
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[names::collision]: group `b-c` of migration `a` and group `c` of migration `a-b` would have the same gates
          --> migration.yaml:12:27
           |
        12 |     snapshotMigrations: [ { name: b-c, indices: ["y*"] } ]
           |                           ^
           |
           = help: give one of these groups or migrations another `name:`
        "#);
    }

    #[test]
    fn a_workflow_needs_a_name_that_kubernetes_takes() {
        let installation =
            Installation { workflow_name: "My Workflow".to_owned(), ..Installation::default() };
        let source = grouped(" [ { indices: [\"*\"] } ]");
        insta::assert_snapshot!(printed_for(&source, &installation), @"
        error[names::workflow]: `My Workflow` cannot be the name of a workflow
         --> migration.yaml:1:1
          |
        1 | sourceClusters:
          | ^
          |
          = help: choose lower-case letters, digits and `-`, at most 53 of them
        ");
    }

    #[test]
    fn names_of_any_case_and_script_stay_apart() {
        let groups = r#"
      - { name: Logs, indices: ["a*"] }
      - { name: logs, indices: ["b*"] }
      - { name: "żółć/日本", indices: ["c*"] }
      - { name: cleanup, indices: ["d*"] }
      - { name: "2024", indices: ["e*"] }
      - { name: "not", indices: ["f*"] }"#;
        let compiled = compile(&grouped(groups), &Installation::default());
        let plan = compiled.output.expect("no errors").plan;
        let migration = plan.migrations.first().expect("a migration");
        let mut ids: Vec<&str> = migration.groups.iter().map(|group| group.id.as_str()).collect();
        assert!(ids.iter().all(|id| argo::names::is_allowed(id)), "{ids:?}");
        assert!(ids.contains(&"logs") && ids.contains(&"group-cleanup"), "{ids:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
