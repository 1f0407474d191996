//! Which WorkflowTemplate holds what? One, as long as it is of a size that is easy to apply and
//! to read; else one a migration, and further ones for its groups.
//!
//! ```text
//!  small:  <workflow>: migrations -> migration-a -> group-a-1, group-a-2, ...
//!
//!  large:  <workflow>: migrations
//!              -> <workflow>-migration-a: migration
//!                   -> <workflow>-groups-1-a: groups -> group-a-1, ...
//!                   -> <workflow>-groups-2-a: groups -> group-a-31, ...
//! ```

use argo::{
    Arguments, DagTask, ObjectMeta, Parameter, Template, TemplateRef, WorkflowSpec,
    WorkflowTemplate, names,
};

use super::{
    group::{self, Bundle},
    migration::{self, RenderedMigration},
    object,
};
use crate::{
    installation::Installation,
    plan::{Plan, PlannedGroup},
};

/// An object may be about this large, in bytes of JSON. The API server takes about 1 MiB, but `kubectl
/// apply` keeps a copy of what it applied in an annotation, and annotations may have 256 KiB.
const LARGEST: usize = 200_000;

const ENTRYPOINT: &str = "migrations";
const ON_EXIT: &str = "on-exit";
const ONE_MIGRATION: &str = "migration";
const CLEANUP_ON_FAILURE: &str = "cleanup-on-failure";
const GROUPS: &str = "groups";

/// Returns the WorkflowTemplates; the one to start with is the last, so that whatever it refers
/// to is there when it is applied.
pub(super) fn spread(
    plan: &Plan,
    migrations: Vec<RenderedMigration<'_>>,
    installation: &Installation,
) -> Vec<WorkflowTemplate> {
    // What is far too large is not measured to its end.
    let room = migrations.iter().flat_map(sizes).try_fold(LARGEST, usize::checked_sub);
    if room.is_some() {
        return vec![together(plan, migrations, installation)];
    }
    let mut spread = Vec::new();
    let (mut tasks, mut exits) = (Vec::new(), Vec::new());
    for rendered in migrations {
        let id = rendered.plan.id.clone();
        let template = names::joined(&[&plan.workflow, "migration", &id]);
        let task = |name: &str, of: &str| DagTask {
            name: name.to_owned(),
            template_ref: Some(TemplateRef { name: template.clone(), template: of.to_owned() }),
            ..DagTask::default()
        };
        tasks.push(task(&id, ONE_MIGRATION));
        exits.push(on_failure(task(&rendered.cleanup_on_failure.name, CLEANUP_ON_FAILURE)));
        spread.extend(apart(&plan.workflow, &template, rendered));
    }
    let templates = vec![
        migration::side_by_side(ENTRYPOINT.to_owned(), tasks),
        migration::at_once(ON_EXIT.to_owned(), exits),
    ];
    spread.push(start(plan, templates, installation));
    spread
}

/// Everything in one object.
fn together(
    plan: &Plan,
    migrations: Vec<RenderedMigration<'_>>,
    installation: &Installation,
) -> WorkflowTemplate {
    let (mut tasks, mut exits, mut templates) = (Vec::new(), Vec::new(), Vec::new());
    for rendered in migrations {
        let RenderedMigration { plan, opening, cleanup, cleanup_on_failure, rest, groups } =
            rendered;
        let name = names::joined(&["migration", &plan.id]);
        tasks.push(DagTask {
            name: plan.id.clone(),
            template: Some(name.clone()),
            ..DagTask::default()
        });
        exits.push(on_failure(cleanup_on_failure));
        let branches = groups.iter().map(|(group, _)| branch(&plan.id, group)).collect();
        templates.push(migration::dag(name, opening, branches, cleanup));
        templates.extend(rest.templates);
        templates.extend(groups.into_iter().flat_map(|(_, bundle)| bundle.templates));
    }
    templates.insert(0, migration::side_by_side(ENTRYPOINT.to_owned(), tasks));
    templates.push(migration::at_once(ON_EXIT.to_owned(), exits));
    start(plan, templates, installation)
}

/// One migration in an object of its own, and its groups in further ones.
fn apart(workflow: &str, own_name: &str, rendered: RenderedMigration<'_>) -> Vec<WorkflowTemplate> {
    let RenderedMigration { plan, opening, cleanup, cleanup_on_failure, rest, groups } = rendered;
    let labels = object::labels(workflow, &migration::labels(plan, ""));
    let object = |name: &str, templates| {
        let spec = WorkflowSpec { templates, ..WorkflowSpec::default() };
        WorkflowTemplate::new(ObjectMeta::named(name, labels.clone()), spec)
    };
    let mut spread = Vec::new();
    let mut branches = Vec::new();
    for (position, part) in parts(groups).into_iter().enumerate() {
        let number = (position + 1).to_string();
        let name = names::joined(&[workflow, GROUPS, &number, &plan.id]);
        let tasks = part.iter().map(|(group, _)| branch(&plan.id, group)).collect();
        let mut templates = vec![migration::side_by_side(GROUPS.to_owned(), tasks)];
        templates.extend(part.into_iter().flat_map(|(_, bundle)| bundle.templates));
        spread.push(object(&name, templates));
        branches.push(DagTask {
            name: format!("{GROUPS}-{number}"),
            template_ref: Some(TemplateRef { name, template: GROUPS.to_owned() }),
            ..DagTask::default()
        });
    }
    let mut templates = vec![migration::dag(ONE_MIGRATION.to_owned(), opening, branches, cleanup)];
    templates.push(migration::at_once(CLEANUP_ON_FAILURE.to_owned(), vec![cleanup_on_failure]));
    templates.extend(rest.templates);
    spread.push(object(own_name, templates));
    spread
}

/// Cuts groups into parts of about [`LARGEST`] bytes; a larger group is a part by itself.
fn parts(groups: Vec<(&PlannedGroup, Bundle)>) -> Vec<Vec<(&PlannedGroup, Bundle)>> {
    let mut parts: Vec<Vec<_>> = Vec::new();
    let mut room = 0;
    for group in groups {
        let size = bundle_size(&group.1);
        match parts.last_mut() {
            Some(part) if size <= room => {
                room -= size;
                part.push(group);
            }
            _ => {
                room = LARGEST.saturating_sub(size);
                parts.push(vec![group]);
            }
        }
    }
    parts
}

/// The task that runs a group's DAG.
fn branch(migration: &str, group: &PlannedGroup) -> DagTask {
    DagTask {
        name: group.id.clone(),
        template: Some(group::template_name(migration, group)),
        ..DagTask::default()
    }
}

fn on_failure(task: DagTask) -> DagTask {
    DagTask { when: Some(r#""{{workflow.status}}" != "Succeeded""#.to_owned()), ..task }
}

fn start(plan: &Plan, templates: Vec<Template>, installation: &Installation) -> WorkflowTemplate {
    let labels = match plan.migrations.as_slice() {
        [only] => migration::labels(only, ""),
        _ => Vec::new(),
    };
    WorkflowTemplate::new(
        ObjectMeta::named(&plan.workflow, object::labels(&plan.workflow, &labels)),
        WorkflowSpec {
            entrypoint: Some(ENTRYPOINT.to_owned()),
            on_exit: Some(ON_EXIT.to_owned()),
            parallelism: Some(plan.parallelism),
            service_account_name: Some(installation.service_account.clone()),
            templates,
            ..WorkflowSpec::default()
        },
    )
}

/// Returns about how large a migration's parts are.
fn sizes(rendered: &RenderedMigration<'_>) -> impl Iterator<Item = usize> {
    let RenderedMigration { plan: _, opening, cleanup, cleanup_on_failure, rest, groups } =
        rendered;
    let own = opening.iter().chain([cleanup, cleanup_on_failure]);
    let own: usize = own.map(|task| call_size(task.arguments.as_ref())).sum();
    let bundles = groups.iter().map(|(_, bundle)| bundle_size(bundle));
    std::iter::once(own + bundle_size(rest)).chain(bundles)
}

/// Returns about how many bytes of JSON the templates of a bundle are. They are measured to the
/// byte when they stand in their objects ([`crate::check::size`]); to do so here as well would take
/// as long as all the rest of rendering.
fn bundle_size(bundle: &Bundle) -> usize {
    bundle.templates.iter().map(template_size).sum()
}

fn template_size(template: &Template) -> usize {
    let tasks = template.dag.iter().flat_map(|dag| &dag.tasks).map(|task| &task.arguments);
    let steps = template.steps.iter().flatten().flatten().map(|step| &step.arguments);
    let calls: usize = tasks.chain(steps).map(|arguments| call_size(arguments.as_ref())).sum();
    // A copy of a step's own template, or the braces and names of one of ours.
    let own = if template.container.is_some() { 5_000 } else { 300 };
    own + calls
}

/// Returns about how many bytes a call is: its parameters, and what it calls.
fn call_size(arguments: Option<&Arguments>) -> usize {
    let parameters = arguments.iter().flat_map(|arguments| &arguments.parameters);
    // A request is JSON in JSON: each quote and each end of a line takes two bytes.
    let value = |text: &String| text.len() + text.len() / 6;
    let size = |parameter: &Parameter| {
        parameter.name.len() + parameter.value.as_ref().map_or(0, value) + 20
    };
    150 + parameters.map(size).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use argo::{Manifest, json_size};

    use super::*;
    use crate::{check::testing::grouped, compile};

    #[test]
    fn objects_are_about_as_large_as_they_may_be() {
        for patterns in [1, 40] {
            let names = |group| (0..patterns).map(move |name| format!("tenant-{group}-{name}-*"));
            let groups = (0..150).map(|group| {
                format!("\n      - indices: [{}]", names(group).collect::<Vec<_>>().join(", "))
            });
            let source = grouped(&groups.collect::<String>());
            let output = compile(&source, &Installation::default()).output.expect("manifests");
            let sizes: Vec<usize> = output
                .manifests
                .iter()
                .filter(|manifest| {
                    matches!(manifest, Manifest::WorkflowTemplate(_))
                        && manifest.metadata().name.contains(GROUPS)
                })
                .map(json_size)
                .collect();
            let (_, full) = sizes.split_last().expect("several objects");
            assert!(full.len() > 3, "{sizes:?}");
            for size in full {
                assert!((LARGEST / 10 * 8..LARGEST / 10 * 11).contains(size), "{sizes:?}");
            }
        }
    }
}
