//! Do `approvals` name known gates, and do they agree with `skipApprovals`?

use crate::{
    file::{MigrationFile, approvals::Approvals, walk},
    findings::report::Report,
    kinds,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules about approvals; unknown keys are found with the schema.
pub(crate) const RULES: &[Rule] = &[UNKNOWN_GATE, CONTRADICTION];

/// An unknown gate.
pub(crate) const UNKNOWN_GATE: Rule = Rule {
    id: "approvals::unknown-gate",
    severity: Severity::Error,
    summary: "`approvals` names an unknown gate",
    docs: "The gates are `metadataEvaluated`, `metadataMigrated` and `documentsBackfilled`. With a \
           misspelt name, the real gate would keep its default.",
};

/// No gate waits, and one does.
const CONTRADICTION: Rule = Rule {
    id: "approvals::contradiction",
    severity: Severity::Error,
    summary: "`skipApprovals` and `approvals` contradict each other",
    docs: "`skipApprovals: true` means that no gate waits, but `approvals` on the same level \
           switches a gate on. A group may differ from its migration, and a migration from the \
           file, but one level must not contradict itself.",
};

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    let mut level = |approvals: Option<&Approvals>, skip: Option<bool>, path: &Pointer| {
        let Some(approvals) = approvals.filter(|_| skip == Some(true)) else { return };
        for gate in kinds::gates() {
            let key = gate.key;
            if (gate.setting)(approvals) == Some(true) {
                let path = path.key("approvals").key(key);
                report
                    .key(
                        &CONTRADICTION,
                        &path,
                        format!("`{key}` is on beside `skipApprovals: true`"),
                    )
                    .help("remove one of the two");
            }
        }
    };
    level(file.approvals.as_ref(), file.skip_approvals, &Pointer::root());
    for (path, migration) in walk::migrations(file) {
        level(migration.approvals.as_ref(), migration.skip_approvals, &path);
        for group in walk::groups(&path, migration) {
            level(group.approvals, group.skip_approvals, &group.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Installation,
        check::testing::{grouped, printed},
        compile,
    };

    #[test]
    fn a_misspelt_gate_is_named_with_the_nearest() {
        let groups = r#"
      - indices: ["*"]
        approvals: { metadataEvalauted: false }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @"
        error[approvals::unknown-gate]: unknown gate `metadataEvalauted`
          --> migration.yaml:15:22
           |
        15 |         approvals: { metadataEvalauted: false }
           |                      ^^^^^^^^^^^^^^^^^ did you mean `metadataEvaluated`?
           |
           = help: known here: `metadataEvaluated`, `metadataMigrated`, `documentsBackfilled`
        ");
    }

    #[test]
    fn one_level_says_one_thing() {
        let groups = r#"
      - indices: ["*"]
        skipApprovals: true
        approvals: { metadataEvaluated: true, documentsBackfilled: false }"#;
        insta::assert_snapshot!(printed(&grouped(groups)), @"
        error[approvals::contradiction]: `metadataEvaluated` is on beside `skipApprovals: true`
          --> migration.yaml:16:22
           |
        16 |         approvals: { metadataEvaluated: true, documentsBackfilled: false }
           |                      ^^^^^^^^^^^^^^^^^
           |
           = help: remove one of the two
        ");
    }

    #[test]
    fn the_nearest_level_that_says_something_decides() {
        let groups = r#"
      - { name: a, indices: ["a*"] }
      - { name: b, indices: ["b*"], approvals: { metadataMigrated: true } }
      - { name: c, indices: ["c*"], skipApprovals: false }
      - { name: d, indices: ["d*"], metadataMigration: { enabled: false }, skipApprovals: false }"#;
        let source = format!("skipApprovals: true\n{}", grouped(groups));
        let compiled = compile(&source, &Installation::default());
        let plan = compiled.output.expect("no errors").plan;
        let gates: Vec<&str> = plan.gates().map(|gate| gate.name.as_str()).collect();
        let expected = [
            "metadata-migrated-old-to-new-b",
            "metadata-evaluated-old-to-new-c",
            "documents-backfilled-old-to-new-c",
            "documents-backfilled-old-to-new-d",
        ];
        assert_eq!(gates, expected);
    }
}
