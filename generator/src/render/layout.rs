//! Which WorkflowTemplate holds what? One holds everything, as long as it is small enough to be
//! applied and read easily. Otherwise there is one for each migration, and further ones for its
//! groups.
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
    body::{self, Bundle},
    migration::{self, Branch, RenderedGroup, RenderedMigration},
    object,
    scope::ScopeLabels,
};
use crate::{installation::Installation, plan::Plan};

/// The size that an object may have, approximately, in bytes of JSON. The API server takes about
/// 1 MiB, but `kubectl apply` keeps a copy of what it applied in an annotation, and annotations may
/// have 256 KiB.
const MAX_OBJECT_BYTES: usize = 200_000;

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
    // The sum stops at what is too large.
    let room = migrations.iter().flat_map(sizes).try_fold(MAX_OBJECT_BYTES, usize::checked_sub);
    if room.is_some() {
        return vec![together(plan, migrations, installation)];
    }
    let mut spread = Vec::new();
    let (mut tasks, mut exits) = (Vec::new(), Vec::new());
    for rendered in migrations {
        let id = rendered.plan.id.clone();
        let template = names::join(&[&plan.workflow, "migration", &id]);
        let task = |name: &str, of: &str| DagTask {
            name: name.to_owned(),
            template_ref: Some(TemplateRef { name: template.clone(), template: of.to_owned() }),
            ..DagTask::default()
        };
        tasks.push(task(&id, ONE_MIGRATION));
        for exit in &rendered.at_exit {
            exits.push(on_failure(task(&exit.name, CLEANUP_ON_FAILURE)));
        }
        spread.extend(apart(&plan.workflow, &template, rendered));
    }
    let templates = vec![migration::side_by_side(ENTRYPOINT.to_owned(), tasks)];
    spread.push(start(plan, templates, exits, installation));
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
        let RenderedMigration { plan, before, groups, after, at_exit, bundle } = rendered;
        let name = names::join(&["migration", &plan.id]);
        tasks.push(body::local(&plan.id, &name));
        exits.extend(at_exit.into_iter().map(on_failure));
        let branches = groups.iter().map(|group| group.branch(&plan.id)).collect();
        templates.push(migration::dag(name, plan, before, branches, after));
        templates.extend(bundle.templates);
        templates.extend(groups.into_iter().flat_map(|group| group.bundle.templates));
    }
    templates.insert(0, migration::side_by_side(ENTRYPOINT.to_owned(), tasks));
    start(plan, templates, exits, installation)
}

/// One migration in an object of its own, and its groups in further ones.
fn apart(workflow: &str, own_name: &str, rendered: RenderedMigration<'_>) -> Vec<WorkflowTemplate> {
    let RenderedMigration { plan, before, groups, after, at_exit, bundle } = rendered;
    let labels = ScopeLabels { migration: &plan.labels, group: None };
    let labels = object::labels(workflow, Some(labels));
    let object = |name: &str, templates| {
        let spec = WorkflowSpec { templates, ..WorkflowSpec::default() };
        WorkflowTemplate::new(ObjectMeta::named(name, labels.clone()), spec)
    };
    let mut spread = Vec::new();
    let mut branches = Vec::new();
    for (position, part) in parts(groups).into_iter().enumerate() {
        let number = (position + 1).to_string();
        let name = names::join(&[workflow, GROUPS, &number, &plan.id]);
        let mut branch = Branch {
            task: DagTask {
                name: format!("{GROUPS}-{number}"),
                template_ref: Some(TemplateRef { name: name.clone(), template: GROUPS.to_owned() }),
                ..DagTask::default()
            },
            groups: Vec::new(),
            after: Vec::new(),
        };
        let (mut tasks, mut inner) = (Vec::new(), Vec::new());
        for group in part {
            let of_group = group.branch(&plan.id);
            tasks.push(of_group.task);
            branch.groups.extend(of_group.groups);
            branch.after.extend(of_group.after);
            inner.extend(group.bundle.templates);
        }
        let mut templates = vec![migration::side_by_side(GROUPS.to_owned(), tasks)];
        templates.extend(inner);
        spread.push(object(&name, templates));
        branches.push(branch);
    }
    let mut templates =
        vec![migration::dag(ONE_MIGRATION.to_owned(), plan, before, branches, after)];
    if !at_exit.is_empty() {
        templates.push(migration::concurrent_steps(CLEANUP_ON_FAILURE.to_owned(), at_exit));
    }
    templates.extend(bundle.templates);
    spread.push(object(own_name, templates));
    spread
}

/// Cuts groups into parts of about [`MAX_OBJECT_BYTES`]; a larger group is a part by itself.
fn parts(groups: Vec<RenderedGroup<'_>>) -> Vec<Vec<RenderedGroup<'_>>> {
    let mut parts: Vec<Vec<_>> = Vec::new();
    let mut room = 0;
    for group in groups {
        let size = bundle_size(&group.bundle);
        match parts.last_mut() {
            Some(part) if size <= room => {
                room -= size;
                part.push(group);
            }
            _ => {
                room = MAX_OBJECT_BYTES.saturating_sub(size);
                parts.push(vec![group]);
            }
        }
    }
    parts
}

fn on_failure(task: DagTask) -> DagTask {
    DagTask { when: Some(r#""{{workflow.status}}" != "Succeeded""#.to_owned()), ..task }
}

/// The object to start with; `exits` run when the workflow has ended.
fn start(
    plan: &Plan,
    mut templates: Vec<Template>,
    exits: Vec<DagTask>,
    installation: &Installation,
) -> WorkflowTemplate {
    let on_exit = (!exits.is_empty()).then(|| ON_EXIT.to_owned());
    if on_exit.is_some() {
        templates.push(migration::concurrent_steps(ON_EXIT.to_owned(), exits));
    }
    let labels = match plan.migrations.as_slice() {
        [only] => Some(ScopeLabels { migration: &only.labels, group: None }),
        _ => None,
    };
    WorkflowTemplate::new(
        ObjectMeta::named(&plan.workflow, object::labels(&plan.workflow, labels)),
        WorkflowSpec {
            entrypoint: Some(ENTRYPOINT.to_owned()),
            on_exit,
            parallelism: Some(plan.parallelism),
            service_account_name: Some(installation.service_account.clone()),
            templates,
            ..WorkflowSpec::default()
        },
    )
}

/// Returns about how large a migration's parts are.
fn sizes(rendered: &RenderedMigration<'_>) -> impl Iterator<Item = usize> {
    let RenderedMigration { plan: _, before, groups, after, at_exit, bundle } = rendered;
    let own = before.iter().chain(after).map(|own| &own.task).chain(at_exit);
    let own: usize = own.map(|task| call_size(task.arguments.as_ref())).sum();
    let groups = groups.iter().map(|group| bundle_size(&group.bundle));
    std::iter::once(own + bundle_size(bundle)).chain(groups)
}

/// Returns about how many bytes of JSON the templates of a bundle are. They are measured to the
/// byte when they are in their objects ([`crate::check::size`]); to do so here as well would take
/// as long as all the rest of rendering.
fn bundle_size(bundle: &Bundle) -> usize {
    bundle.templates.iter().map(template_size).sum()
}

fn template_size(template: &Template) -> usize {
    let tasks = template.dag.iter().flat_map(|dag| &dag.tasks).map(|task| &task.arguments);
    let steps = template.steps.iter().flatten().flatten().map(|step| &step.arguments);
    let calls: usize = tasks.chain(steps).map(|arguments| call_size(arguments.as_ref())).sum();
    // A copy of a step's template, or the braces and names of one that we made.
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
                assert!(
                    (MAX_OBJECT_BYTES / 10 * 8..MAX_OBJECT_BYTES / 10 * 11).contains(size),
                    "{sizes:?}"
                );
            }
        }
    }
}
