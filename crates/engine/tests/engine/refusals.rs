//! Manifests that cannot be run here are refused before anything runs, with the place.

use crate::support::manifests;

fn workflow(templates: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  \
         entrypoint: main\n  templates:\n{templates}"
    )
}

/// Returns the refused places with their messages.
fn refused(yaml: &str) -> Vec<(String, String)> {
    let found = match manifests(yaml) {
        Ok(manifests) => engine::check(&manifests).expect_err("refused"),
        Err(found) => found,
    };
    found.into_iter().map(|refusal| (refusal.path, refusal.message)).collect()
}

#[track_caller]
fn assert_refused(templates: &str, place: &str, word: &str) {
    let found = refused(&workflow(templates));
    let is_there = found.iter().any(|(path, message)| path == place && message.contains(word));
    assert!(is_there, "{place}: {word} is not in {found:#?}");
}

#[test]
fn what_this_engine_does_not_run_is_refused_with_its_place() {
    assert_refused(
        "    - {name: main, script: {image: a, command: [b], source: c}}\n",
        "spec.templates[0].script",
        "not run here",
    );
    assert_refused(
        "    - {name: main, http: {url: a}}\n",
        "spec.templates[0].http",
        "not run here",
    );
    assert_refused(
        "    - {name: main, container: {image: a, command: ['{{=1 + 1}}']}}\n",
        "spec.templates[0].container.command[0]",
        "expression",
    );
    assert_refused(
        "    - {name: main, resource: {action: delete, manifest: 'kind: Job'}}\n",
        "spec.templates[0].resource.action",
        "create",
    );
    assert_refused(
        "    - {name: main, resource: {action: create, manifest: 'kind: Deployment'}}\n",
        "spec.templates[0].resource.manifest",
        "Deployment",
    );
}

#[test]
fn names_that_lead_nowhere_are_refused() {
    assert_refused("    - {name: other, suspend: {}}\n", "spec.entrypoint", "no template `main`");
    let dag = |task: &str| {
        format!(
            "    - {{name: main, dag: {{tasks: [{task}]}}}}\n    - {{name: a, suspend: {{}}}}\n"
        )
    };
    assert_refused(
        &dag("{name: x, template: b}"),
        "spec.templates[0].dag.tasks[0].template",
        "no template `b`",
    );
    assert_refused(
        &dag("{name: x, templateRef: {name: far, template: b}}"),
        "spec.templates[0].dag.tasks[0].templateRef",
        "WorkflowTemplate `far`",
    );
    assert_refused(
        &dag("{name: x, template: a, depends: y}"),
        "spec.templates[0].dag.tasks[0].depends",
        "no task `y`",
    );
    assert_refused(
        &dag("{name: x, template: a, depends: y}, {name: y, template: a, depends: x.Failed}"),
        "spec.templates[0].dag.tasks",
        "circle",
    );
    assert_refused(
        &dag("{name: x, template: a, depends: x.Done}"),
        "spec.templates[0].dag.tasks[0].depends",
        "Done",
    );
}

#[test]
fn a_tag_that_can_have_no_value_is_refused() {
    let dag = |value: &str| {
        format!(
            "    - name: main\n      dag:\n        tasks:\n          - {{name: x, template: a, arguments: {{parameters: [{{name: p, value: '{value}'}}]}}}}\n          - {{name: y, template: a, depends: x, arguments: {{parameters: [{{name: p, value: '{{{{tasks.x.status}}}}'}}]}}}}\n    - {{name: a, inputs: {{parameters: [{{name: p}}]}}, suspend: {{}}}}\n"
        )
    };
    let place = "spec.templates[0].dag.tasks[0].arguments.parameters[0].value";
    for tag in [
        "inputs.parameters.none",
        "tasks.y.status",
        "tasks.x.status",
        "steps.x.status",
        "workflow.parameters.none",
        "item",
        "user text",
    ] {
        assert_refused(&dag(&format!("{{{{{tag}}}}}")), place, tag);
    }
    let whole = manifests(&workflow(&dag("{{workflow.uid}}"))).expect("manifests");
    engine::check(&whole).expect("a program");
}

#[test]
fn calls_without_their_arguments_and_other_mistakes_are_found_together() {
    let found = refused(&workflow(
        "    - name: main\n      retryStrategy: {limit: x, retryPolicy: OnTransientError, backoff: {duration: 5d}}\n      steps:\n        - - {name: a, template: b}\n          - {name: a, template: b, when: '((', arguments: {parameters: [{name: p}]}}\n    - {name: b, inputs: {parameters: [{name: p}]}, outputs: {parameters: [{name: o, valueFrom: {path: /etc/passwd}}]}, container: {image: i}}\n",
    ));
    let mut places: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    places.sort_unstable();
    let expected = [
        "spec.templates[0].retryStrategy.backoff.duration",
        "spec.templates[0].retryStrategy.limit",
        "spec.templates[0].retryStrategy.retryPolicy",
        "spec.templates[0].steps[0][0]",
        "spec.templates[0].steps[0][1].arguments.parameters[0]",
        "spec.templates[0].steps[0][1].name",
        "spec.templates[0].steps[0][1].when",
        "spec.templates[1].container.command",
        "spec.templates[1].outputs.parameters[0].valueFrom.path",
    ];
    assert_eq!(places, expected);
}

#[test]
fn a_name_cannot_leave_the_state_directory() {
    let yaml = workflow("    - {name: main, suspend: {}}\n").replace("name: w", "name: ../w");
    let found = refused(&yaml);
    assert_eq!(found[0].0, "metadata.name");
}
