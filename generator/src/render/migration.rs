//! The templates of a migration: its own tasks, and a DAG for each group.

use std::collections::BTreeMap;

use argo::{ConfigMap, DagTask, DagTemplate, Template, names};

use super::{
    body::{self, Bundle, step_of},
    depends::depends,
    scope::Scope,
    step::StepTemplates,
};
use crate::plan::{After, Owner, Plan, PlannedGroup, PlannedMigration, Task};

/// What a migration becomes, before it is decided which object holds it.
pub(super) struct RenderedMigration<'a> {
    pub plan: &'a PlannedMigration,
    /// The tasks of no group, those that come before the groups first.
    pub before: Vec<OwnTask<'a>>,
    pub groups: Vec<RenderedGroup<'a>>,
    pub after: Vec<OwnTask<'a>>,
    pub at_exit: Vec<DagTask>,
    /// What the tasks of no group need.
    pub bundle: Bundle,
}

/// A task of no group. What it waits for is named in the DAG that holds it.
pub(super) struct OwnTask<'a> {
    pub task: DagTask,
    pub after: &'a [After],
}

/// A group.
pub(super) struct RenderedGroup<'a> {
    pub plan: &'a PlannedGroup,
    /// What its tasks wait for outside of the group.
    pub after: Vec<&'a After>,
    /// Its templates and objects; the first template is its DAG.
    pub bundle: Bundle,
}

/// A branch of a migration's DAG: a group, or several.
pub(super) struct Branch<'a> {
    pub task: DagTask,
    pub groups: Vec<&'a PlannedGroup>,
    pub after: Vec<&'a After>,
}

/// Renders all migrations.
pub(super) fn rendered<'a>(
    plan: &'a Plan,
    templates: &StepTemplates,
) -> Vec<RenderedMigration<'a>> {
    let mut rendered: Vec<RenderedMigration<'a>> = plan.migrations.iter().map(empty).collect();
    for tasks in plan.tasks.chunk_by(|one, other| one.owner == other.owner) {
        let Some(first) = tasks.first() else { continue };
        let Owner { migration, group } = first.owner;
        let Some(into) = rendered.get_mut(migration) else { continue };
        let scope = Scope::new(&plan.workflow, templates, into.plan);
        if let Some(group) = group.and_then(|position| into.plan.groups.get(position)) {
            into.groups.push(rendered_group(
                group,
                tasks,
                &into.plan.id,
                scope.of_group(&group.id),
            ));
            continue;
        }
        let own = tasks.iter().map(|task| OwnTask {
            task: body::task(task, &scope, &mut into.bundle),
            after: &task.after,
        });
        if into.groups.is_empty() { into.before.extend(own) } else { into.after.extend(own) }
    }
    for task in &plan.at_exit {
        let Some(into) = rendered.get_mut(task.owner.migration) else { continue };
        let scope = Scope::new(&plan.workflow, templates, into.plan);
        into.at_exit.push(body::task(task, &scope, &mut into.bundle));
    }
    rendered
}

fn empty(plan: &PlannedMigration) -> RenderedMigration<'_> {
    RenderedMigration {
        plan,
        before: Vec::new(),
        groups: Vec::with_capacity(plan.groups.len()),
        after: Vec::new(),
        at_exit: Vec::new(),
        bundle: Bundle::default(),
    }
}

fn rendered_group<'a>(
    group: &'a PlannedGroup,
    tasks: &'a [Task],
    migration: &str,
    scope: Scope<'_>,
) -> RenderedGroup<'a> {
    let mut bundle = Bundle::default();
    let path = tasks.first().map_or("", |task| task.id.parent());
    let rendered = tasks.iter().map(|task| DagTask {
        depends: depends(&task.after, path, |name| name),
        ..body::task(task, &scope, &mut bundle)
    });
    let dag = Template {
        name: group_template(migration, group),
        dag: Some(DagTemplate { tasks: rendered.collect(), ..DagTemplate::default() }),
        ..Template::default()
    };
    bundle.templates.insert(0, dag);
    let outside = |after: &&After| after.task().below(path).is_none();
    RenderedGroup {
        plan: group,
        after: tasks.iter().flat_map(|task| &task.after).filter(outside).collect(),
        bundle,
    }
}

/// Returns the name of a group's DAG.
fn group_template(migration: &str, group: &PlannedGroup) -> String {
    names::join(&["group", migration, &group.id])
}

impl<'a> RenderedGroup<'a> {
    /// Returns the branch that runs the group's DAG.
    pub(super) fn branch(&self, migration: &str) -> Branch<'a> {
        let task = body::local(&self.plan.id, &group_template(migration, self.plan));
        Branch { task, groups: vec![self.plan], after: self.after.clone() }
    }
}

/// Returns a migration's DAG: what comes before the branches, the branches, what comes after them.
pub(super) fn dag(
    name: String,
    migration: &PlannedMigration,
    before: Vec<OwnTask<'_>>,
    branches: Vec<Branch<'_>>,
    after: Vec<OwnTask<'_>>,
) -> Template {
    // Who waits for a group's task waits for the branch that holds it.
    let branch_of: BTreeMap<&str, &str> = branches
        .iter()
        .flat_map(|branch| branch.groups.iter().map(|group| (&*group.id, &*branch.task.name)))
        .collect();
    let mut all_depends = Vec::with_capacity(before.len() + branches.len() + after.len());
    let path = &migration.id;
    for own in &before {
        all_depends.push(depends(own.after, path, |name| called(&branch_of, name)));
    }
    for branch in &branches {
        let is_outside = |after: &&After| {
            let name = after.task().below(path).map(|name| called(&branch_of, name));
            name != Some(branch.task.name.as_str())
        };
        let outside = branch.after.iter().copied().filter(is_outside);
        all_depends.push(depends(outside, path, |name| called(&branch_of, name)));
    }
    for own in &after {
        all_depends.push(depends(own.after, path, |name| called(&branch_of, name)));
    }
    let before = before.into_iter().map(|own| own.task);
    let after = after.into_iter().map(|own| own.task);
    let tasks = before.chain(branches.into_iter().map(|branch| branch.task)).chain(after);
    let tasks = tasks.zip(all_depends).map(|(task, depends)| DagTask { depends, ..task });
    side_by_side(name, tasks.collect())
}

/// Returns the name of the branch that holds what is called `name` in the plan, or that name.
fn called<'a>(branch_of: &BTreeMap<&'a str, &'a str>, name: &'a str) -> &'a str {
    branch_of.get(name).copied().unwrap_or(name)
}

/// Returns a DAG in which a failed branch does not end the others.
pub(super) fn side_by_side(name: String, tasks: Vec<DagTask>) -> Template {
    Template {
        name,
        dag: Some(DagTemplate { target: None, tasks, fail_fast: Some(false) }),
        ..Template::default()
    }
}

/// Returns `steps` that run concurrently. An exit handler must be of this kind: while a workflow is
/// being stopped, Argo counts a DAG as failed when it first checks it, and does not wait for its
/// tasks.
pub(super) fn concurrent_steps(name: String, tasks: Vec<DagTask>) -> Template {
    Template {
        name,
        steps: Some(vec![tasks.into_iter().map(step_of).collect()]),
        ..Template::default()
    }
}

impl RenderedMigration<'_> {
    /// Takes the objects out of all bundles.
    pub(super) fn take_objects(&mut self) -> Vec<ConfigMap> {
        let groups = self.groups.iter_mut().map(|group| &mut group.bundle);
        let bundles = std::iter::once(&mut self.bundle).chain(groups);
        bundles.flat_map(|bundle| std::mem::take(&mut bundle.objects)).collect()
    }
}
