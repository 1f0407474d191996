//! How a snapshot ended, in the words of the servers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a snapshot ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SnapshotState {
    /// It holds every shard.
    Success,
    /// It lacks some shards.
    Partial,
    /// It failed as a whole.
    Failed,
    /// It is still being taken.
    InProgress,
    /// It was taken by a version that its cluster can no longer read.
    Incompatible,
    /// A state of another name; empty where none is given.
    Unknown(String),
}

impl SnapshotState {
    /// Returns the state as the servers spell it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "SUCCESS",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
            Self::InProgress => "IN_PROGRESS",
            Self::Incompatible => "INCOMPATIBLE",
            Self::Unknown(name) if name.is_empty() => "UNKNOWN",
            Self::Unknown(name) => name,
        }
    }
}

impl From<String> for SnapshotState {
    fn from(name: String) -> Self {
        match name.as_str() {
            "SUCCESS" => Self::Success,
            "PARTIAL" => Self::Partial,
            "FAILED" => Self::Failed,
            "IN_PROGRESS" => Self::InProgress,
            "INCOMPATIBLE" => Self::Incompatible,
            _ => Self::Unknown(name),
        }
    }
}

impl From<SnapshotState> for String {
    fn from(state: SnapshotState) -> Self {
        state.as_str().to_owned()
    }
}

impl fmt::Display for SnapshotState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How many missing shards a message lists.
const MAX_LISTED_SHARDS: usize = 20;

/// A snapshot that does not hold all of its shards. Displays as a message that lists them.
#[derive(Clone, Debug)]
pub struct IncompleteSnapshot<'a> {
    /// The snapshot's name.
    pub name: &'a str,
    /// Its state.
    pub state: &'a SnapshotState,
    /// How many shards it holds.
    pub complete_shards: u64,
    /// How many shards its indices have.
    pub shards: u64,
    /// Why it failed as a whole, if the server says so.
    pub reason: Option<&'a str>,
    /// What to do, the end of the first sentence.
    pub advice: &'a str,
    /// The shards that it does not hold.
    pub missing: Vec<MissingShard<'a>>,
}

/// A shard that a snapshot does not hold.
#[derive(Clone, Copy, Debug)]
pub struct MissingShard<'a> {
    /// The index.
    pub index: &'a str,
    /// The shard's number.
    pub shard: u64,
    /// Why it is missing, as the server says.
    pub reason: &'a str,
}

impl fmt::Display for IncompleteSnapshot<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, state, complete_shards, shards, reason, advice, missing } = self;
        write!(
            formatter,
            "snapshot `{name}` is {state}: {complete_shards} of its {shards} shards are complete"
        )?;
        if let Some(reason) = reason {
            write!(formatter, " ({reason})")?;
        }
        write!(formatter, "; {advice}")?;
        for MissingShard { index, shard, reason } in missing.iter().take(MAX_LISTED_SHARDS) {
            write!(formatter, "\n  index `{index}` shard {shard}: {reason}")?;
        }
        match missing.len().saturating_sub(MAX_LISTED_SHARDS) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_as_it_is_read() {
        for text in ["SUCCESS", "PARTIAL", "FAILED", "IN_PROGRESS", "INCOMPATIBLE", "OTHER"] {
            assert_eq!(SnapshotState::from(text.to_owned()).as_str(), text);
        }
        assert_eq!(SnapshotState::from(String::new()).to_string(), "UNKNOWN");
    }

    #[test]
    fn an_incomplete_snapshot_lists_its_missing_shards() {
        let missing = MissingShard { index: "orders", shard: 1, reason: "no node" };
        let mut snapshot = IncompleteSnapshot {
            name: "nightly",
            state: &SnapshotState::Partial,
            complete_shards: 3,
            shards: 4,
            reason: None,
            advice: "take it again",
            missing: vec![missing],
        };
        assert_eq!(
            snapshot.to_string(),
            "snapshot `nightly` is PARTIAL: 3 of its 4 shards are complete; take it again\n  index \
             `orders` shard 1: no node"
        );
        snapshot.missing = vec![missing; 22];
        snapshot.reason = Some("disk full");
        let text = snapshot.to_string();
        assert!(text.contains("are complete (disk full); take it again\n"), "{text}");
        assert!(text.ends_with("\n  and 2 more") && text.lines().count() == 22, "{text}");
    }
}
