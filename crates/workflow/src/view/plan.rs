//! A plan as text: what will happen, in which order, where a person is asked.

use contract::{ClusterAccess, SnapshotChoice, metadata::MetadataMode, verify::VerifyMode};
use generator::plan::{Plan, PlannedMigration, RestoreDocuments, Task, Work};

/// Prints a plan.
pub(crate) fn render(plan: &Plan) -> String {
    let mut lines = vec![format!(
        "workflow `{}`: {} at once at most",
        plan.workflow,
        count(u64::from(plan.parallelism), "process", "processes")
    )];
    for migration in &plan.migrations {
        lines.push(String::new());
        push_migration(migration, &mut lines);
    }
    lines.join("\n")
}

fn push_migration(migration: &PlannedMigration, lines: &mut Vec<String>) {
    let source = match &migration.source {
        Some(source) => cluster(source),
        None => format!("`{}` (its snapshot only)", migration.source_name),
    };
    lines.push(format!("migration `{}`", migration.name));
    lines.push(format!("  from  {source}"));
    lines.push(format!("  to    {}", cluster(&migration.target)));
    let repository = &migration.snapshot.repository.uri;
    lines.push(match &migration.snapshot.snapshot {
        SnapshotChoice::Existing { name } => format!("  by    snapshot `{name}` in {repository}"),
        SnapshotChoice::Created { prefix } => {
            format!("  by    a new snapshot `{prefix}-...` in {repository}, deleted at the end")
        }
    });
    lines.push(String::new());
    lines.extend(migration.opening.iter().map(|task| format!("  {}", sentence(task))));
    for group in &migration.groups {
        lines.push(format!("  group `{}`: {}", group.name, indices(&group.tasks)));
        lines.extend(group.tasks.iter().map(|task| format!("    {}", sentence(task))));
    }
    lines.push(format!("  {}", sentence(&migration.cleanup)));
}

fn cluster(access: &ClusterAccess) -> String {
    let version = access.version.map(|version| format!(", {version}")).unwrap_or_default();
    format!("`{}` at {}{version}", access.name, access.endpoint)
}

/// The patterns of a group, as its first task that has them says.
fn indices(tasks: &[Task]) -> String {
    let group = tasks.iter().find_map(|task| match &task.work {
        Work::EvaluateMetadata(request) | Work::MigrateMetadata(request) => Some(&request.group),
        Work::RestoreDocuments(restore) => Some(&restore.request.group),
        Work::VerifyDocuments(request) => Some(&request.group),
        _ => None,
    });
    group.map_or_else(String::new, |group| group.indices.to_string())
}

fn sentence(task: &Task) -> String {
    match &task.work {
        Work::Initialize(_) => {
            "- check clusters, versions, permissions and the repository; nothing is written"
                .to_owned()
        }
        Work::CreateSnapshot(_) => "- take the snapshot and wait until it is whole".to_owned(),
        Work::RegisterSnapshot(_) => {
            "- read the snapshot; find the indices of each group; refuse double writes".to_owned()
        }
        Work::EvaluateMetadata(request) | Work::MigrateMetadata(request) => match request.mode {
            MetadataMode::Evaluate => {
                "- report what would change in templates, settings, mappings and aliases".to_owned()
            }
            MetadataMode::Migrate => {
                "- create templates and indices, with mappings and aliases".to_owned()
            }
        },
        Work::RestoreDocuments(RestoreDocuments { workers, .. }) => format!(
            "- write the documents with {}",
            count(u64::from(*workers), "worker", "workers")
        ),
        Work::VerifyDocuments(request) => match request.mode {
            VerifyMode::Counts => "- count the documents of every index on the target".to_owned(),
            VerifyMode::Documents => {
                "- read every document back and compare it with the snapshot".to_owned()
            }
        },
        Work::Cleanup(_) => {
            "- restore tuned settings; remove working state, snapshot and registration".to_owned()
        }
        Work::Gate(gate) => format!("⟳ wait for `workflow approve step {}`", gate.name),
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
