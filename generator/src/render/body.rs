//! How is a task written as Argo manifests? One function for each body that a task can have.

use std::collections::BTreeMap;

use argo::{
    Arguments, ConfigMap, DagTask, DagTemplate, Parameter, Template, WorkflowStep,
    convention::{self, resume},
    names,
    template::PodMetadata,
};

use super::{
    depends::depends,
    request,
    request_file::request_file,
    scope::Scope,
    step::{self, reference, wait},
};
use crate::plan::{Body, FleetTasks, Gate, StepCall, Task, Workers};

/// Templates and objects that belong together.
#[derive(Default)]
pub(super) struct Bundle {
    pub templates: Vec<Template>,
    pub objects: Vec<ConfigMap>,
}

/// Returns a task without `depends`, and adds what it needs to `bundle`.
pub(super) fn task(task: &Task, scope: &Scope<'_>, bundle: &mut Bundle) -> DagTask {
    let name = task.id.name();
    match &task.body {
        Body::Step(call) => step(name, call, scope, bundle),
        Body::Workers(called) => workers(name, called, scope),
        Body::Fleet(called) => fleet(name, called, scope, bundle),
        Body::Gate(called) => gate(name, called, bundle),
    }
}

/// A step: a call of its static template, or of a copy that reads a long request from a file.
fn step(name: &str, call: &StepCall, scope: &Scope<'_>, bundle: &mut Bundle) -> DagTask {
    let program = step::program(call);
    let text = request::text(&request::Request(call));
    let mut parameters = scope.parameters(program, name);
    if text.len() <= request::MAX_ARGUMENT_BYTES {
        parameters.push(Parameter::new("request", text));
        return DagTask {
            name: name.to_owned(),
            template_ref: Some(reference(program, "run")),
            arguments: Some(Arguments { parameters }),
            ..DagTask::default()
        };
    }
    let (template, object) = request_file(program, name, text, scope);
    let task = DagTask { arguments: Some(Arguments { parameters }), ..local(name, &template.name) };
    bundle.templates.push(template);
    bundle.objects.push(object);
    task
}

/// Workers: a call of the template that makes a Job.
fn workers(name: &str, workers: &Workers, scope: &Scope<'_>) -> DagTask {
    let Workers { count, allowed_failures, call } = workers;
    let program = step::program(call);
    let mut parameters = scope.parameters(program, name);
    parameters.push(Parameter::new("workers", count.to_string()));
    parameters.push(Parameter::new("failures", allowed_failures.to_string()));
    parameters.push(Parameter::new("request", request::between_quotes(&request::Request(call))));
    DagTask {
        name: name.to_owned(),
        template_ref: Some(reference(program, "workers")),
        arguments: Some(Arguments { parameters }),
        ..DagTask::default()
    }
}

/// A fleet: prepare; then the workers, and one that follows them. The workers are the first of
/// their step: under a tight `parallelism` a follower must never hold the place that its own
/// workers need. Workers and give-up are a DAG, because only a DAG runs a task after a failure.
fn fleet(name: &str, fleet: &FleetTasks, scope: &Scope<'_>, bundle: &mut Bundle) -> DagTask {
    let FleetTasks { prepare, workers, give_up, follow } = fleet;
    let path = workers.id.parent();
    let inner = vec![
        task(workers, scope, bundle),
        DagTask {
            depends: depends(&give_up.after, path, |name| name),
            ..task(give_up, scope, bundle)
        },
    ];
    let own_name = |first| names::join(&[first, scope.migration(), scope.group()]);
    let dag = Template {
        name: own_name("fleet"),
        dag: Some(DagTemplate { tasks: inner, ..DagTemplate::default() }),
        ..Template::default()
    };
    let (annotation, value) = resume::WHOLE;
    let steps = Template {
        name: own_name("restore"),
        // `prepare` opens the items that failed again, so a resumed run starts with it.
        metadata: Some(PodMetadata {
            annotations: BTreeMap::from([(annotation.to_owned(), value.to_owned())]),
            ..PodMetadata::default()
        }),
        steps: Some(vec![
            vec![step_of(task(prepare, scope, bundle))],
            vec![step_of(local("fleet", &dag.name)), step_of(task(follow, scope, bundle))],
        ]),
        ..Template::default()
    };
    let call = local(name, &steps.name);
    bundle.templates.extend([steps, dag]);
    call
}

/// A gate: one template each, because Argo resolves a ConfigMap's key only when it is written out.
fn gate(name: &str, gate: &Gate, bundle: &mut Bundle) -> DagTask {
    bundle.templates.push(convention::gate::template(&gate.name, wait()));
    local(name, &gate.name)
}

/// Returns a call of a template of the same object.
pub(super) fn local(name: &str, template: &str) -> DagTask {
    DagTask { name: name.to_owned(), template: Some(template.to_owned()), ..DagTask::default() }
}

/// Returns the same call as a step of a `steps` template. There the order of the steps decides what
/// each one waits for.
pub(super) fn step_of(task: DagTask) -> WorkflowStep {
    let DagTask { name, template, template_ref, arguments, when, .. } = task;
    WorkflowStep { name, template, template_ref, arguments, when, ..WorkflowStep::default() }
}
