//! Verify: is what the snapshot holds on the target?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{access::ClusterAccess, process::Summary, register::Group, repository::SnapshotSource};

/// How thoroughly to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VerifyMode {
    /// Ledgers add up and the target counts the same documents.
    #[default]
    Counts,
    /// As `counts`, and every document is read back and compared: id, routing and source.
    Documents,
}

/// What to verify.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// The migration's name, as in the names of gates.
    pub migration: String,
    /// The target cluster.
    pub target: ClusterAccess,
    /// The snapshot that was read.
    pub snapshot: SnapshotSource,
    /// The group.
    pub group: Group,
    /// How thoroughly.
    #[serde(default)]
    pub mode: VerifyMode,
    /// How many rejected documents still count as done.
    #[serde(default)]
    pub allowed_rejections: u64,
}

/// The verified counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyAnswer {
    /// One entry an index.
    pub indices: Vec<VerifiedIndex>,
}

/// One index, in the snapshot and on the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedIndex {
    /// Its name.
    pub name: String,
    /// Documents that must be on the target.
    pub expected: u64,
    /// Documents that the target counts.
    pub found: u64,
    /// Documents that the target refused.
    pub rejected: u64,
    /// Documents read back and found equal; absent when only counts were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<u64>,
}

impl Summary for VerifyAnswer {
    fn summary(&self) -> String {
        let width = self.indices.iter().map(|index| index.name.len()).max().unwrap_or(0).max(5);
        let mut lines = vec![format!(
            "{:width$}  {:>12}  {:>12}  {:>9}",
            "index", "expected", "found", "rejected"
        )];
        for VerifiedIndex { name, expected, found, rejected, .. } in &self.indices {
            lines.push(format!("{name:width$}  {expected:>12}  {found:>12}  {rejected:>9}"));
        }
        lines.join("\n")
    }
}
