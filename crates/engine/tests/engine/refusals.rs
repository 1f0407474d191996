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
        "not supported here",
    );
    assert_refused(
        "    - {name: main, http: {url: a}}\n",
        "spec.templates[0].http",
        "not supported here",
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
        "cycle",
    );
    assert_refused(
        &dag("{name: x, template: a, depends: x.Done}"),
        "spec.templates[0].dag.tasks[0].depends",
        "Done",
    );
}

#[test]
fn names_that_argo_does_not_take_are_refused() {
    let leaf = "    - {name: a, container: {image: a, command: [b]}}\n";
    let dag = |tasks: &str| format!("    - {{name: main, dag: {{tasks: [{tasks}]}}}}\n{leaf}");
    assert_refused(
        &dag("{name: 1st, template: a}, {name: x, template: a, depends: 1st}"),
        "spec.templates[0].dag.tasks[0].name",
        "start with a digit",
    );
    let apart = manifests(&workflow(&dag("{name: 1st, template: a}"))).expect("manifests");
    engine::check(&apart).expect("a program");
    assert_refused(
        "    - {name: Main, container: {image: a, command: [b]}}\n",
        "spec.templates[0].name",
        "upper-case letters",
    );
}

#[test]
fn the_two_ways_of_ordering_tasks_are_not_mixed() {
    let dag = |tasks: &str| {
        format!(
            "    - {{name: main, dag: {{tasks: [{{name: x, template: a}}, {tasks}]}}}}\n    - {{name: a, suspend: {{}}}}\n"
        )
    };
    assert_refused(
        &dag("{name: y, template: a, depends: x}, {name: z, template: a, dependencies: [x]}"),
        "spec.templates[0].dag.tasks[2].dependencies",
        "not both",
    );
    assert_refused(
        &dag("{name: y, template: a, depends: x, continueOn: {failed: true}}"),
        "spec.templates[0].dag.tasks[1].continueOn",
        "task.Failed",
    );
}

#[test]
fn a_gate_in_a_loop_is_refused_and_a_pause_is_not() {
    let dag = |suspend: &str| {
        workflow(&format!(
            "    - {{name: main, dag: {{tasks: [{{name: x, template: a, withItems: [1, 2]}}]}}}}\n    \
             - {{name: a, suspend: {suspend}}}\n"
        ))
    };
    let found = refused(&dag("{}"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].1.contains("a gate in a loop"), "{found:#?}");
    engine::check(&manifests(&dag("{duration: 1s}")).expect("manifests")).expect("a program");
}

#[test]
fn an_output_of_the_run_must_come_from_a_template_that_is_called() {
    let exports = "outputs: {parameters: [{name: o, globalName: shared, valueFrom: {path: /out/o}}]}, \
                   volumes: [{name: out, emptyDir: {}}], container: {image: a, command: [b], \
                   volumeMounts: [{name: out, mountPath: /out}]}";
    let says = "container: {image: a, command: ['{{workflow.outputs.parameters.shared}}']}";
    assert_refused(
        &format!("    - {{name: main, {exports}}}\n    - {{name: leave, {says}}}\n"),
        "spec.templates[1].container.command[0]",
        "workflow.outputs.parameters.shared",
    );
    let called = workflow(&format!(
        "    - {{name: main, steps: [[{{name: x, template: a}}]]}}\n    - {{name: a, {exports}}}\n    \
         - {{name: leave, {says}}}\n"
    ));
    engine::check(&manifests(&called).expect("manifests")).expect("a program");
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
