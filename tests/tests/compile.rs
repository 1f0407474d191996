//! What does a migration file become? Every example as a golden, and judges that do not take the
//! compiler's word for it.

use std::{collections::BTreeMap, path::Path};

use argo::{
    Arguments, Manifest, Template, TemplateRef,
    task::{DagTask, WorkflowStep},
};
use generator::{Compiled, DefaultRepository, Installation, Output, Severity};
use proptest::prelude::*;
use serde_json::{Value, json};

/// An installation that does not change with the version of the product.
fn installation() -> Installation {
    Installation {
        image_registry: "registry.example.com/argosy".to_owned(),
        image_tag: "1.2.3".to_owned(),
        default_snapshot_repository: Some(DefaultRepository {
            repo_path_uri: "s3://default-bucket/snapshots".to_owned(),
            aws_region: Some("us-east-1".to_owned()),
            ..DefaultRepository::default()
        }),
        ..Installation::default()
    }
}

fn compiled(source: &str) -> Compiled {
    generator::compile(source, &installation())
}

#[track_caller]
fn output(source: &str) -> Output {
    let Compiled { findings, output } = compiled(source);
    output.unwrap_or_else(|| panic!("{findings:#?}"))
}

fn read(path: &Path) -> String {
    fs_err::read_to_string(path).expect("a readable file")
}

/// Goldens are called after their input.
fn in_golden(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(check);
}

/// What does not depend on the file: account, steps, gate.
fn is_static(manifest: &Manifest) -> bool {
    manifest.metadata().name.starts_with("argosy-")
}

fn text<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> String {
    let manifests = manifests.into_iter();
    let documents: Vec<String> =
        manifests.map(|manifest| argo::yaml::write(manifest).expect("YAML")).collect();
    documents.join("---\n")
}

#[test]
fn examples_compile_to_their_goldens() {
    in_golden(|| {
        insta::glob!("../../examples", "*.{yaml,json}", |path| {
            let output = output(&read(path));
            let own = text(output.manifests.iter().filter(|manifest| !is_static(manifest)));
            insta::assert_snapshot!("example", own);
        });
    });
}

#[test]
fn what_no_file_changes_compiles_to_its_golden() {
    let of = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        text(output(&read(&path)).manifests.iter().filter(|manifest| is_static(manifest)))
    };
    let minimal = of("minimal.yaml");
    assert_eq!(minimal, of("tuned-backfill.yaml"));
    in_golden(|| insta::assert_snapshot!("static", minimal));
}

#[test]
fn published_dialects_compile_as_they_stand() {
    insta::glob!("../corpus/dialects", "*.*", |path| {
        let source = read(path);
        let Compiled { findings, output } = compiled(&source);
        assert!(output.is_some(), "{findings:#?}");
        let allowed = ["auth::clear-text", "group::documents-only"];
        for finding in &findings {
            assert!(allowed.contains(&finding.id), "{finding:#?}");
            assert_ne!(finding.severity, Severity::Error);
        }
    });
}

#[test]
fn without_any_repository_the_published_basic_file_says_so() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/dialects/backfill-basic.yaml");
    let compiled = generator::compile(&read(&path), &Installation::default());
    let errors: Vec<&str> = compiled
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.id)
        .collect();
    assert_eq!(errors, ["repository::none"]);
}

/// Runs `check` on what every example and dialect compiles to.
fn for_all_outputs(check: impl Fn(&Output)) {
    insta::glob!("../../examples", "*.{yaml,json}", |path| check(&output(&read(path))));
    insta::glob!("../corpus/dialects", "*.*", |path| check(&output(&read(path))));
    check(&output(&many_groups(300)));
}

#[test]
fn the_text_is_read_back_as_the_same_objects() {
    for_all_outputs(|output| {
        let text = text(&output.manifests);
        assert_eq!(argo::yaml::read_all(&text).expect("manifests"), output.manifests);
    });
}

#[test]
fn no_plain_scalar_means_something_else_to_a_yaml_1_1_reader() {
    for_all_outputs(|output| {
        for manifest in &output.manifests {
            let text = argo::yaml::write(manifest).expect("YAML");
            let Scalars { seen, plain } = scalars(&text);
            // What the judge below does not see, it does not judge.
            let value = serde_json::to_value(manifest).expect("JSON");
            assert_eq!(seen, leaves(&value), "{text}");
            for scalar in plain {
                // What both versions read as a number or a boolean is one here, as the test of
                // reading back proves.
                let same_in_both =
                    matches!(scalar, "true" | "false") || scalar.parse::<u32>().is_ok();
                assert!(same_in_both || !is_special_in_yaml_1_1(scalar), "{scalar}");
            }
        }
    });
}

/// Counts the values that hold no further values.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        _ => 1,
    }
}

/// The values in a text that our writer wrote.
struct Scalars<'a> {
    seen: usize,
    plain: Vec<&'a str>,
}

/// Finds the values of a text that our writer wrote, which puts one on a line.
fn scalars(text: &str) -> Scalars<'_> {
    let mut found = Scalars { seen: 0, plain: Vec::new() };
    let mut block_indent: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if block_indent.is_some_and(|block| line.trim().is_empty() || indent > block) {
            continue;
        }
        block_indent = None;
        let mut rest = line.trim_start();
        let mut column = indent;
        while let Some(inner) = rest.strip_prefix("- ") {
            column += 2;
            rest = inner;
        }
        let value = match rest.split_once(": ") {
            Some((_, value)) if !rest.starts_with(['"', '\'']) => value,
            None if rest.ends_with(':') => continue,
            _ => rest,
        };
        found.seen += 1;
        if value.starts_with('|') || value.starts_with('>') {
            block_indent = Some(column);
        } else if !value.starts_with(['"', '\'', '{', '[']) {
            found.plain.push(value);
        }
    }
    found
}

/// The resolution tables of YAML 1.1: booleans, null, numbers of all bases, times of day, dates.
fn is_special_in_yaml_1_1(scalar: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "=", "<<"];
    let lower = scalar.to_lowercase();
    let digits = |text: &str| {
        let kept =
            |character: char| character.is_ascii_hexdigit() || "_.:xo+-e".contains(character);
        text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
            && text.chars().any(|character| character.is_ascii_digit())
            && text.chars().all(kept)
    };
    words.contains(&lower.as_str())
        || [".inf", "-.inf", "+.inf", ".nan"].contains(&lower.as_str())
        || digits(&lower)
}

#[test]
fn every_reference_is_to_a_template_that_takes_what_it_is_given() {
    for_all_outputs(|output| {
        let mut templates: BTreeMap<(&str, &str), &Template> = BTreeMap::new();
        for manifest in &output.manifests {
            if let Manifest::WorkflowTemplate(object) = manifest {
                for template in &object.spec.templates {
                    let key = (object.metadata.name.as_str(), template.name.as_str());
                    assert!(templates.insert(key, template).is_none(), "{key:?} is there twice");
                }
            }
        }
        for ((object, _), template) in &templates {
            for call in calls(template) {
                let target = match (call.local, call.elsewhere) {
                    (Some(name), None) => (*object, name),
                    (None, Some(place)) => (place.name.as_str(), place.template.as_str()),
                    other => panic!("{}: {other:?}", call.name),
                };
                let called = templates.get(&target).unwrap_or_else(|| panic!("{target:?}"));
                takes(called, call.arguments, call.name);
            }
        }
    });
}

struct Call<'a> {
    name: &'a str,
    local: Option<&'a str>,
    elsewhere: Option<&'a TemplateRef>,
    arguments: Option<&'a Arguments>,
}

fn calls(template: &Template) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    let mut names = Vec::new();
    for task in template.dag.iter().flat_map(|dag| &dag.tasks) {
        let DagTask { name, template, template_ref, arguments, depends, .. } = task;
        let before = depends.iter().flat_map(|depends| depends.split(" && "));
        for before in before.flat_map(|depends| depends.split(" || ")) {
            let before = before.split_once('.').map_or(before, |(task, _result)| task);
            assert!(names.contains(&before), "`{name}` depends on `{before}`, which is not above");
        }
        assert!(!names.contains(&name.as_str()), "two tasks are called `{name}`");
        names.push(name);
        calls.push(Call {
            name,
            local: template.as_deref(),
            elsewhere: template_ref.as_ref(),
            arguments: arguments.as_ref(),
        });
    }
    for step in template.steps.iter().flatten().flatten() {
        let WorkflowStep { name, template, template_ref, arguments, .. } = step;
        calls.push(Call {
            name,
            local: template.as_deref(),
            elsewhere: template_ref.as_ref(),
            arguments: arguments.as_ref(),
        });
    }
    calls
}

fn takes(template: &Template, arguments: Option<&Arguments>, caller: &str) {
    let inputs = template.inputs.iter().flat_map(|inputs| &inputs.parameters);
    let inputs: Vec<_> = inputs.collect();
    let given: Vec<&str> = arguments
        .iter()
        .flat_map(|arguments| &arguments.parameters)
        .map(|parameter| parameter.name.as_str())
        .collect();
    for name in &given {
        let known = inputs.iter().any(|input| input.name == *name);
        assert!(known, "`{caller}` gives `{name}`, which `{}` does not take", template.name);
    }
    for input in inputs {
        let has_value = input.default.is_some() || input.value_from.is_some();
        let is_given = given.contains(&input.name.as_str());
        assert!(has_value || is_given, "`{caller}` does not give `{}`", input.name);
    }
}

#[test]
fn names_and_labels_are_such_that_kubernetes_takes_them() {
    for_all_outputs(|output| {
        for manifest in &output.manifests {
            let metadata = manifest.metadata();
            assert!(argo::names::is_allowed(&metadata.name), "{}", metadata.name);
            for value in metadata.labels.values() {
                assert!(argo::names::is_allowed(value) || value == "Parameter", "{value}");
            }
            if let Manifest::WorkflowTemplate(object) = manifest {
                for template in &object.spec.templates {
                    assert!(argo::names::is_allowed(&template.name), "{}", template.name);
                    for call in calls(template) {
                        assert!(argo::names::is_allowed(call.name), "{}", call.name);
                    }
                }
            }
        }
    });
}

#[test]
fn passwords_are_in_no_manifest_and_in_no_debug_text() {
    let source = file(&[json!({ "indices": ["*"] })])
        .replace("\"AUTH\"", r#"{ "basic": { "username": "admin", "password": "hunter2{{x}}" } }"#);
    let output = output(&source);
    assert!(!text(&output.manifests).contains("hunter2"));
    assert!(!format!("{output:?}").contains("hunter2"));
    let secret = output.secrets.first().expect("a secret");
    assert_eq!(secret.name, "migration-workflow-new-credentials");
    assert_eq!(secret.data.get("password").map(String::as_str), Some("hunter2{{x}}"));
    let text = text(&output.manifests);
    assert!(text.contains("value: migration-workflow-new-credentials"));
}

/// A migration file, as JSON, with these groups. `"AUTH"` stands for the target's `authConfig`.
fn file(groups: &[Value]) -> String {
    json!({
        "sourceClusters": {
            "old": {
                "endpoint": "http://source:9200",
                "snapshotRepo": { "repoPathUri": "gs://bucket/prefix" },
            },
        },
        "targetClusters": { "new": { "endpoint": "http://target:9200", "authConfig": "AUTH" } },
        "migrations": [
            { "sourceCluster": "old", "targetCluster": "new", "snapshotMigrations": groups },
        ],
    })
    .to_string()
}

fn without_auth(groups: &[Value]) -> String {
    file(groups).replace(r#","authConfig":"AUTH""#, "")
}

fn many_groups(count: usize) -> String {
    let groups: Vec<Value> = (0..count)
        .map(|number| json!({ "name": format!("team-{number}"), "indices": [format!("team-{number}-*")] }))
        .collect();
    without_auth(&groups)
}

#[test]
fn thousands_of_groups_are_spread_over_objects_of_a_size_that_is_easy_to_apply() {
    let output = output(&many_groups(3_000));
    for manifest in &output.manifests {
        let size = serde_json::to_vec(manifest).expect("JSON").len();
        let limit = if manifest.kind() == "ConfigMap" { 1_000_000 } else { 256 * 1024 };
        assert!(size < limit, "{} `{}`: {size}", manifest.kind(), manifest.metadata().name);
    }
    let groups = output.plan.migrations.iter().map(|migration| migration.groups.len());
    assert_eq!(groups.sum::<usize>(), 3_000);
    assert_eq!(output.plan.gates().count(), 6_000);
}

#[test]
fn a_request_that_is_too_long_for_an_argument_travels_as_a_file() {
    let output = output(&many_groups(1_500));
    let maps: Vec<_> = output
        .manifests
        .iter()
        .filter_map(|manifest| match manifest {
            Manifest::ConfigMap(map) => map.data.get("request.json"),
            _ => None,
        })
        .collect();
    // Initialize, snapshot and register.
    assert_eq!(maps.len(), 3);
    for request in maps {
        assert!(request.len() > 100_000);
        serde_json::from_str::<Value>(request).expect("JSON");
    }
    let text = text(&output.manifests);
    assert_eq!(text.matches("@/argosy-request/request.json").count(), 3);
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let once = || text(&output(&many_groups(40)).manifests);
    assert_eq!(once(), once());
}

/// Everything between `{{` and `}}` in the manifests.
fn tags(text: &str) -> Vec<&str> {
    text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or_default()).collect()
}

#[test]
fn no_text_of_a_user_becomes_an_expression_or_a_variable() {
    let hostile =
        "{{workflow.name}} $(ARGOSY_TARGET_PASSWORD) {{=1+1}} \u{2028} 🦀 'x' \"y\" #z: [";
    let groups = [json!({
        "name": hostile,
        "indices": ["regex:[{{]workflow.name[}}]$$(HOME)", "logs-{{workflow.uid}}-*"],
    })];
    let source = without_auth(&groups).replace("\"old\"", &json!(hostile).to_string());
    let output = output(&source);
    let text = text(&output.manifests);
    assert_eq!(argo::yaml::read_all(&text).expect("manifests"), output.manifests);
    for tag in tags(&text) {
        let ours = tag.starts_with("inputs.parameters.")
            || ["workflow.uid", "workflow.name", "workflow.status"].contains(&tag);
        assert!(ours, "{tag}");
    }
    assert!(!text.contains('$'), "a `$` is Kubernetes'");
}

/// Returns the requests in the manifests, as the steps will read them.
fn requests(output: &Output) -> Vec<Value> {
    let mut requests = Vec::new();
    for manifest in &output.manifests {
        let Manifest::WorkflowTemplate(object) = manifest else { continue };
        for call in object.spec.templates.iter().flat_map(calls) {
            let parameters = call.arguments.iter().flat_map(|arguments| &arguments.parameters);
            for parameter in parameters.filter(|parameter| parameter.name == "request") {
                let text = parameter.value.as_deref().expect("a value");
                requests.push(serde_json::from_str(text).expect("JSON"));
            }
        }
    }
    requests
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_a_group_is_called_and_means_arrives_at_the_steps(
        name in "\\PC{1,12}",
        letters in "[^*?,\\\\/\"<>| #:A-Z\\s\\pC-][^*?,\\\\/\"<>| #:A-Z\\s\\pC]{0,10}",
    ) {
        prop_assume!(!name.trim().is_empty());
        let groups = [json!({ "name": name, "indices": [letters] })];
        let Compiled { findings, output } = compiled(&without_auth(&groups));
        let Some(output) = output else {
            // Some letters of other scripts are upper-case or spaces.
            prop_assert!(findings.iter().all(|finding| finding.id == "group::pattern"), "{findings:?}");
            return Ok(());
        };
        let text = text(&output.manifests);
        prop_assert_eq!(argo::yaml::read_all(&text).expect("manifests"), output.manifests.clone());
        let mut seen = 0;
        for request in requests(&output) {
            let one = request.get("group").into_iter();
            let many = request.get("groups").and_then(Value::as_array).into_iter().flatten();
            for group in one.chain(many) {
                seen += 1;
                prop_assert_eq!(group.get("name"), Some(&json!(name)));
                prop_assert_eq!(group.get("indices"), Some(&json!([letters])));
            }
        }
        // Initialize, snapshot, register, metadata twice, the four roles of the fleet, verify.
        prop_assert_eq!(seen, 10);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(source in "\\PC{0,200}") {
        let compiled = compiled(&source);
        prop_assert!(compiled.output.is_some() != compiled.findings.has_errors());
    }
}
