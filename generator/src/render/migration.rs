//! The templates of a migration: opening tasks, groups side by side, cleanup.

use argo::{ConfigMap, DagTask, DagTemplate, Template, names};

use super::{
    group::{self, Bundle},
    step::{Scope, Skeletons},
};
use crate::plan::{PlannedGroup, PlannedMigration};

/// What a migration becomes, before it is decided which object holds it.
pub(super) struct RenderedMigration<'a> {
    pub plan: &'a PlannedMigration,
    /// Opening tasks, cleanup, and the templates that these need.
    pub opening: Vec<DagTask>,
    pub cleanup: DagTask,
    pub cleanup_on_failure: DagTask,
    pub rest: Bundle,
    pub groups: Vec<(&'a PlannedGroup, Bundle)>,
}

/// Renders a migration.
pub(super) fn rendered<'a>(
    migration: &'a PlannedMigration,
    workflow: &str,
    skeletons: &Skeletons,
) -> RenderedMigration<'a> {
    let scope = |group: &str| Scope {
        workflow,
        skeletons,
        labels: labels(migration, group),
        source_secret: migration.source_secret.as_deref(),
        target_secret: migration.target_secret.as_deref(),
        storage_secret: migration.storage_secret.as_deref(),
    };
    let mut rest = Bundle::default();
    let whole = scope("");
    RenderedMigration {
        plan: migration,
        opening: group::chain(&migration.opening, &whole, &mut rest),
        cleanup: group::dag_task(&migration.cleanup, &whole, &mut rest),
        cleanup_on_failure: group::dag_task(&migration.cleanup_on_failure, &whole, &mut rest),
        rest,
        groups: migration
            .groups
            .iter()
            .map(|group| (group, group::bundle(group, &scope(&group.id))))
            .collect(),
    }
}

/// Returns the labels of a migration, without their prefix.
pub(super) fn labels(migration: &PlannedMigration, group: &str) -> Vec<(&'static str, String)> {
    let snapshot = match &migration.snapshot.snapshot {
        contract::SnapshotChoice::Existing { name } => names::allowed(name),
        contract::SnapshotChoice::Created { prefix } => prefix.clone(),
    };
    vec![
        ("migration", migration.id.clone()),
        ("group", group.to_owned()),
        ("source", names::allowed(&migration.source_name)),
        ("target", names::allowed(&migration.target.name)),
        ("snapshot", snapshot),
    ]
}

/// Returns a migration's DAG around `branches`, which run side by side.
pub(super) fn dag(
    name: String,
    opening: Vec<DagTask>,
    mut branches: Vec<DagTask>,
    mut cleanup: DagTask,
) -> Template {
    let last = opening.last().map(|task| task.name.clone());
    for branch in &mut branches {
        branch.depends.clone_from(&last);
    }
    let ends: Vec<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    cleanup.depends = if ends.is_empty() { last } else { Some(ends.join(" && ")) };
    let mut tasks = opening;
    tasks.extend(branches);
    tasks.push(cleanup);
    side_by_side(name, tasks)
}

/// Returns a DAG whose branches go on when another one fails.
pub(super) fn side_by_side(name: String, tasks: Vec<DagTask>) -> Template {
    Template {
        name,
        dag: Some(DagTemplate { target: None, tasks, fail_fast: Some(false) }),
        ..Template::default()
    }
}

/// Returns `steps` that run at once. An exit handler must be of this kind: while a workflow is being
/// stopped, Argo takes a DAG for failed as soon as it looks at it, and does not wait for its tasks.
pub(super) fn at_once(name: String, tasks: Vec<DagTask>) -> Template {
    Template {
        name,
        steps: Some(vec![tasks.into_iter().map(group::step_of).collect()]),
        ..Template::default()
    }
}

impl RenderedMigration<'_> {
    /// Takes the objects out of all bundles.
    pub(super) fn take_objects(&mut self) -> Vec<ConfigMap> {
        let bundles =
            std::iter::once(&mut self.rest).chain(self.groups.iter_mut().map(|(_, bundle)| bundle));
        bundles.flat_map(|bundle| std::mem::take(&mut bundle.objects)).collect()
    }
}
