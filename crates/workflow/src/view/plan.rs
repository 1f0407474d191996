//! A plan as text: what will happen, in which order, where a person is asked.

use contract::{
    ClusterAccess, SnapshotChoice, SnapshotSource, metadata::MetadataMode, verify::VerifyMode,
};
use generator::plan::{
    Body, Owner, Plan, PlannedMigration, PlannedOrigin, StepCall, Task, Workers,
};

/// Prints a plan.
pub(crate) fn render(plan: &Plan) -> String {
    let mut lines = vec![format!(
        "workflow `{}`: at most {} concurrently",
        plan.workflow,
        count(u64::from(plan.parallelism), "process", "processes")
    )];
    for (position, migration) in plan.migrations.iter().enumerate() {
        lines.push(String::new());
        let tasks = plan.tasks.iter().filter(|task| task.owner.migration == position);
        push_migration(migration, tasks, &mut lines);
    }
    lines.join("\n")
}

fn push_migration<'a>(
    migration: &PlannedMigration,
    tasks: impl Iterator<Item = &'a Task>,
    lines: &mut Vec<String>,
) {
    let source = match &migration.source {
        Some(source) => cluster(source),
        None => format!("`{}` (its snapshot only)", migration.source_name),
    };
    lines.push(format!("migration `{}`", migration.name));
    lines.push(format!("  from  {source}"));
    lines.push(format!("  to    {}", cluster(&migration.target)));
    lines.push(format!("  by    {}", origin(&migration.origin)));
    lines.push(String::new());
    let mut shown = None;
    for task in tasks {
        let Owner { group, .. } = task.owner;
        let planned = group.and_then(|position| migration.groups.get(position));
        if let Some(planned) = planned.filter(|_| shown != group) {
            lines.push(format!("  group `{}`: {}", planned.group.name, planned.group.indices));
        }
        shown = group;
        let indent = if group.is_some() { "    " } else { "  " };
        lines.push(format!("{indent}{}", sentence(task)));
    }
}

fn origin(origin: &PlannedOrigin) -> String {
    let PlannedOrigin::Snapshot(SnapshotSource { repository, snapshot }) = origin;
    let repository = &repository.uri;
    match snapshot {
        SnapshotChoice::Existing { name } => format!("snapshot `{name}` in {repository}"),
        SnapshotChoice::Created { prefix } => {
            format!("a new snapshot `{prefix}-...` in {repository}, deleted at the end")
        }
    }
}

fn cluster(access: &ClusterAccess) -> String {
    let version = access.version.map(|version| format!(", {version}")).unwrap_or_default();
    format!("`{}` at {}{version}", access.name, access.endpoint)
}

fn sentence(task: &Task) -> String {
    let call = match &task.body {
        Body::Step(call) => call,
        Body::Workers(Workers { count: workers, .. }) => {
            let workers = count(u64::from(*workers), "worker", "workers");
            return format!("- write the documents with {workers}");
        }
        Body::Fleet(fleet) => return sentence(&fleet.workers),
        Body::Gate(gate) => return format!("⟳ wait for `workflow approve step {}`", gate.name),
    };
    match call {
        StepCall::Initialize(_) => {
            "- check clusters, versions, permissions and the repository; nothing is written"
                .to_owned()
        }
        StepCall::Snapshot(_) => "- take the snapshot and wait until it is complete".to_owned(),
        StepCall::Register(_) => {
            "- read the snapshot; find the indices of each group; stop if another migration fills \
             them"
                .to_owned()
        }
        StepCall::Metadata(request) => match request.mode {
            MetadataMode::Evaluate => {
                "- report what would change in templates, settings, mappings and aliases".to_owned()
            }
            MetadataMode::Migrate => {
                "- create templates and indices, with mappings and aliases".to_owned()
            }
        },
        StepCall::Rfs(_) => "- write the documents".to_owned(),
        StepCall::Verify(request) => match request.mode {
            VerifyMode::Counts => "- count the documents of every index on the target".to_owned(),
            VerifyMode::Documents => {
                "- read every document back and compare it with the snapshot".to_owned()
            }
        },
        StepCall::Cleanup(_) => {
            "- restore tuned settings; remove the migration's state, its snapshot and the \
             repository's registration"
                .to_owned()
        }
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
