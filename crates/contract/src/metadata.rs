//! Metadata: templates, settings, mappings and aliases, dry or for real.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess,
    exit::{Exit, Failure},
    group::Group,
    ids::MigrationName,
    metadata_choices::{MetadataChoices, OverrideKind},
    repository::SnapshotSource,
    summary::Summary,
};

/// How many failed items an error names.
const LISTED: usize = 20;

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
    /// The migration's name, as in the names of gates.
    pub migration: MigrationName,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot to read.
    pub snapshot: SnapshotSource,
    /// The group.
    pub group: Group,
    /// What the user decided about its metadata.
    #[serde(default, skip_serializing_if = "MetadataChoices::is_default")]
    pub choices: MetadataChoices,
}

/// What was (or would be) done, item by item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataAnswer {
    /// Dry or for real.
    pub mode: MetadataMode,
    /// Everything looked at, in the order of work.
    pub items: Vec<MetadataItem>,
    /// What was left out of this answer because it would be too long; the log has all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
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
            let kind = item.kind;
            let done = match (item.outcome, self.mode) {
                (MetadataOutcome::Created, MetadataMode::Evaluate) => "would be created",
                (MetadataOutcome::Created, MetadataMode::Migrate) => "created",
                (MetadataOutcome::Exists, _) => "is on the target already",
                (MetadataOutcome::Skipped, _) => "skipped",
                (MetadataOutcome::Failed, _) => "FAILED",
            };
            lines.push(format!("{kind} `{}`: {done}", item.name));
            lines.extend(item.changes.iter().map(|change| format!("    {change}")));
            lines.extend(item.reason.iter().map(|reason| format!("    because: {reason}")));
        }
        if lines.is_empty() {
            lines.push("no metadata to migrate".to_owned());
        }
        lines.extend(self.cut.clone());
        lines.join("\n")
    }

    fn failure(&self) -> Option<Failure> {
        let failed: Vec<String> = self
            .items
            .iter()
            .filter(|item| item.outcome == MetadataOutcome::Failed)
            .map(|item| format!("{} `{}`", item.kind, item.name))
            .collect();
        let (first, more) = failed.split_at(failed.len().min(LISTED));
        let and_more =
            if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        (!failed.is_empty()).then(|| {
            let message = format!(
                "{} of {} items failed: {}{and_more}; the reasons are in the report. Create these \
                 items on the target by hand and run `workflow resume`, or exclude them in the \
                 migration file and submit it again",
                failed.len(),
                self.items.len(),
                first.join(", ")
            );
            Failure::new(Exit::Failed, message)
        })
    }
}

impl From<MetadataKind> for OverrideKind {
    fn from(kind: MetadataKind) -> Self {
        match kind {
            MetadataKind::Index => Self::Index,
            MetadataKind::LegacyTemplate | MetadataKind::IndexTemplate => Self::Template,
            MetadataKind::ComponentTemplate => Self::Component,
        }
    }
}

impl fmt::Display for MetadataKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LegacyTemplate => "legacy template",
            Self::ComponentTemplate => "component template",
            Self::IndexTemplate => "index template",
            Self::Index => "index",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_failed_item_is_a_failure_that_names_it() {
        let item = |name: &str, outcome| MetadataItem {
            kind: MetadataKind::Index,
            name: name.to_owned(),
            outcome,
            changes: Vec::new(),
            reason: None,
        };
        let mut answer = MetadataAnswer {
            mode: MetadataMode::Migrate,
            items: vec![item("a", MetadataOutcome::Created), item("b", MetadataOutcome::Exists)],
            cut: None,
        };
        assert!(answer.failure().is_none());
        answer.items.push(item("c", MetadataOutcome::Failed));
        let failure = answer.failure().expect("a failure");
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.message.starts_with("1 of 3 items failed: index `c`"), "{failure}");
    }
}
