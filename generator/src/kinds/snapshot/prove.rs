//! What does `snapshotMigrations` mean, if it is correct? Each check returns what it proved, or
//! there is a finding.

use super::{groups, overlap, proved::Migration, repository, sharing, source};
use crate::{
    clusters::{
        proved::{Clusters, Part},
        reference::Ends,
    },
    file::{
        MigrationFile,
        walk::{self, Side},
    },
    findings::report::Report,
    installation::Installation,
};

/// Proves all migrations; `None` when there is an error in one of them. `ends` are their clusters.
pub(crate) fn prove(
    file: &MigrationFile,
    clusters: &Clusters,
    ends: Vec<Option<Ends>>,
    installation: &Installation,
    report: &mut Report<'_>,
) -> Option<Vec<Migration>> {
    source::check(file, report);
    let repositories = repository::prove(file, clusters, installation, report);
    sharing::check(file, &repositories, report);
    let groups = groups::prove(file, report);
    overlap::check(file, &groups, report);
    let parts = walk::migrations(file).zip(ends).zip(groups);
    let migrations = parts.map(|(((_, migration), ends), groups)| {
        let Ends { source, target } = ends?;
        let target = clusters.get(Side::Target, &target)?.proved()?.clone();
        Some(Migration {
            name: migration.name()?,
            source: match clusters.get(Side::Source, &source)? {
                Part::Absent => None,
                given => Some(given.proved()?.clone()),
            },
            target,
            repository: repositories.get(source.as_str())?.clone(),
            source_name: source,
            groups: groups.into_iter().map(|group| group.config).collect::<Option<_>>()?,
        })
    });
    migrations.collect()
}
