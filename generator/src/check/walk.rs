//! The places of a file that rules look at, each with its pointer.

use crate::{
    config::file::{AuthConfig, Migration, MigrationFile, SnapshotMigration, SourceCluster},
    pointer::Pointer,
};

/// A cluster of either side, as far as both sides have it.
pub(super) struct Cluster<'a> {
    pub name: &'a str,
    pub path: Pointer,
    pub endpoint: Option<&'a str>,
    pub version: Option<&'a str>,
    pub auth: Option<&'a AuthConfig>,
}

/// Returns all clusters, sources first.
pub(super) fn clusters(file: &MigrationFile) -> Vec<Cluster<'_>> {
    let sources = sources(file).map(|(path, name, cluster)| Cluster {
        name,
        path,
        endpoint: cluster.endpoint.as_deref(),
        version: cluster.version.as_deref(),
        auth: cluster.auth_config.as_ref(),
    });
    let targets = file.target_clusters.iter().flatten().map(|(name, cluster)| Cluster {
        name,
        path: Pointer::root().key("targetClusters").key(name),
        endpoint: cluster.endpoint.as_deref(),
        version: cluster.version.as_deref(),
        auth: cluster.auth_config.as_ref(),
    });
    sources.chain(targets).collect()
}

/// Returns all sources.
pub(super) fn sources(
    file: &MigrationFile,
) -> impl Iterator<Item = (Pointer, &str, &SourceCluster)> {
    file.source_clusters.iter().flatten().map(|(name, cluster)| {
        (Pointer::root().key("sourceClusters").key(name), name.as_str(), cluster)
    })
}

/// Returns all migrations.
pub(super) fn migrations(file: &MigrationFile) -> impl Iterator<Item = (Pointer, &Migration)> {
    let list = file.migrations.iter().flatten().enumerate();
    list.map(|(position, migration)| (Pointer::root().key("migrations").index(position), migration))
}

/// Returns the groups of a migration with their positions.
pub(super) fn groups<'a>(
    path: &Pointer,
    migration: &'a Migration,
) -> impl Iterator<Item = (Pointer, usize, &'a SnapshotMigration)> {
    let path = path.key("snapshotMigrations");
    let list = migration.snapshot_migrations.iter().flatten().enumerate();
    list.map(move |(position, group)| (path.index(position), position, group))
}
