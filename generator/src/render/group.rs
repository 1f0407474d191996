//! The templates of a group: a DAG of its tasks, its gates, and the restoring of its documents.

use std::collections::BTreeMap;

use argo::{
    Arguments, ConfigMap, DagTask, DagTemplate, Inputs, Parameter, Template, ValueFrom,
    WorkflowStep, io::KeyRef, names, template::PodMetadata,
};
use contract::rfs::RfsRole;

use super::{
    request,
    step::{Call, Scope, Step, reference, wait},
};
use crate::plan::{Gate, PlannedGroup, RestoreDocuments, Task, Work};

/// Templates and objects that belong together.
#[derive(Default)]
pub(super) struct Bundle {
    pub templates: Vec<Template>,
    pub objects: Vec<ConfigMap>,
}

/// Returns the name of a group's DAG.
pub(super) fn template_name(migration: &str, group: &PlannedGroup) -> String {
    names::joined(&["group", migration, &group.id])
}

/// Returns everything of a group; the first template is its DAG.
pub(super) fn bundle(group: &PlannedGroup, scope: &Scope<'_>) -> Bundle {
    let mut rest = Bundle::default();
    let tasks = chain(&group.tasks, scope, &mut rest);
    let dag = Template {
        name: template_name(scope.label("migration"), group),
        dag: Some(DagTemplate { tasks, ..DagTemplate::default() }),
        ..Template::default()
    };
    rest.templates.insert(0, dag);
    rest
}

/// Returns tasks that run one after the other, and adds what they need to `rest`.
pub(super) fn chain(tasks: &[Task], scope: &Scope<'_>, rest: &mut Bundle) -> Vec<DagTask> {
    let mut before: Option<String> = None;
    let mut chained = Vec::new();
    for task in tasks {
        let mut next = dag_task(task, scope, rest);
        next.depends = before.replace(task.name.clone());
        chained.push(next);
    }
    chained
}

/// Returns one task, and adds what it needs to `rest`.
pub(super) fn dag_task(task: &Task, scope: &Scope<'_>, rest: &mut Bundle) -> DagTask {
    let Task { name, work } = task;
    let call = match work {
        Work::Initialize(request) => scope.call(Step::Initialize, name, request),
        Work::CreateSnapshot(request) => scope.call(Step::Snapshot, name, request),
        Work::RegisterSnapshot(request) => scope.call(Step::Register, name, request),
        Work::EvaluateMetadata(request) | Work::MigrateMetadata(request) => {
            scope.call(Step::Metadata, name, request)
        }
        Work::VerifyDocuments(request) => scope.call(Step::Verify, name, request),
        Work::Cleanup(request) => scope.call(Step::Cleanup, name, request),
        Work::RestoreDocuments(restore) => {
            let Restoring { steps, fleet } = restoring(restore, scope);
            let task = local(name, steps, rest);
            rest.templates.push(fleet);
            return task;
        }
        Work::Gate(gate) => return local(name, gate_template(gate), rest),
    };
    let Call { template, template_ref, arguments, own_template, own_object } = call;
    rest.templates.extend(own_template);
    rest.objects.extend(own_object);
    DagTask {
        name: name.clone(),
        template,
        template_ref,
        arguments: Some(arguments),
        ..DagTask::default()
    }
}

/// A task that runs a template of its own.
fn local(name: &str, template: Template, rest: &mut Bundle) -> DagTask {
    let task = DagTask {
        name: name.to_owned(),
        template: Some(template.name.clone()),
        ..DagTask::default()
    };
    rest.templates.push(template);
    task
}

/// The same call as a step of a `steps` template, where the order of the steps says on what each
/// one depends.
pub(super) fn step_of(task: DagTask) -> WorkflowStep {
    let DagTask { name, template, template_ref, arguments, when, .. } = task;
    WorkflowStep { name, template, template_ref, arguments, when, ..WorkflowStep::default() }
}

/// One template a gate: Argo resolves a ConfigMap's key only when it is written out.
fn gate_template(gate: &Gate) -> Template {
    let name = &gate.name;
    let decision = Parameter {
        name: "decision".to_owned(),
        value_from: Some(Box::new(ValueFrom {
            config_map_key_ref: Some(KeyRef {
                name: "{{workflow.name}}-decisions".to_owned(),
                key: name.clone(),
                optional: Some(true),
            }),
            default: Some("pending".to_owned()),
            ..ValueFrom::default()
        })),
        ..Parameter::default()
    };
    Template {
        name: name.clone(),
        inputs: Some(Inputs { parameters: vec![decision] }),
        steps: Some(vec![vec![WorkflowStep {
            name: name.clone(),
            template_ref: Some(wait()),
            when: Some(r#""{{inputs.parameters.decision}}" != "approved""#.to_owned()),
            ..WorkflowStep::default()
        }]]),
        ..Template::default()
    }
}

/// How many workers may fail before the fleet is given up. What is wrong with the work itself ends
/// at the work items; workers fail because their machines do, and the more there are and the
/// longer they work, the more often. A fleet that cannot start at all must still end.
const fn allowed_failures(workers: u32) -> u32 {
    20 + 4 * workers
}

/// How documents are restored.
struct Restoring {
    /// Prepare; then the fleet, and one that follows it. The fleet comes first in its step: under
    /// a tight `parallelism` a follower must never hold the place that its own fleet needs.
    steps: Template,
    /// The workers; and if they fail, one that tells the follower, for whom a fleet that failed
    /// looks like one that was paused.
    fleet: Template,
}

fn restoring(restore: &RestoreDocuments, scope: &Scope<'_>) -> Restoring {
    let RestoreDocuments { workers, request } = restore;
    let mut request = request.clone();
    let mut run = |name: &str, role| {
        request.role = role;
        let mut parameters = scope.parameters(Step::Rfs, name);
        parameters.push(Parameter::new("request", request::text(&request)));
        DagTask {
            name: name.to_owned(),
            template_ref: Some(reference(Step::Rfs, "run")),
            arguments: Some(Arguments { parameters }),
            ..DagTask::default()
        }
    };
    let prepare = run("prepare", RfsRole::Prepare);
    let follow = run("follow", RfsRole::Follow);
    let give_up = DagTask {
        depends: Some("workers.Failed || workers.Errored".to_owned()),
        ..run("give-up", RfsRole::GiveUp)
    };
    request.role = RfsRole::Work;
    let mut parameters = scope.parameters(Step::Rfs, "workers");
    parameters.push(Parameter::new("workers", workers.to_string()));
    parameters.push(Parameter::new("failures", allowed_failures(*workers).to_string()));
    parameters.push(Parameter::new("request", request::between_quotes(&request)));
    let workers = DagTask {
        name: "workers".to_owned(),
        template_ref: Some(reference(Step::Rfs, "workers")),
        arguments: Some(Arguments { parameters }),
        ..DagTask::default()
    };
    let name = |first| names::joined(&[first, scope.label("migration"), scope.label("group")]);
    let fleet = Template {
        name: name("fleet"),
        dag: Some(DagTemplate { tasks: vec![workers, give_up], ..DagTemplate::default() }),
        ..Template::default()
    };
    let steps = Template {
        name: name("restore"),
        // `prepare` opens again what failed, so a second try starts with it.
        metadata: Some(PodMetadata {
            annotations: BTreeMap::from([("argosy.dev/retry".to_owned(), "whole".to_owned())]),
            ..PodMetadata::default()
        }),
        steps: Some(vec![
            vec![step_of(prepare)],
            vec![
                WorkflowStep {
                    name: "fleet".to_owned(),
                    template: Some(fleet.name.clone()),
                    ..WorkflowStep::default()
                },
                step_of(follow),
            ],
        ]),
        ..Template::default()
    };
    Restoring { steps, fleet }
}
