//! What will happen, in which order, and what is each thing called?
//!
//! The plan is a graph of tasks. A task starts when the tasks that it names in `after` have ended
//! as it says; tasks that do not depend on each other run side by side. A migration from a snapshot,
//! for example:
//!
//! ```text
//!  <migration>/initialize                         Step
//!     └─ <migration>/create-snapshot              Step
//!         └─ <migration>/register-snapshot        Step
//!             ├─ <migration>/<group>/evaluate-metadata, gate-..., restore-documents, ...
//!             └─ <migration>/<other group>/...
//!                 └─ <migration>/cleanup          Step, after the last task of every group
//!
//!  restore-documents                              Fleet
//!     prepare ─┬─ workers ─(failure)─ give-up
//!              └─ follow
//! ```
//!
//! The plan holds every request in full, so rendering adds only Argo's spelling. It knows no kind
//! of migration: a kind makes tasks ([`crate::kinds`]). Next to the tasks is an index of the
//! migrations and groups, with the facts that a reader of the plan looks for.

use std::{collections::BTreeMap, fmt};

use contract::{
    ClusterAccess, Group, MetadataChoices, SnapshotSource, cleanup::CleanupRequest,
    fleet::FleetRole, initialize::InitializeRequest, metadata::MetadataRequest,
    register::RegisterRequest, rfs::RfsRequest, snapshot::SnapshotRequest, verify::VerifyRequest,
};
use serde::Serialize;

use crate::pointer::Pointer;

/// Everything that a workflow will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The name of the workflow.
    pub workflow: String,
    /// The maximum number of pods that run concurrently.
    pub parallelism: u32,
    /// The tasks. Each comes after those that it depends on, and the tasks of a group are next to
    /// each other.
    pub tasks: Vec<Task>,
    /// The tasks that run when the workflow has ended and has not succeeded.
    pub at_exit: Vec<Task>,
    /// The index of the migrations.
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
    /// Where the documents come from.
    #[serde(flatten)]
    pub origin: PlannedOrigin,
    /// The Secret with the keys to the storage that the steps read.
    pub storage_secret: Option<String>,
    /// The values of the labels that all objects of the migration have.
    pub labels: Labels,
    /// The groups, side by side.
    pub groups: Vec<PlannedGroup>,
}

/// Where the documents of a migration come from, for each kind of migration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PlannedOrigin {
    /// A snapshot.
    Snapshot(SnapshotSource),
}

/// The values of the labels of a migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Labels {
    /// The migration.
    pub migration: String,
    /// The cluster that is read.
    pub source: String,
    /// The cluster that is written.
    pub target: String,
    /// What only this kind of migration has, by the name of the label without its prefix.
    #[serde(flatten)]
    pub of_kind: BTreeMap<&'static str, String>,
}

/// A group of indices.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedGroup {
    /// The name that the user knows, the indices, and what is done with those on the target.
    #[serde(flatten)]
    pub group: Group,
    /// The name in Argo and Kubernetes.
    pub id: String,
    /// Whether templates, settings, mappings and aliases are migrated.
    pub has_metadata: bool,
    /// What the user wants of them.
    #[serde(skip_serializing_if = "MetadataChoices::is_default")]
    pub metadata_choices: MetadataChoices,
    /// Its place in the migration file.
    #[serde(skip)]
    pub(crate) path: Pointer,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The name, unique in the plan.
    pub id: TaskId,
    /// What it waits for; it starts when all of these hold.
    pub after: Vec<After>,
    /// What it belongs to.
    pub owner: Owner,
    /// What it does.
    pub body: Body,
}

/// The name of a task in the plan: the path of what it belongs to, and the name of its node, as in
/// `old-to-new/orders/verify-documents`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// Joins names, none of which has a `/`.
    pub(crate) fn new(path: &[&str]) -> Self {
        Self(path.join("/"))
    }

    /// Returns the name of the task's node.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Returns the path of what the task belongs to.
    pub(crate) fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// Returns the name, below `path`, of the task or of what it belongs to; `None` for a task that
    /// is elsewhere.
    pub(crate) fn below(&self, path: &str) -> Option<&str> {
        let rest = self.0.strip_prefix(path)?.strip_prefix('/')?;
        Some(rest.split_once('/').map_or(rest, |(first, _)| first))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// The task has succeeded.
    Success(TaskId),
    /// The task has failed.
    Failure(TaskId),
}

impl After {
    /// Returns the task that is waited for.
    pub(crate) const fn task(&self) -> &TaskId {
        match self {
            Self::Success(task) | Self::Failure(task) => task,
        }
    }
}

/// What a task belongs to: positions in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The position in [`Plan::migrations`].
    pub migration: usize,
    /// The position in the migration's groups; absent for what all groups share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
}

/// What a task does.
///
/// Two more will come with the kinds of migration that need them, each with a function in
/// `render`: a service, which starts, becomes ready and runs until it is told to stop, and an undo,
/// which takes back what another task did. So will a third form of [`After`]: a task has ended,
/// whatever became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    /// Runs a step program in one pod.
    Step(StepCall),
    /// Runs a step program in several equal pods, which divide work items among them.
    Workers(Workers),
    /// Runs workers, and the tasks that they need around them.
    Fleet(Box<FleetTasks>),
    /// Waits for a person.
    Gate(Gate),
}

/// A call of a step program.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "step", content = "request")]
pub enum StepCall {
    /// Checks reachability, versions, permissions and the repository.
    Initialize(InitializeRequest),
    /// Takes a snapshot.
    Snapshot(SnapshotRequest),
    /// Reads the repository and resolves the groups' patterns.
    Register(RegisterRequest),
    /// Reports what would change in templates, settings, mappings and aliases, or writes them.
    Metadata(MetadataRequest),
    /// Prepares, does or follows the writing of documents.
    Rfs(RfsRequest),
    /// Compares the target with the snapshot.
    Verify(VerifyRequest),
    /// Removes what only the migration needed.
    Cleanup(CleanupRequest),
}

/// Equal pods that divide work items among them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workers {
    /// The number of pods.
    pub count: u32,
    /// The number of pods that may fail before the workflow gives up on the workers.
    pub allowed_failures: u32,
    /// What each of them runs.
    pub call: StepCall,
}

/// Workers, and the tasks around them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetTasks {
    /// Writes the work items.
    pub prepare: Task,
    /// Does them.
    pub workers: Task,
    /// Records that the workers failed. To the follower, a fleet that failed and one that was
    /// paused look alike.
    pub give_up: Task,
    /// Reports progress until every item is done or given up.
    pub follow: Task,
}

impl FleetTasks {
    /// Plans the four tasks; `call` makes the call of each role.
    pub(crate) fn new(
        path: &[&str],
        owner: Owner,
        workers: u32,
        call: impl Fn(FleetRole) -> StepCall,
    ) -> Self {
        let task = |role, after, body| {
            let path: Vec<&str> = path.iter().copied().chain([role_name(role)]).collect();
            Task { id: TaskId::new(&path), after, owner, body }
        };
        let step = |role, after| task(role, after, Body::Step(call(role)));
        let prepare = step(FleetRole::Prepare, Vec::new());
        let prepared = || vec![After::Success(prepare.id.clone())];
        let body = Body::Workers(Workers {
            count: workers,
            allowed_failures: allowed_failures(workers),
            call: call(FleetRole::Work),
        });
        let workers = task(FleetRole::Work, prepared(), body);
        let give_up = step(FleetRole::GiveUp, vec![After::Failure(workers.id.clone())]);
        let follow = step(FleetRole::Follow, prepared());
        Self { prepare, workers, give_up, follow }
    }
}

const fn role_name(role: FleetRole) -> &'static str {
    match role {
        FleetRole::Prepare => "prepare",
        FleetRole::Work => "workers",
        FleetRole::GiveUp => "give-up",
        FleetRole::Follow => "follow",
    }
}

/// Returns the number of workers that may fail before the workflow gives up on the fleet. An error in the work
/// itself ends at the work items. Workers fail because their machines do: the more there are and
/// the longer they work, the more often. A fleet that cannot start at all must still end.
const fn allowed_failures(workers: u32) -> u32 {
    20 + 4 * workers
}

/// A place where the workflow waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The name that is shown and typed.
    pub name: String,
    /// What waits for the decision, in a few words.
    pub guards: &'static str,
}

impl Plan {
    /// Returns all gates that wait for a person, in the order of the file.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.tasks.iter().filter_map(|task| match &task.body {
            Body::Gate(gate) => Some(gate),
            Body::Step(_) | Body::Workers(_) | Body::Fleet(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Installation, check::testing::grouped, compile};

    fn planned(groups: &str) -> Plan {
        compile(&grouped(groups), &Installation::default()).output.expect("no errors").plan
    }

    /// The tasks with those inside of fleets.
    fn all(plan: &Plan) -> Vec<&Task> {
        let mut all = Vec::new();
        for task in &plan.tasks {
            all.push(task);
            if let Body::Fleet(fleet) = &task.body {
                let FleetTasks { prepare, workers, give_up, follow } = &**fleet;
                all.extend([prepare, workers, give_up, follow]);
            }
        }
        all
    }

    #[test]
    fn every_task_has_an_id_of_its_own_and_waits_for_tasks_above_it() {
        let plan = planned("\n      - indices: [\"a*\"]\n      - indices: [\"b*\"]");
        let mut seen = BTreeSet::new();
        for task in all(&plan) {
            for after in &task.after {
                assert!(seen.contains(after.task()), "{} waits for {}", task.id, after.task());
            }
            assert!(seen.insert(&task.id), "two tasks are called {}", task.id);
        }
        assert!(plan.at_exit.iter().all(|task| !seen.contains(&task.id)));
    }

    #[test]
    fn the_plan_shows_the_tasks_of_a_fleet() {
        let plan = planned("\n      - { name: a, indices: [\"a*\"] }");
        let fleet = all(&plan).into_iter().filter(|task| task.id.to_string().contains("restore"));
        let shown: Vec<String> = fleet
            .map(|task| {
                let after = task.after.iter().map(|after| match after {
                    After::Success(task) => format!(" {}", task.name()),
                    After::Failure(task) => format!(" !{}", task.name()),
                });
                format!("{}:{}", task.id, after.collect::<String>())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        old-to-new/a/restore-documents: migrate-metadata
        old-to-new/a/restore-documents/prepare:
        old-to-new/a/restore-documents/workers: prepare
        old-to-new/a/restore-documents/give-up: !workers
        old-to-new/a/restore-documents/follow: prepare
        ");
    }
}
