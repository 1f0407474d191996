//! `snap-<uuid>.dat` at the root: one snapshot's indices, state and failures.

use std::collections::BTreeMap;

use contract::{
    Distribution, IncompleteSnapshot, MissingShard, ServerVersion, SnapshotState, closest,
    version::number,
};
use serde::Deserialize;

use crate::{
    container,
    error::{Damage, RepositoryError},
    root::{SnapshotIndex, SnapshotSummary},
    server_version::{self, VersionText, Writer},
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
    /// The version that the server reports. Elasticsearch reports `8.11.0` for every version since,
    /// and distinguishes them only by the index version.
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
    /// Its start, in milliseconds since 1970.
    pub start_millis: Option<i64>,
    /// Its end, in milliseconds since 1970.
    pub end_millis: Option<i64>,
    /// Whether its files were left in a remote store, pinned by a timestamp.
    pub(crate) pinned: bool,
}

/// A shard that a snapshot does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFailure {
    /// The index.
    pub index: String,
    /// The shard's number.
    pub shard: u32,
    /// The server's reason.
    pub reason: String,
    /// The node that failed, if there was one.
    pub node: Option<String>,
}

impl Snapshot {
    /// Returns the server that took it, for people: `Elasticsearch 7.10.2`. Since 8.11 Elasticsearch
    /// reveals only its major version, by the index version.
    pub fn server(&self) -> String {
        self.writer().label()
    }

    /// Returns the version of the server that took it, if it is known.
    pub fn server_version(&self) -> Option<ServerVersion> {
        self.writer().server_version()
    }

    fn writer(&self) -> Writer<'_> {
        let Self { distribution, version, index_version, .. } = self;
        Writer {
            distribution: *distribution,
            version: version.as_deref(),
            index_version: *index_version,
        }
    }

    /// Describes a snapshot that does not hold all of its shards. `advice` is what to do, the end
    /// of the first sentence.
    pub fn incomplete<'a>(&'a self, advice: &'a str) -> IncompleteSnapshot<'a> {
        let missing = self.failures.iter().map(|failure| MissingShard {
            index: &failure.index,
            shard: failure.shard.into(),
            reason: &failure.reason,
        });
        IncompleteSnapshot {
            name: &self.name,
            state: &self.state,
            complete_shards: self.successful_shards.into(),
            shards: self.total_shards.into(),
            reason: None,
            advice,
            missing: missing.collect(),
        }
    }

    /// Returns the index of this name.
    pub fn index(&self, name: &str) -> Option<&SnapshotIndex> {
        self.indices.iter().find(|index| index.name == name)
    }

    /// Returns the index of this name, or an error with similar names.
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

    /// Returns why the snapshot does not hold a shard, or none if it does not say so.
    pub fn failure(&self, index: &str, shard: u32) -> Option<&ShardFailure> {
        self.failures.iter().find(|failure| failure.index == index && failure.shard == shard)
    }

    /// Returns whether the server that took it has mapping types in its APIs (Elasticsearch 5 and 6).
    pub fn has_types(&self) -> bool {
        let version = self.version.as_deref().unwrap_or_default();
        self.distribution == Distribution::Elasticsearch
            && (version.starts_with("5.") || version.starts_with("6."))
    }
}

/// Reads a snapshot's own file. `indices` are those that the root lists.
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
        state: file.state.map_or_else(|| summary.state.clone(), SnapshotState::from),
        distribution: file.version_id.map_or(Distribution::Elasticsearch, number::distribution_of),
        // Preferred because this file has a checksum and the root list has none.
        version: file
            .version
            .map(VersionText::into_text)
            .or_else(|| file.version_id.map(server_version::reported_release))
            .or_else(|| summary.version.clone()),
        index_version: file
            .version_id
            .filter(|id| number::is_counted(*id))
            .or(summary.index_version),
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
