//! What does a migration from a snapshot do?
//!
//! ```text
//!  initialize -> create-snapshot (unless one exists) -> register-snapshot
//!      -> each group: evaluate-metadata -> gate -> migrate-metadata -> gate
//!                     -> restore-documents (a fleet) -> verify-documents -> gate
//!      -> cleanup
//! ```

use argo::names;
use contract::{
    Group, MigrationName, SnapshotChoice, SnapshotName, SnapshotSource,
    cleanup::{CleanupMode, CleanupRequest},
    initialize::InitializeRequest,
    metadata::{MetadataMode, MetadataRequest},
    register::RegisterRequest,
    rfs::{RfsRequest, RfsRole},
    snapshot::SnapshotRequest,
    verify::VerifyRequest,
};

use super::{
    gates::{DOCUMENTS_BACKFILLED, GateSpec, METADATA_EVALUATED, METADATA_MIGRATED},
    proved::{Documents, GroupConfig, MetadataWork, Migration},
    repository::SourceRepository,
    repository_name::registered_name,
};
use crate::{
    clusters::proved::Cluster,
    plan::{
        After, Body, Fleet, FleetRole, Gate, Labels, Owner, Plan, PlannedGroup, PlannedMigration,
        StepCall, Task, TaskId,
    },
};

/// Adds a migration to the plan.
pub(crate) fn add(migration: &Migration, plan: &mut Plan) {
    let Migration { name, source_name, source, target, repository, groups } = migration;
    let SourceRepository { repository, secret, existing_snapshot, max_rate_mb_per_node } =
        repository;
    let id = names::sanitize(name);
    let migration_name = MigrationName::new(&id);
    let own_name = names::join(&["argosy", &id]);
    let repository_name = registered_name(repository);
    let (snapshot, snapshot_label) = if let Some(name) = existing_snapshot {
        (SnapshotChoice::Existing { name: SnapshotName::new(name) }, names::sanitize(name))
    } else {
        // Nine characters of the run's id follow, and the whole must fit a label.
        let prefix = names::shorten(&own_name, 54);
        (SnapshotChoice::Created { prefix: prefix.clone() }, prefix)
    };
    let snapshot = SnapshotSource { repository: repository.clone(), snapshot };
    let access = |cluster: &Cluster| cluster.access.clone();
    let source_access = source.as_ref().map(access);
    let all_groups: Vec<Group> = groups.iter().map(|group| group.group.clone()).collect();

    let owner = Owner { migration: plan.migrations.len(), group: None };
    let mut chain = Chain::new(vec![&id], owner, None, &mut plan.tasks);
    chain.step(
        "initialize",
        StepCall::Initialize(InitializeRequest {
            migration: migration_name.clone(),
            source: source_access.clone(),
            target: access(target),
            source_secret: source.as_ref().and_then(|cluster| cluster.secret.clone()),
            target_secret: target.secret.clone(),
            snapshot: snapshot.clone(),
            groups: all_groups.clone(),
        }),
    );
    if let (Some(source), true) = (&source_access, snapshot.is_created()) {
        chain.step(
            "create-snapshot",
            StepCall::Snapshot(SnapshotRequest {
                source: source.clone(),
                snapshot: snapshot.clone(),
                repository_name: repository_name.clone(),
                groups: all_groups.clone(),
                max_rate_mb_per_node: *max_rate_mb_per_node,
            }),
        );
    }
    chain.step(
        "register-snapshot",
        StepCall::Register(RegisterRequest {
            migration: migration_name.clone(),
            target: access(target),
            snapshot: snapshot.clone(),
            groups: all_groups,
        }),
    );
    let registered = chain.last;

    let mut planned_groups = Vec::with_capacity(groups.len());
    let mut ends = Vec::with_capacity(groups.len());
    for (position, group) in groups.iter().enumerate() {
        let group_id = group_id(group.group.name.as_str());
        let owner = Owner { group: Some(position), ..owner };
        let chain = Chain::new(vec![&id, &group_id], owner, registered.clone(), &mut plan.tasks);
        ends.extend(add_group(group, &migration_name, &group_id, target, &snapshot, chain));
        planned_groups.push(PlannedGroup {
            group: group.group.clone(),
            id: group_id,
            has_metadata: group.metadata == MetadataWork::Migrated,
        });
    }

    let cleanup = |mode| {
        Body::Step(StepCall::Cleanup(CleanupRequest {
            mode,
            migration: migration_name.clone(),
            source: source_access.clone(),
            target: access(target),
            snapshot: snapshot.clone(),
            repository_name: repository_name.clone(),
        }))
    };
    plan.tasks.push(Task {
        id: TaskId::new(&[&id, "cleanup"]),
        after: ends,
        owner,
        body: cleanup(CleanupMode::Complete),
    });
    plan.at_exit.push(Task {
        id: TaskId::new(&[&id, &names::join(&["cleanup", &id])]),
        after: Vec::new(),
        owner,
        body: cleanup(CleanupMode::Partial),
    });
    plan.migrations.push(PlannedMigration {
        name: name.clone(),
        source_name: source_name.clone(),
        source_secret: source.as_ref().and_then(|cluster| cluster.secret.clone()),
        target_secret: target.secret.clone(),
        storage_secret: secret.clone(),
        labels: Labels {
            migration: id.clone(),
            source: names::sanitize(source_name),
            target: names::sanitize(&target.access.name),
            snapshot: snapshot_label,
        },
        groups: planned_groups,
        source: source_access,
        target: access(target),
        snapshot,
        id,
    });
}

/// Adds the tasks of a group, and returns how the group ends.
fn add_group(
    config: &GroupConfig,
    migration: &MigrationName,
    id: &str,
    target: &Cluster,
    snapshot: &SnapshotSource,
    mut chain: Chain<'_>,
) -> Option<After> {
    let GroupConfig { group, metadata, documents, gates } = config;
    let gate = |spec: &'static GateSpec, chain: &mut Chain<'_>| {
        if gates.iter().any(|gate| gate.name == spec.name) {
            let name = names::join(&[spec.name, migration.as_str(), id]);
            let gate = Gate { name, guards: spec.guards };
            chain.add(&format!("gate-{}", spec.name), |_, _| Body::Gate(gate));
        }
    };
    if *metadata == MetadataWork::Migrated {
        let call = |mode| {
            StepCall::Metadata(MetadataRequest {
                mode,
                migration: migration.clone(),
                target: target.access.clone(),
                snapshot: snapshot.clone(),
                group: group.clone(),
            })
        };
        chain.step("evaluate-metadata", call(MetadataMode::Evaluate));
        gate(&METADATA_EVALUATED, &mut chain);
        chain.step("migrate-metadata", call(MetadataMode::Migrate));
        gate(&METADATA_MIGRATED, &mut chain);
    }
    if let Some(documents) = documents {
        let Documents { workers, limits, allowed_rejections, allow_partial_source, verify } =
            documents;
        let call = |role| {
            StepCall::Rfs(RfsRequest {
                role: match role {
                    FleetRole::Prepare => RfsRole::Prepare,
                    FleetRole::Work => RfsRole::Work,
                    FleetRole::GiveUp => RfsRole::GiveUp,
                    FleetRole::Follow => RfsRole::Follow,
                },
                migration: migration.clone(),
                target: target.access.clone(),
                snapshot: snapshot.clone(),
                group: group.clone(),
                limits: *limits,
                allowed_rejections: *allowed_rejections,
                allow_partial_source: *allow_partial_source,
            })
        };
        chain.add("restore-documents", |path, owner| {
            Body::Fleet(Box::new(Fleet::new(path, owner, *workers, call)))
        });
        chain.step(
            "verify-documents",
            StepCall::Verify(VerifyRequest {
                migration: migration.clone(),
                target: target.access.clone(),
                snapshot: snapshot.clone(),
                group: group.clone(),
                mode: *verify,
                allowed_rejections: *allowed_rejections,
            }),
        );
        gate(&DOCUMENTS_BACKFILLED, &mut chain);
    }
    chain.last
}

/// Tasks that run one after the other.
struct Chain<'a> {
    path: Vec<&'a str>,
    owner: Owner,
    /// What the next task waits for.
    last: Option<After>,
    tasks: &'a mut Vec<Task>,
}

impl<'a> Chain<'a> {
    fn new(
        path: Vec<&'a str>,
        owner: Owner,
        first_after: Option<After>,
        tasks: &'a mut Vec<Task>,
    ) -> Self {
        Self { path, owner, last: first_after, tasks }
    }

    fn step(&mut self, name: &str, call: StepCall) {
        self.add(name, |_, _| Body::Step(call));
    }

    /// Adds a task; `body` gets the path of what the task contains.
    fn add(&mut self, name: &str, body: impl FnOnce(&[&str], Owner) -> Body) {
        let path: Vec<&str> = self.path.iter().copied().chain([name]).collect();
        let id = TaskId::new(&path);
        let after = self.last.replace(After::Success(id.clone())).into_iter().collect();
        let body = body(&path, self.owner);
        self.tasks.push(Task { id, after, owner: self.owner, body });
    }
}

/// Returns a group's name in Argo. It becomes a task beside those of the migration, and a word in
/// `depends` expressions, so some names get a prefix.
fn group_id(name: &str) -> String {
    let taken = TASKS_OF_MIGRATION.contains(&name) || WORDS_OF_EXPRESSIONS.contains(&name);
    let begins_with_digit = name.starts_with(|character: char| character.is_ascii_digit());
    if taken || begins_with_digit { names::join(&["group", name]) } else { names::sanitize(name) }
}

/// The tasks of a migration that belong to no group.
const TASKS_OF_MIGRATION: [&str; 4] =
    ["initialize", "create-snapshot", "register-snapshot", "cleanup"];

/// Words that have a meaning of their own in Argo's expressions.
const WORDS_OF_EXPRESSIONS: [&str; 36] = [
    "all", "and", "any", "concat", "contains", "count", "date", "duration", "else", "env", "false",
    "filter", "find", "first", "groupby", "if", "in", "int", "join", "keys", "last", "len", "let",
    "map", "matches", "max", "min", "nil", "none", "not", "now", "one", "or", "sum", "true",
    "values",
];
