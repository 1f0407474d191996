//! The places of a migration file that checks read, each with its pointer.

use super::{
    Migration, MigrationFile,
    approvals::Approvals,
    clusters::{AuthConfig, SourceCluster},
};
use crate::pointer::Pointer;

/// Whether a cluster is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Side {
    /// Returns the key that holds the clusters of this side.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Source => "sourceClusters",
            Self::Target => "targetClusters",
        }
    }
}

/// A cluster of either side: what both sides have.
pub(crate) struct RawCluster<'a> {
    pub side: Side,
    pub name: &'a str,
    pub path: Pointer,
    pub endpoint: Option<&'a str>,
    pub version: Option<&'a str>,
    pub allow_insecure: Option<bool>,
    pub auth: Option<&'a AuthConfig>,
}

/// Returns all clusters, sources first.
pub(crate) fn clusters(file: &MigrationFile) -> impl Iterator<Item = RawCluster<'_>> {
    let sources = sources(file).map(|(path, name, cluster)| RawCluster {
        side: Side::Source,
        name,
        path,
        endpoint: cluster.endpoint.as_deref(),
        version: cluster.version.as_deref(),
        allow_insecure: cluster.allow_insecure,
        auth: cluster.auth_config.as_ref(),
    });
    let targets = file.target_clusters.iter().flatten().map(|(name, cluster)| RawCluster {
        side: Side::Target,
        name,
        path: Pointer::root().key(Side::Target.key()).key(name),
        endpoint: cluster.endpoint.as_deref(),
        version: cluster.version.as_deref(),
        allow_insecure: cluster.allow_insecure,
        auth: cluster.auth_config.as_ref(),
    });
    sources.chain(targets)
}

/// Returns all sources.
pub(crate) fn sources(
    file: &MigrationFile,
) -> impl Iterator<Item = (Pointer, &str, &SourceCluster)> {
    file.source_clusters.iter().flatten().map(|(name, cluster)| {
        (Pointer::root().key(Side::Source.key()).key(name), name.as_str(), cluster)
    })
}

/// Returns all migrations.
pub(crate) fn migrations(file: &MigrationFile) -> impl Iterator<Item = (Pointer, &Migration)> {
    let list = file.migrations.iter().flatten().enumerate();
    list.map(|(position, migration)| (Pointer::root().key("migrations").index(position), migration))
}

/// A group of any kind of migration: what all kinds have.
pub(crate) struct RawGroup<'a> {
    pub path: Pointer,
    /// The name in the file.
    pub given_name: Option<&'a str>,
    /// That name, or one made of its position.
    pub name: String,
    pub approvals: Option<&'a Approvals>,
    pub skip_approvals: Option<bool>,
}

/// Returns the groups of a migration; `path` is the migration's place.
pub(crate) fn groups<'a>(
    path: &Pointer,
    migration: &'a Migration,
) -> impl Iterator<Item = RawGroup<'a>> {
    let path = path.key("snapshotMigrations");
    let groups = migration.snapshot_migrations.iter().flatten().enumerate();
    groups.map(move |(position, group)| RawGroup {
        path: path.index(position),
        given_name: group.name.as_deref(),
        name: group.name(position),
        approvals: group.approvals.as_ref(),
        skip_approvals: group.skip_approvals,
    })
}
