//! `snap-<uuid>.dat` at the root: one snapshot's indices, state and failures.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use crate::{
    closest, container,
    error::{Damage, RepositoryError},
    root::{SnapshotSummary, VersionText},
    shard_paths::ShardPaths,
    smile,
};

/// One snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The name it was taken under.
    pub name: String,
    /// Its own id, part of the names of its blobs.
    pub uuid: String,
    /// How it ended.
    pub state: SnapshotState,
    /// Which of the two products took it.
    pub distribution: Distribution,
    /// The version of the server that took it, as it gives it: Elasticsearch says `8.11.0` for
    /// every version since, and tells them apart by the index version alone.
    pub version: Option<String>,
    /// The number of the index version (Elasticsearch 8.11 and newer).
    pub index_version: Option<u64>,
    /// Its indices, by name.
    pub indices: Vec<SnapshotIndex>,
    /// The shards that it does not hold, and why.
    pub failures: Vec<ShardFailure>,
    /// Whether it holds the cluster's templates and settings.
    pub include_global_state: bool,
    /// The names of its data streams.
    pub data_streams: Vec<String>,
    /// How many shards its indices have.
    pub total_shards: u32,
    /// How many of these it holds.
    pub successful_shards: u32,
    /// When it began, in milliseconds since 1970.
    pub start_millis: Option<i64>,
    /// When it ended, in milliseconds since 1970.
    pub end_millis: Option<i64>,
    /// Whether its files were left in a remote store, pinned by a timestamp.
    pub(crate) pinned: bool,
}

/// One index of a snapshot, and where it is in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotIndex {
    /// The index's name.
    pub name: String,
    /// Its folder under `indices/`.
    pub id: String,
    pub(crate) metadata_blob: String,
    pub(crate) shard_paths: ShardPaths,
}

/// A shard that a snapshot does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFailure {
    /// The index.
    pub index: String,
    /// The shard's number.
    pub shard: u32,
    /// Why, as the server put it.
    pub reason: String,
    /// The node that failed, where there was one.
    pub node: Option<String>,
}

/// Which product took a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

/// How a snapshot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// It holds every shard.
    Success,
    /// It lacks some shards.
    Partial,
    /// It failed as a whole.
    Failed,
    /// It had not ended when the list was written.
    InProgress,
    /// It was taken by a version that its cluster could no longer read.
    Incompatible,
    /// A state of another name, or none given.
    Unknown(String),
}

impl SnapshotState {
    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "SUCCESS" => Self::Success,
            "PARTIAL" => Self::Partial,
            "FAILED" => Self::Failed,
            "IN_PROGRESS" => Self::InProgress,
            "INCOMPATIBLE" => Self::Incompatible,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The state as the servers spell it.
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

impl fmt::Display for SnapshotState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Snapshot {
    /// The server that took it, for people: `Elasticsearch 7.10.2`. Since 8.11 Elasticsearch tells
    /// only its major version, by the index version.
    pub fn server(&self) -> String {
        let product = match self.distribution {
            Distribution::Elasticsearch => "Elasticsearch",
            Distribution::OpenSearch => "OpenSearch",
        };
        let text = self.version.as_deref().unwrap_or("of an unknown version");
        let number = text.parse().ok().filter(|number| *number >= FIRST_VERSION_NUMBER);
        match self.index_version.or(number) {
            Some(id) if is_counted(id) => {
                format!("{product} {} (index version {id})", id / 1_000_000)
            }
            Some(id) if number.is_some() => format!("{product} {}", version_of(id)),
            Some(_) | None => format!("{product} {text}"),
        }
    }

    /// The index of this name.
    pub fn index(&self, name: &str) -> Option<&SnapshotIndex> {
        self.indices.iter().find(|index| index.name == name)
    }

    /// The index of this name, or an error with the names that may be meant.
    pub fn existing_index(&self, name: &str) -> Result<&SnapshotIndex, RepositoryError> {
        self.index(name).ok_or_else(|| {
            let names: Vec<&str> = self.indices.iter().map(|index| index.name.as_str()).collect();
            RepositoryError::UnknownIndex {
                snapshot: self.name.clone(),
                name: name.to_owned(),
                hint: closest::hint(name, &names),
            }
        })
    }

    /// Why it does not hold a shard; none where it does, as far as it says.
    pub fn failure(&self, index: &str, shard: u32) -> Option<&ShardFailure> {
        self.failures.iter().find(|failure| failure.index == index && failure.shard == shard)
    }

    /// Whether the server that took it had mapping types in its interface (Elasticsearch 5 and 6).
    pub fn has_types(&self) -> bool {
        let version = self.version.as_deref().unwrap_or_default();
        self.distribution == Distribution::Elasticsearch
            && (version.starts_with("5.") || version.starts_with("6."))
    }
}

/// OpenSearch sets this bit in the numbers of its versions.
const OPENSEARCH_BIT: u64 = 0x0800_0000;

/// Smaller numbers are no versions.
const FIRST_VERSION_NUMBER: u64 = 1_000_000;

/// From here on Elasticsearch counts its index versions: their digits tell the major version alone.
const FIRST_COUNTED: u64 = 8_500_000;

/// The version that a number stands for: 7100299 is 7.10.2, its last two digits are 99 in a release.
fn version_of(id: u64) -> String {
    let id = id & !OPENSEARCH_BIT;
    format!("{}.{}.{}", id / 1_000_000, id / 10_000 % 100, id / 100 % 100)
}

/// The release that a server tells; the one that it was when index versions came to be counted apart
/// from releases is what it has told ever since.
fn told_version(id: u64) -> String {
    if is_counted(id) { "8.11.0".to_owned() } else { version_of(id) }
}

/// Whether a number is one of an index version, which are counted apart from releases.
fn is_counted(id: u64) -> bool {
    id >= FIRST_COUNTED && id & OPENSEARCH_BIT == 0
}

/// Reads a snapshot's own file; `indices` is what the root says of it.
pub(crate) fn parse(
    bytes: &[u8],
    summary: &SnapshotSummary,
    mut indices: BTreeMap<String, SnapshotIndex>,
) -> Result<Snapshot, Damage> {
    let body = container::open(bytes, "snapshot")?;
    let mut json = smile::to_json(smile::read(&body)?)?;
    if let Some(inner) = json.get_mut("snapshot").filter(|inner| inner.is_object()) {
        json = inner.take();
    }
    let file: SnapshotFile = serde_json::from_value(json)
        .map_err(|error| format!("its content cannot be read as a snapshot: {error}"))?;
    if file.name != summary.name || file.uuid.as_deref().is_some_and(|uuid| uuid != summary.uuid) {
        return Err(format!(
            "it describes snapshot `{}`, but the root list names `{}`",
            file.name, summary.name
        )
        .into());
    }
    let mut held = Vec::with_capacity(file.indices.len());
    for name in file.indices {
        let index = indices.remove(&name).ok_or_else(|| {
            format!("it holds index `{name}`, which the root list does not place in it")
        })?;
        held.push(index);
    }
    held.sort_by(|one, other| one.name.cmp(&other.name));
    let mut failures: Vec<ShardFailure> =
        file.failures.into_iter().map(FailureFile::failure).collect();
    failures.sort_by(|one, other| (&one.index, one.shard).cmp(&(&other.index, other.shard)));
    Ok(Snapshot {
        name: file.name,
        uuid: summary.uuid.clone(),
        state: file
            .state
            .as_deref()
            .map_or_else(|| summary.state.clone(), SnapshotState::from_name),
        distribution: match file.version_id {
            Some(id) if id & OPENSEARCH_BIT != 0 => Distribution::OpenSearch,
            Some(_) | None => Distribution::Elasticsearch,
        },
        // This file has a checksum, and the root list has none.
        version: file
            .version
            .map(VersionText::text)
            .or_else(|| file.version_id.map(told_version))
            .or_else(|| summary.version.clone()),
        index_version: file.version_id.filter(|id| is_counted(*id)).or(summary.index_version),
        indices: held,
        failures,
        include_global_state: file.include_global_state.unwrap_or(true),
        data_streams: file.data_streams,
        total_shards: file.total_shards,
        successful_shards: file.successful_shards,
        start_millis: file.start_time,
        end_millis: file.end_time,
        pinned: file.pinned_timestamp.is_some_and(|timestamp| timestamp != 0),
    })
}

#[derive(Deserialize)]
struct SnapshotFile {
    name: String,
    uuid: Option<String>,
    version: Option<VersionText>,
    version_id: Option<u64>,
    #[serde(default)]
    indices: Vec<String>,
    state: Option<String>,
    #[serde(default)]
    failures: Vec<FailureFile>,
    include_global_state: Option<bool>,
    #[serde(default)]
    data_streams: Vec<String>,
    #[serde(default)]
    total_shards: u32,
    #[serde(default)]
    successful_shards: u32,
    start_time: Option<i64>,
    end_time: Option<i64>,
    pinned_timestamp: Option<i64>,
}

#[derive(Deserialize)]
struct FailureFile {
    index: String,
    shard_id: u32,
    #[serde(default)]
    reason: String,
    node_id: Option<String>,
}

impl FailureFile {
    fn failure(self) -> ShardFailure {
        ShardFailure {
            index: self.index,
            shard: self.shard_id,
            reason: self.reason,
            node: self.node_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn version_numbers_are_read_for_both_products() {
        assert_eq!(version_of(5_061_699), "5.6.16");
        assert_eq!(version_of(136_408_227), "2.19.4");
    }
}
