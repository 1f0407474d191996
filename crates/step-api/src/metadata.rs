//! Metadata: templates, settings, mappings and aliases, dry or for real.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{access::ClusterAccess, process::Summary, register::Group, repository::SnapshotSource};

/// Whether the target is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MetadataMode {
    /// Say what would happen.
    Evaluate,
    /// Do it.
    Migrate,
}

/// What to evaluate or migrate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataRequest {
    /// Dry or for real.
    pub mode: MetadataMode,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot to read.
    pub snapshot: SnapshotSource,
    /// The group.
    pub group: Group,
}

/// What was (or would be) done, item by item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataAnswer {
    /// Dry or for real.
    pub mode: MetadataMode,
    /// Everything looked at, in the order of work.
    pub items: Vec<MetadataItem>,
}

/// A kind of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetadataKind {
    /// A legacy template (`_template`).
    LegacyTemplate,
    /// A component template.
    ComponentTemplate,
    /// A composable template (`_index_template`).
    IndexTemplate,
    /// An index with settings, mappings and aliases.
    Index,
}

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetadataOutcome {
    /// Made on the target (or would be).
    Created,
    /// On the target already and left as it is.
    Exists,
    /// Left out, with a reason among the changes.
    Skipped,
    /// The target refused it.
    Failed,
}

/// One piece of metadata and what happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataItem {
    /// What it is.
    pub kind: MetadataKind,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: MetadataOutcome,
    /// What was changed on the way and why, a line each.
    pub changes: Vec<String>,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Summary for MetadataAnswer {
    fn summary(&self) -> String {
        let mut lines = Vec::new();
        for item in &self.items {
            let done = match (item.outcome, self.mode) {
                (MetadataOutcome::Created, MetadataMode::Evaluate) => "would be created",
                (MetadataOutcome::Created, MetadataMode::Migrate) => "created",
                (MetadataOutcome::Exists, _) => "is on the target already",
                (MetadataOutcome::Skipped, _) => "skipped",
                (MetadataOutcome::Failed, _) => "FAILED",
            };
            let kind = match item.kind {
                MetadataKind::LegacyTemplate => "legacy template",
                MetadataKind::ComponentTemplate => "component template",
                MetadataKind::IndexTemplate => "index template",
                MetadataKind::Index => "index",
            };
            lines.push(format!("{kind} `{}`: {done}", item.name));
            lines.extend(item.changes.iter().map(|change| format!("    {change}")));
            lines.extend(item.reason.iter().map(|reason| format!("    because: {reason}")));
        }
        if lines.is_empty() {
            lines.push("no metadata to migrate".to_owned());
        }
        lines.join("\n")
    }
}
