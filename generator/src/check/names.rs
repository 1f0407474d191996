//! Do two things get one name?

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

/// Two things with one name.
const COLLISION: Rule = Rule {
    id: "names::collision",
    severity: Severity::Error,
    summary: "two groups would get gates of one name",
    docs: "Names are joined with `-`, so migration `a-b` with group `c` and migration `a` with \
           group `b-c` ask for the same gate. Give one of them another name.",
};

/// A workflow that cannot be called so.
const WORKFLOW: Rule = Rule {
    id: "names::workflow",
    severity: Severity::Error,
    summary: "the workflow's name is not one that Kubernetes takes",
    docs: "Names of workflows are lower-case letters, digits and `-`, at most 63 of them. The name \
           comes from the installation or the command line, not from the file.",
};

/// The longest name of a workflow: the name of its ConfigMap of decisions adds to it.
const LONGEST_WORKFLOW_NAME: usize = names::MAX_LENGTH - decisions::SUFFIX.len();

pub(crate) fn check(plan: &Plan, report: &mut Report<'_>) {
    if !names::is_allowed(&plan.workflow) || plan.workflow.len() > LONGEST_WORKFLOW_NAME {
        report
            .value(
                &WORKFLOW,
                &Pointer::root(),
                format!("no workflow can be called `{}`", plan.workflow),
            )
            .help(format!(
                "choose lower-case letters, digits and `-`, at most {LONGEST_WORKFLOW_NAME} of them"
            ));
    }
    let mut seen: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for (position, migration) in plan.migrations.iter().enumerate() {
        let path = Pointer::root().key("migrations").index(position).key("snapshotMigrations");
        for (position, group) in migration.groups.iter().enumerate() {
            let name = names::join(&[&migration.id, &group.id]);
            let this = (migration.name.as_str(), group.group.name.as_str());
            let Some((other_migration, other_group)) = seen.insert(name, this) else { continue };
            let message = format!(
                "group `{}` of migration `{}` and group `{other_group}` of migration \
                 `{other_migration}` would get the same gates",
                group.group.name, migration.name,
            );
            report
                .value(&COLLISION, &path.index(position), message)
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
        error[names::collision]: group `b-c` of migration `a` and group `c` of migration `a-b` would get the same gates
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
        error[names::workflow]: no workflow can be called `My Workflow`
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
