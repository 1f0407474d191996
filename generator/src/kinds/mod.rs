//! Which kinds of migration are there? A folder each: its part of the migration file, its checks,
//! its tasks. Here they meet: the rest of the compiler knows a [`Migration`] of any kind.

pub(crate) mod chain;
pub(crate) mod gate;
mod group_id;
pub(crate) mod snapshot;

use self::gate::GateSpec;
use crate::{
    clusters::{
        proved::{Cluster, Clusters},
        reference::Ends,
    },
    file::MigrationFile,
    findings::report::Report,
    installation::Installation,
    plan::Plan,
};

/// What is proved of a migration.
#[derive(Debug)]
pub(crate) enum Migration {
    /// From a snapshot.
    Snapshot(snapshot::proved::Migration),
}

impl Migration {
    /// Returns the clusters that its steps talk to, the source first.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        match self {
            Self::Snapshot(migration) => migration.source.iter().chain([&migration.target]),
        }
    }
}

/// Proves all migrations, in the order of the file; `None` when there is an error in one of them.
/// `ends` are their clusters.
pub(crate) fn prove(
    file: &MigrationFile,
    clusters: &Clusters,
    ends: Vec<Option<Ends>>,
    installation: &Installation,
    report: &mut Report<'_>,
) -> Option<Vec<Migration>> {
    let migrations = snapshot::prove::prove(file, clusters, ends, installation, report)?;
    Some(migrations.into_iter().map(Migration::Snapshot).collect())
}

/// Returns the gates of all kinds.
pub(crate) fn gates() -> impl Iterator<Item = &'static GateSpec> {
    snapshot::gates::GATES.into_iter()
}

/// Plans the migrations of a file.
pub(crate) fn plan(
    migrations: &[Migration],
    parallelism: u32,
    installation: &Installation,
) -> Plan {
    let mut plan = Plan {
        workflow: installation.workflow_name.clone(),
        parallelism,
        tasks: Vec::new(),
        at_exit: Vec::new(),
        migrations: Vec::new(),
    };
    for migration in migrations {
        match migration {
            Migration::Snapshot(migration) => snapshot::plan::add(migration, &mut plan),
        }
    }
    plan
}
