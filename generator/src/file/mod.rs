//! How is a migration file written? The raw types, from which the published schema is made.
//!
//! Every field is an `Option`, also those that the schema requires: a check can then read what is
//! there while another reports what is missing. The parts that belong to one kind of migration are
//! in [`crate::kinds`].

pub(crate) mod approvals;
pub(crate) mod clusters;
pub(crate) mod walk;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::{
    approvals::Approvals,
    clusters::{SourceCluster, TargetCluster},
};
use crate::kinds::snapshot::file::SnapshotMigration;

/// The keys of patches, in which `null` removes something. Elsewhere a key without a value counts as
/// absent.
pub(crate) const PATCHES: &[&str] = &["settings", "mappings", "aliases"];

/// A migration file: which indices are migrated, from which cluster to which.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Argosy migration file")]
pub(crate) struct MigrationFile {
    /// The URL or path of the schema, for editors.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only; the compiler has its own")]
    pub schema: Option<String>,
    /// The maximum number of pods (or processes) that run concurrently; 100 when absent.
    #[schemars(range(min = 1, max = 10_000))]
    pub parallelism: Option<u32>,
    /// Which gates wait for a person, in all migrations.
    pub approvals: Option<Approvals>,
    /// No gate waits, in all migrations.
    pub skip_approvals: Option<bool>,
    /// The clusters to read from, by name.
    #[schemars(required)]
    pub source_clusters: Option<IndexMap<String, SourceCluster>>,
    /// The clusters to write to, by name.
    #[schemars(required)]
    pub target_clusters: Option<IndexMap<String, TargetCluster>>,
    /// What to migrate. The migrations run concurrently.
    #[schemars(required)]
    pub migrations: Option<Vec<Migration>>,
}

/// Groups of indices that go from one source to one target; they share one snapshot.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Migration {
    /// Unique in the file; `<source>-to-<target>` when absent.
    pub name: Option<String>,
    /// A name under `sourceClusters`.
    #[schemars(required)]
    pub source_cluster: Option<String>,
    /// A name under `targetClusters`.
    #[schemars(required)]
    pub target_cluster: Option<String>,
    /// Which gates wait for a person, in this migration.
    pub approvals: Option<Approvals>,
    /// No gate waits in this migration.
    pub skip_approvals: Option<bool>,
    /// The groups; each becomes a branch of the workflow.
    #[schemars(required)]
    pub snapshot_migrations: Option<Vec<SnapshotMigration>>,
}

impl Migration {
    /// Returns the migration's name: its own, or one made of its clusters. `None` while a cluster
    /// is missing.
    pub(crate) fn name(&self) -> Option<String> {
        if let Some(name) = &self.name {
            return Some(name.clone());
        }
        Some(format!("{}-to-{}", self.source_cluster.as_ref()?, self.target_cluster.as_ref()?))
    }
}
