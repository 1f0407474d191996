//! What will happen, in which order, and what is everything called?
//!
//! The plan is a tree: migrations run side by side; in a migration the opening tasks run one after
//! the other, then the groups side by side, then cleanup; in a group the tasks run one after the
//! other. It holds every request in full, so rendering adds nothing but Argo's spelling.

use std::fmt;

use argo::names;
use contract::{
    ClusterAccess, Group, SnapshotChoice, SnapshotSource,
    cleanup::{CleanupMode, CleanupRequest},
    initialize::InitializeRequest,
    metadata::{MetadataMode, MetadataRequest},
    register::RegisterRequest,
    rfs::{RfsRequest, RfsRole},
    snapshot::SnapshotRequest,
    verify::VerifyRequest,
};
use serde::Serialize;

use crate::{
    config::{
        Cluster, Config, Documents, GroupConfig, MetadataWork, Migration,
        repository::registered_name,
    },
    installation::Installation,
};

/// Everything that a workflow will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The name of the workflow.
    pub workflow: String,
    /// How many pods run at once, at most.
    pub parallelism: u32,
    /// The migrations, side by side.
    pub migrations: Vec<PlannedMigration>,
}

/// Groups that go from one source to one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMigration {
    /// The name that the user knows.
    pub name: String,
    /// The name in Argo and Kubernetes.
    pub id: String,
    /// The source cluster's name.
    pub source_name: String,
    /// The source cluster; absent when only an existing snapshot is read.
    pub source: Option<ClusterAccess>,
    /// The Secret with the source's credentials.
    pub source_secret: Option<String>,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The Secret with the target's credentials.
    pub target_secret: Option<String>,
    /// The snapshot that is read.
    pub snapshot: SnapshotSource,
    /// The Secret with the keys to its repository.
    pub storage_secret: Option<String>,
    /// What runs before the groups, one after the other.
    pub opening: Vec<Task>,
    /// The groups, side by side.
    pub groups: Vec<PlannedGroup>,
    /// What runs when all groups are done.
    pub cleanup: Task,
    /// What runs at the end of a workflow that did not succeed.
    pub cleanup_on_failure: Task,
}

/// A group of indices.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedGroup {
    /// The name that the user knows.
    pub name: String,
    /// The name in Argo and Kubernetes.
    pub id: String,
    /// What runs, one after the other.
    pub tasks: Vec<Task>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The name of its node.
    pub name: String,
    /// What is done.
    pub work: Work,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "request")]
pub enum Work {
    /// Checks reachability, versions, permissions and the repository.
    Initialize(InitializeRequest),
    /// Takes the snapshot.
    CreateSnapshot(SnapshotRequest),
    /// Reads the repository and resolves the groups' patterns.
    RegisterSnapshot(RegisterRequest),
    /// Says what would change.
    EvaluateMetadata(MetadataRequest),
    /// Writes templates, settings, mappings and aliases.
    MigrateMetadata(MetadataRequest),
    /// Writes the documents.
    RestoreDocuments(RestoreDocuments),
    /// Compares the target with the snapshot.
    VerifyDocuments(VerifyRequest),
    /// Removes what only the migration needed.
    Cleanup(CleanupRequest),
    /// Waits for a person.
    Gate(Gate),
}

/// The documents of a group: one process prepares, a fleet works, one process follows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreDocuments {
    /// How many workers.
    pub workers: u32,
    /// What `prepare` is asked; the others differ in the role.
    pub request: RfsRequest,
}

/// A place where the workflow waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The name that is shown and typed.
    pub name: String,
    /// What it guards.
    pub gate: GateKind,
}

/// What a gate guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GateKind {
    /// The writing of metadata, once it is known what would be written.
    MetadataEvaluated,
    /// The writing of documents, once the metadata is there.
    MetadataMigrated,
    /// The cleanup, once the documents are verified.
    DocumentsBackfilled,
}

impl GateKind {
    /// All gates, in the order in which they are reached.
    pub const ALL: [Self; 3] =
        [Self::MetadataEvaluated, Self::MetadataMigrated, Self::DocumentsBackfilled];

    /// Returns whether the gate waits when the file says nothing.
    pub const fn waits_by_default(self) -> bool {
        match self {
            Self::MetadataEvaluated | Self::DocumentsBackfilled => true,
            Self::MetadataMigrated => false,
        }
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::MetadataEvaluated => "metadata-evaluated",
            Self::MetadataMigrated => "metadata-migrated",
            Self::DocumentsBackfilled => "documents-backfilled",
        })
    }
}

impl Plan {
    /// Returns all gates that wait for a person, in the order of the file.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        let groups = self.migrations.iter().flat_map(|migration| &migration.groups);
        groups.flat_map(|group| &group.tasks).filter_map(|task| match &task.work {
            Work::Gate(gate) => Some(gate),
            _ => None,
        })
    }
}

/// Plans a migration file.
pub(crate) fn plan(config: &Config, installation: &Installation) -> Plan {
    let Config { parallelism, migrations, secrets: _ } = config;
    Plan {
        workflow: installation.workflow_name.clone(),
        parallelism: *parallelism,
        migrations: migrations.iter().map(planned).collect(),
    }
}

fn planned(migration: &Migration) -> PlannedMigration {
    let Migration {
        name,
        source_name,
        source,
        target,
        repository,
        storage_secret,
        existing_snapshot,
        max_rate_mb_per_node,
        groups,
    } = migration;
    let id = names::allowed(name);
    let own_name = names::joined(&["argosy", &id]);
    let repository_name = registered_name(repository);
    let snapshot = SnapshotSource {
        repository: repository.clone(),
        snapshot: match existing_snapshot {
            Some(name) => SnapshotChoice::Existing { name: name.clone() },
            // Nine letters of the run's id follow, and the whole must fit a label.
            None => SnapshotChoice::Created { prefix: names::shortened(&own_name, 54) },
        },
    };
    let access = |cluster: &Cluster| cluster.access.clone();
    let source_access = source.as_ref().map(access);
    let all_groups: Vec<Group> = groups.iter().map(|group| group.group.clone()).collect();

    let mut opening = vec![task(
        "initialize",
        Work::Initialize(InitializeRequest {
            migration: id.clone(),
            source: source_access.clone(),
            target: access(target),
            source_secret: source.as_ref().and_then(|cluster| cluster.secret.clone()),
            target_secret: target.secret.clone(),
            snapshot: snapshot.clone(),
            groups: all_groups.clone(),
        }),
    )];
    if let (Some(source), true) = (&source_access, snapshot.is_created()) {
        opening.push(task(
            "create-snapshot",
            Work::CreateSnapshot(SnapshotRequest {
                source: source.clone(),
                snapshot: snapshot.clone(),
                repository_name: repository_name.clone(),
                groups: all_groups.clone(),
                max_rate_mb_per_node: *max_rate_mb_per_node,
            }),
        ));
    }
    opening.push(task(
        "register-snapshot",
        Work::RegisterSnapshot(RegisterRequest {
            migration: id.clone(),
            target: access(target),
            snapshot: snapshot.clone(),
            groups: all_groups.clone(),
        }),
    ));
    let cleanup = |mode| {
        Work::Cleanup(CleanupRequest {
            mode,
            migration: id.clone(),
            source: source_access.clone(),
            target: access(target),
            snapshot: snapshot.clone(),
            repository_name: repository_name.clone(),
        })
    };
    PlannedMigration {
        name: name.clone(),
        source_name: source_name.clone(),
        source_secret: source.as_ref().and_then(|cluster| cluster.secret.clone()),
        target_secret: target.secret.clone(),
        storage_secret: storage_secret.clone(),
        groups: groups.iter().map(|group| planned_group(group, &id, target, &snapshot)).collect(),
        cleanup: task("cleanup", cleanup(CleanupMode::Complete)),
        cleanup_on_failure: task(&names::joined(&["cleanup", &id]), cleanup(CleanupMode::Partial)),
        source: source_access,
        target: access(target),
        snapshot,
        opening,
        id,
    }
}

fn planned_group(
    config: &GroupConfig,
    migration: &str,
    target: &Cluster,
    snapshot: &SnapshotSource,
) -> PlannedGroup {
    let GroupConfig { group, metadata, documents, gates } = config;
    let id = group_id(&group.name);
    let mut tasks = Vec::new();
    let gate = |kind: GateKind, tasks: &mut Vec<Task>| {
        if gates.contains(&kind) {
            let name = names::joined(&[&kind.to_string(), migration, &id]);
            tasks.push(task(&format!("gate-{kind}"), Work::Gate(Gate { name, gate: kind })));
        }
    };
    if *metadata == MetadataWork::Migrated {
        let request = |mode| MetadataRequest {
            mode,
            migration: migration.to_owned(),
            target: target.access.clone(),
            snapshot: snapshot.clone(),
            group: group.clone(),
        };
        let evaluate = Work::EvaluateMetadata(request(MetadataMode::Evaluate));
        tasks.push(task("evaluate-metadata", evaluate));
        gate(GateKind::MetadataEvaluated, &mut tasks);
        tasks.push(task("migrate-metadata", Work::MigrateMetadata(request(MetadataMode::Migrate))));
        gate(GateKind::MetadataMigrated, &mut tasks);
    }
    if let Some(documents) = documents {
        let Documents { workers, limits, allowed_rejections, allow_partial_source, verify } =
            documents;
        let request = RfsRequest {
            role: RfsRole::Prepare,
            migration: migration.to_owned(),
            target: target.access.clone(),
            snapshot: snapshot.clone(),
            group: group.clone(),
            limits: *limits,
            allowed_rejections: *allowed_rejections,
            allow_partial_source: *allow_partial_source,
        };
        let restore = RestoreDocuments { workers: *workers, request };
        tasks.push(task("restore-documents", Work::RestoreDocuments(restore)));
        tasks.push(task(
            "verify-documents",
            Work::VerifyDocuments(VerifyRequest {
                migration: migration.to_owned(),
                target: target.access.clone(),
                snapshot: snapshot.clone(),
                group: group.clone(),
                mode: *verify,
                allowed_rejections: *allowed_rejections,
            }),
        ));
        gate(GateKind::DocumentsBackfilled, &mut tasks);
    }
    PlannedGroup { name: group.name.clone(), id, tasks }
}

/// Returns a group's name in Argo. It becomes a task beside those of the migration, and a word in
/// `depends` expressions, so some names get a prefix.
fn group_id(name: &str) -> String {
    let taken = OPENING_AND_CLEANUP.contains(&name) || WORDS_OF_EXPRESSIONS.contains(&name);
    let begins_with_digit = name.starts_with(|letter: char| letter.is_ascii_digit());
    if taken || begins_with_digit { names::joined(&["group", name]) } else { names::allowed(name) }
}

/// Tasks of a migration's own.
const OPENING_AND_CLEANUP: [&str; 4] =
    ["initialize", "create-snapshot", "register-snapshot", "cleanup"];

/// Words that mean something else in the language of Argo's expressions.
const WORDS_OF_EXPRESSIONS: [&str; 36] = [
    "all", "and", "any", "concat", "contains", "count", "date", "duration", "else", "env", "false",
    "filter", "find", "first", "groupby", "if", "in", "int", "join", "keys", "last", "len", "let",
    "map", "matches", "max", "min", "nil", "none", "not", "now", "one", "or", "sum", "true",
    "values",
];

fn task(name: &str, work: Work) -> Task {
    Task { name: name.to_owned(), work }
}
