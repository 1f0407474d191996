//! How does a migration file describe a migration from a snapshot? `snapshotRepo` of a source, and
//! `snapshotMigrations` of a migration.

use std::collections::BTreeMap;

use contract::{ExistingIndices, verify::VerifyMode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::file::approvals::Approvals;

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
    /// The role that an AWS-managed source assumes to write the snapshot.
    pub s3_role_arn: Option<String>,
    /// A Secret with the keys that the repository is read with, each under the name of its
    /// variable: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, optionally `AWS_SESSION_TOKEN`;
    /// `GOOGLE_SERVICE_ACCOUNT_KEY`; `AZURE_STORAGE_ACCOUNT_NAME` and `AZURE_STORAGE_ACCOUNT_KEY`.
    /// When absent, the identity of the pods or the environment is used.
    pub secret_name: Option<String>,
    /// The name of an existing snapshot, which is read; no snapshot is taken.
    pub snapshot_name: Option<String>,
    /// The limit on what each node writes while the snapshot is taken, in MB a second.
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
    /// What to do with an index that already exists on the target; `refuse` when absent.
    pub existing_indices: Option<ExistingIndices>,
    /// Whether the patterns may match no index of the snapshot; an error when absent.
    pub allow_empty: Option<bool>,
    /// Which gates wait for a person, in this group.
    pub approvals: Option<Approvals>,
    /// No gate waits in this group.
    pub skip_approvals: Option<bool>,
}

impl SnapshotMigration {
    /// Returns the group's name: its own, or one made of its position in the migration.
    pub(crate) fn name(&self, position: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("group-{}", position + 1))
    }

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
    /// Which templates are migrated; those that belong to the group's indices when absent.
    pub templates: Option<TemplateNames>,
    /// Whether rules work, by their ids; all do when absent. The reports show a rule's id in brackets behind each
    /// change.
    pub rules: Option<BTreeMap<String, RuleSwitch>>,
    /// What indices and templates have on the target, whatever the rules say. Later ones come after
    /// earlier ones.
    pub overrides: Option<Vec<Override>>,
}

/// Which templates are migrated, component templates among them: patterns of their names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TemplateNames {
    /// Only these, also those that match none of the group's indices or belong to a product.
    /// Component templates that they use come with them.
    pub include: Option<Vec<String>>,
    /// Not these.
    pub exclude: Option<Vec<String>>,
}

/// Whether a rule works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RuleSwitch {
    /// The rule works, as when it is not named.
    On,
    /// The rule changes nothing.
    Off,
}

/// What some indices, templates or component templates have on the target.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Override {
    /// A pattern of the names of indices: an exact name, `*` and `?` wildcards, or `regex:`.
    pub index: Option<String>,
    /// A pattern of the names of legacy and composable templates.
    pub template: Option<String>,
    /// A pattern of the names of component templates.
    pub component: Option<String>,
    /// Settings, as in a request that creates an index; `null` removes a setting and all below it.
    pub settings: Option<Map<String, Value>>,
    /// A JSON merge patch of the mappings: `null` removes.
    pub mappings: Option<Map<String, Value>>,
    /// A JSON merge patch of the aliases: `null` removes.
    pub aliases: Option<Map<String, Value>>,
}

/// The documents of a group.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DocumentBackfill {
    /// Whether they are migrated; yes when absent.
    pub enabled: Option<bool>,
    /// The number of workers that share the shards; 2 when absent.
    #[schemars(range(min = 1, max = 1_000))]
    pub workers: Option<u32>,
    /// The maximum number of concurrent bulk requests of each worker; 4 when absent.
    #[schemars(range(min = 1, max = 256))]
    pub max_connections: Option<u32>,
    /// A bulk request is closed before it exceeds this many bytes; 8 MiB when absent.
    #[schemars(range(min = 1_024, max = 104_857_600))]
    pub bulk_bytes: Option<u64>,
    /// A bulk request is closed at this many documents; 5,000 when absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub bulk_documents: Option<u32>,
    /// The number of seconds after which another worker takes the shard of a worker that does not
    /// respond; 60 when absent.
    #[schemars(range(min = 2, max = 3_600))]
    pub lease_seconds: Option<u32>,
    /// The number of rejected documents with which the group still succeeds; 0 when absent.
    #[schemars(range(min = 0, max = 9_000_000_000_000_000_u64))]
    pub allowed_rejections: Option<u64>,
    /// Whether an index whose mapping keeps only some fields of `_source` is migrated with the
    /// fields that it has. When absent, such an index is refused.
    pub allow_partial_source: Option<bool>,
    /// How thoroughly the result is compared with the snapshot; `counts` when absent.
    pub verify: Option<VerifyMode>,
}
