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
    rfs::RfsRequest,
    snapshot::SnapshotRequest,
    verify::VerifyRequest,
};

use super::{
    gates::{DOCUMENTS_BACKFILLED, METADATA_EVALUATED, METADATA_MIGRATED},
    proved::{Documents, GroupConfig, Migration},
    repository::SourceRepository,
    repository_name::registered_name,
};
use crate::{
    clusters::proved::Cluster,
    kinds::{chain::Chain, gate::GateSpec, group_id::group_id},
    plan::{
        After, Body, FleetTasks, Gate, Labels, Owner, Plan, PlannedGroup, PlannedMigration,
        PlannedOrigin, StepCall, Task, TaskId,
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
        let group_id = group_id(group.group.name.as_str(), &TASKS_OF_MIGRATION);
        let owner = Owner { group: Some(position), ..owner };
        let chain = Chain::new(vec![&id, &group_id], owner, registered.clone(), &mut plan.tasks);
        ends.extend(add_group(group, &migration_name, &group_id, target, &snapshot, chain));
        planned_groups.push(PlannedGroup {
            group: group.group.clone(),
            id: group_id,
            has_metadata: group.metadata.is_some(),
            metadata_choices: group.metadata.clone().unwrap_or_default(),
            path: group.path.clone(),
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
            of_kind: [("snapshot", snapshot_label)].into(),
        },
        groups: planned_groups,
        source: source_access,
        target: access(target),
        origin: PlannedOrigin::Snapshot(snapshot),
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
    let GroupConfig { path: _, group, metadata, documents, gates } = config;
    let gate = |spec: &'static GateSpec, chain: &mut Chain<'_>| {
        if gates.iter().any(|gate| gate.name == spec.name) {
            let name = names::join(&[spec.name, migration.as_str(), id]);
            let gate = Gate { name, guards: spec.guards };
            chain.add(&format!("gate-{}", spec.name), |_, _| Body::Gate(gate));
        }
    };
    if let Some(choices) = metadata {
        let call = |mode| {
            StepCall::Metadata(MetadataRequest {
                mode,
                migration: migration.clone(),
                target: target.access.clone(),
                snapshot: snapshot.clone(),
                group: group.clone(),
                choices: choices.clone(),
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
                role,
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
            Body::Fleet(Box::new(FleetTasks::new(path, owner, *workers, call)))
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

/// The tasks of a migration that belong to no group.
const TASKS_OF_MIGRATION: [&str; 4] =
    ["initialize", "create-snapshot", "register-snapshot", "cleanup"];
