//! Verify: is what the snapshot holds on the target?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::ClusterAccess, group::Group, ids::MigrationName, repository::SnapshotSource,
    summary::Summary,
};

/// How thoroughly to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VerifyMode {
    /// Ledgers add up, and the target has the same number of documents. If the index held other
    /// documents before, that number proves little, so each document is looked up by its id.
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
    pub migration: MigrationName,
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
    /// Whether it held documents before, so that `found` counts those of others too.
    #[serde(default)]
    pub existed: bool,
    /// Documents of the snapshot found by their ids; absent when only counts were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<u64>,
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
        for index in &self.indices {
            let VerifiedIndex { name, expected, found, rejected, existed, present, compared: _ } =
                index;
            let note = match (existed, present) {
                (false, _) => String::new(),
                (true, None) => {
                    "  (`found` includes documents that the index held before)".to_owned()
                }
                (true, Some(present)) => format!(
                    "  (`found` includes documents that the index held before; {present} documents \
                     of the snapshot were found by id)"
                ),
            };
            lines.push(format!("{name:width$}  {expected:>12}  {found:>12}  {rejected:>9}{note}"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_where_the_count_is_not_exact() {
        let index = |name: &str, existed, present| VerifiedIndex {
            name: name.to_owned(),
            expected: 3,
            found: 8,
            rejected: 0,
            existed,
            present,
            compared: None,
        };
        let answer =
            VerifyAnswer { indices: vec![index("new", false, None), index("old", true, Some(3))] };
        let table = answer.summary();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].starts_with("new") && !lines[1].contains("held before"), "{table}");
        assert!(
            lines[2].contains("held before") && lines[2].contains("3 documents of the"),
            "{table}"
        );
    }
}
