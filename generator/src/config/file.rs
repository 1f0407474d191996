//! How is a migration file spelled? The raw types, from which the published schema is made.
//!
//! Every field is an `Option`, also those that the schema requires: a rule can then look at what
//! is there while another reports what is missing. [`super::Config`] is what has been proved.

use contract::{ExistingIndices, verify::VerifyMode};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// A migration file: which indices go from which cluster to which.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Argosy migration file")]
pub(crate) struct MigrationFile {
    /// The schema, for editors that read it from here.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only; the compiler has its own")]
    pub schema: Option<String>,
    /// How many pods (or processes) run at once, at most; 100 when absent.
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
    /// What to migrate; all of it runs side by side.
    #[schemars(required)]
    pub migrations: Option<Vec<Migration>>,
}

/// Which gates wait for a person. The nearest level that names a gate decides: group, migration,
/// file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Approvals {
    /// After the dry run of the metadata, before anything is written; on when absent.
    pub metadata_evaluated: Option<bool>,
    /// After the metadata is on the target, before documents; off when absent.
    pub metadata_migrated: Option<bool>,
    /// After the documents are verified, before cleanup; on when absent.
    pub documents_backfilled: Option<bool>,
}

/// A cluster to read from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceCluster {
    /// An `http` or `https` URL. May be absent when `snapshotRepo.snapshotName` names a snapshot
    /// that exists: the cluster is then not needed.
    pub endpoint: Option<String>,
    /// The version in quotes, as in `"7.10.2"`, `ES 7.10` or `OS 1.3`. Detected when absent; a
    /// contradiction is an error.
    pub version: Option<String>,
    /// Accept any server certificate.
    pub allow_insecure: Option<bool>,
    /// How requests are authenticated; not at all when absent.
    pub auth_config: Option<AuthConfig>,
    /// Where its snapshots are; in a folder of its own in the installation's default repository when
    /// absent.
    pub snapshot_repo: Option<SnapshotRepo>,
}

/// A cluster to write to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetCluster {
    /// An `http` or `https` URL.
    #[schemars(required)]
    pub endpoint: Option<String>,
    /// The version in quotes, as in `"2.19.0"` or `OS 2.19`. Detected when absent; a contradiction
    /// is an error.
    pub version: Option<String>,
    /// Accept any server certificate.
    pub allow_insecure: Option<bool>,
    /// How requests are authenticated; not at all when absent.
    pub auth_config: Option<AuthConfig>,
}

/// How requests to a cluster are authenticated: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuthConfig {
    /// User name and password.
    pub basic: Option<BasicAuth>,
    /// AWS Signature Version 4, with the credentials of the pod or the environment.
    pub sigv4: Option<Sigv4Auth>,
    /// A client certificate.
    pub mtls: Option<MtlsAuth>,
}

/// User name and password, from a Secret or (for pilots) in clear text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BasicAuth {
    /// A Secret with the keys `username` and `password`, and perhaps `ca.crt`.
    pub secret_name: Option<String>,
    /// The user's name in clear text; prefer `secretName`.
    pub username: Option<String>,
    /// The password in clear text; prefer `secretName`.
    pub password: Option<String>,
}

/// AWS Signature Version 4.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sigv4Auth {
    /// The AWS region, as in `us-east-1`.
    #[schemars(required)]
    pub region: Option<String>,
    /// `es` for a managed domain (when absent), `aoss` for a serverless collection.
    pub service: Option<String>,
}

/// A client certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MtlsAuth {
    /// A Secret with the keys `tls.crt` and `tls.key`, and perhaps `ca.crt`.
    #[schemars(required)]
    pub secret_name: Option<String>,
}

/// Where a source's snapshots are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SnapshotRepo {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`.
    pub repo_path_uri: Option<String>,
    /// Another spelling of `repoPathUri`.
    pub s3_repo_path_uri: Option<String>,
    /// The AWS region of the bucket.
    pub aws_region: Option<String>,
    /// Another spelling of `awsRegion`.
    #[serde(rename = "aws_region")]
    pub aws_region_underscore: Option<String>,
    /// The URL of an S3-compatible service.
    pub endpoint: Option<String>,
    /// The role that an AWS-managed source takes to write the snapshot.
    pub s3_role_arn: Option<String>,
    /// A Secret with the keys that the repository is read with, each under the name of its
    /// variable: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, perhaps `AWS_SESSION_TOKEN`;
    /// `GOOGLE_SERVICE_ACCOUNT_KEY`; `AZURE_STORAGE_ACCOUNT_NAME` and `AZURE_STORAGE_ACCOUNT_KEY`.
    /// The identity of the pods, or the environment, when absent.
    pub secret_name: Option<String>,
    /// A snapshot that exists: it is read and none is taken.
    pub snapshot_name: Option<String>,
    /// The most that each node writes while the snapshot is taken, in MB a second.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_snapshot_rate_mb_per_node: Option<u32>,
}

impl SnapshotRepo {
    /// Returns the URI with the key it is written under.
    pub(crate) fn uri(&self) -> Option<(&'static str, &str)> {
        let this = self.repo_path_uri.as_deref().map(|uri| ("repoPathUri", uri));
        this.or_else(|| self.s3_repo_path_uri.as_deref().map(|uri| ("s3RepoPathUri", uri)))
    }

    /// Returns the region with the key it is written under.
    pub(crate) fn region(&self) -> Option<(&'static str, &str)> {
        let this = self.aws_region.as_deref().map(|region| ("awsRegion", region));
        this.or_else(|| self.aws_region_underscore.as_deref().map(|region| ("aws_region", region)))
    }
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

/// A group of indices that are migrated together and approved together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SnapshotMigration {
    /// Unique in the migration; `group-1`, `group-2` and so on when absent.
    pub name: Option<String>,
    /// Exact names, `*` and `?` wildcards, `-exclusions` and `regex:expressions`.
    #[schemars(required)]
    pub indices: Option<Vec<String>>,
    /// Templates, settings, mappings and aliases; migrated when absent.
    pub metadata_migration: Option<MetadataMigration>,
    /// The documents; migrated when absent.
    pub document_backfill: Option<DocumentBackfill>,
    /// What to do with an index that is on the target already; `refuse` when absent.
    pub existing_indices: Option<ExistingIndices>,
    /// It is no error when the patterns match no index of the snapshot.
    pub allow_empty: Option<bool>,
    /// Which gates wait for a person, in this group.
    pub approvals: Option<Approvals>,
    /// No gate waits in this group.
    pub skip_approvals: Option<bool>,
}

impl SnapshotMigration {
    /// Returns whether metadata is migrated; absent means yes.
    pub(crate) fn migrates_metadata(&self) -> bool {
        self.metadata_migration.as_ref().is_none_or(|part| part.enabled.unwrap_or(true))
    }

    /// Returns whether documents are migrated; absent means yes.
    pub(crate) fn migrates_documents(&self) -> bool {
        self.document_backfill.as_ref().is_none_or(|part| part.enabled.unwrap_or(true))
    }
}

/// Templates, settings, mappings and aliases of a group.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MetadataMigration {
    /// Whether they are migrated; yes when absent.
    pub enabled: Option<bool>,
}

/// The documents of a group.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DocumentBackfill {
    /// Whether they are migrated; yes when absent.
    pub enabled: Option<bool>,
    /// How many workers share the shards; 2 when absent.
    #[schemars(range(min = 1, max = 1_000))]
    pub workers: Option<u32>,
    /// Bulk requests under way at once, at most, for each worker; 4 when absent.
    #[schemars(range(min = 1, max = 256))]
    pub max_connections: Option<u32>,
    /// A bulk request is closed before it exceeds this many bytes; 8 MiB when absent.
    #[schemars(range(min = 1_024, max = 104_857_600))]
    pub bulk_bytes: Option<u64>,
    /// A bulk request is closed at this many documents; 5,000 when absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub bulk_documents: Option<u32>,
    /// Seconds after which the shard of a worker that shows no sign of life goes to another one; 60
    /// when absent.
    #[schemars(range(min = 2, max = 3_600))]
    pub lease_seconds: Option<u32>,
    /// How many rejected documents still count as done; 0 when absent.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_u64))]
    pub allowed_rejections: Option<u64>,
    /// Whether documents of an index whose mapping keeps only some fields of `_source` are migrated
    /// as they are; no when absent, and such an index is refused.
    pub allow_partial_source: Option<bool>,
    /// How thoroughly the result is compared with the snapshot; `counts` when absent.
    pub verify: Option<VerifyMode>,
}
