//! What is printed for a file that is wrong, whole and as JSON?

use generator::{
    Installation, Severity,
    findings::{self, Colour},
};
use serde_json::Value;

fn in_golden(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(check);
}

#[test]
fn bad_files_print_their_goldens() {
    in_golden(|| {
        insta::glob!("../corpus/bad", "*.*", |path| {
            let source = fs_err::read_to_string(path).expect("a readable file");
            let compiled = generator::compile(&source, &Installation::default());
            assert!(compiled.findings.has_errors() && compiled.output.is_none());
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            insta::assert_snapshot!(
                "bad",
                findings::text(&compiled.findings, &source, name, Colour::Never)
            );
        });
    });
}

#[test]
fn json_has_the_place_of_every_finding() {
    insta::glob!("../corpus/bad", "*.*", |path| {
        let source = fs_err::read_to_string(path).expect("a readable file");
        let compiled = generator::compile(&source, &Installation::default());
        let json = findings::json(&compiled.findings, &source);
        assert_eq!(json.get("valid"), Some(&Value::Bool(false)));
        let list = json.get("findings").and_then(Value::as_array).expect("a list");
        assert_eq!(list.len(), compiled.findings.len());
        let lines: Vec<&str> = source.split('\n').collect();
        for (entry, finding) in list.iter().zip(&compiled.findings) {
            let keys: Vec<&str> =
                entry.as_object().expect("an object").keys().map(String::as_str).collect();
            let expected = [
                "id",
                "severity",
                "message",
                "help",
                "path",
                "line",
                "column",
                "endLine",
                "endColumn",
                "related",
            ];
            assert_eq!(keys, expected);
            let number = |key: &str| {
                let number = entry.get(key).and_then(Value::as_u64).expect("a number");
                usize::try_from(number).expect("a small number")
            };
            let line = lines.get(number("line") - 1).expect("a line of the file");
            assert!(number("column") <= line.chars().count() + 1);
            let end = (number("endLine"), number("endColumn"));
            assert!((number("line"), number("column")) <= end);
            // The place in lines and columns is the place in bytes.
            let before: usize =
                lines.iter().take(number("line") - 1).map(|line| line.len() + 1).sum();
            let column: usize = line.chars().take(number("column") - 1).map(char::len_utf8).sum();
            assert_eq!(before + column, finding.span.start, "{finding:?}");
        }
    });
}

#[test]
fn every_rule_is_known_by_its_id() {
    insta::glob!("../corpus/bad", "*.*", |path| {
        let source = fs_err::read_to_string(path).expect("a readable file");
        for finding in &generator::compile(&source, &Installation::default()).findings {
            let rule = generator::rules().iter().find(|rule| rule.id == finding.id);
            let rule = rule.unwrap_or_else(|| panic!("{} is not among the rules", finding.id));
            assert_eq!(rule.severity, finding.severity);
        }
    });
}

#[test]
fn a_finding_has_the_form_that_the_documents_show() {
    let source = "\
sourceClusters:
  legacy: { endpoint: \"http://a\", snapshotRepo: { repoPathUri: \"gs://b/p\" } }
targetClusters:
  new: { endpoint: \"http://b\" }
migrations:
  - sourceCluster: legcy
    targetCluster: new
    snapshotMigrations: [ { indices: [\"*\"] } ]
";
    let compiled = generator::compile(source, &Installation::default());
    let text = findings::text(&compiled.findings, source, "migration.yaml", Colour::Never);
    insta::assert_snapshot!(text, @"
    error[group::unknown-cluster]: `sourceCluster` names `legcy`, which is not under `sourceClusters`
     --> migration.yaml:6:20
      |
    6 |   - sourceCluster: legcy
      |                    ^^^^^ did you mean `legacy`?
      |
      = help: known source clusters: `legacy`
    ");
    let colourful = findings::text(&compiled.findings, source, "migration.yaml", Colour::Always);
    assert!(colourful.contains('\u{1b}') && !text.contains('\u{1b}'));
    assert_eq!(
        compiled.findings.iter().map(|finding| finding.severity).min(),
        Some(Severity::Error)
    );
}
