//! `index-N`: the list of snapshots and indices at the root of a repository, as all versions from
//! Elasticsearch 5 to OpenSearch 3 write it.
//!
//! ```text
//! snapshots[]                  {name, uuid, state?, version?, index_metadata_lookup?}
//!   index_metadata_lookup        index id -> identifier                     (since 7.9)
//! indices.<name>               {id, snapshots[], shard_path_type?}
//!   snapshots[]                  uuid, or {name, uuid}                      (5.0 to 5.4)
//! index_metadata_identifiers   identifier -> blob id                       (since 7.9)
//! ```
//!
//! Whether an index's metadata is found by the two-step look-up or by the snapshot's uuid is
//! decided for each snapshot: an upgraded repository mixes both.

use std::collections::{BTreeMap, BTreeSet};

use contract::SnapshotState;
use serde::Deserialize;

use crate::{error::Damage, server_version::VersionText, shard_paths::ShardPaths};

/// The list at the root of a repository.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The generation N of the `index-N` that was read.
    pub generation: u64,
    /// The snapshots, in the order of the root list.
    pub snapshots: Vec<SnapshotSummary>,
    /// The indices that at least one snapshot holds, by name.
    pub indices: Vec<IndexSummary>,
    identifiers: BTreeMap<String, String>,
}

/// One snapshot, as the root lists it.
#[derive(Clone, Debug)]
pub struct SnapshotSummary {
    /// The name it was taken under.
    pub name: String,
    /// Its own id, part of the names of its blobs.
    pub uuid: String,
    /// How it ended.
    pub state: SnapshotState,
    /// The version of the server that took it; absent before 7.6.
    pub version: Option<String>,
    /// The number of the index version (Elasticsearch 8.11 and newer).
    pub index_version: Option<u64>,
    /// How many indices it holds.
    pub index_count: usize,
    lookup: BTreeMap<String, String>,
}

/// One index, as the root lists it.
#[derive(Clone, Debug)]
pub struct IndexSummary {
    /// The index's name.
    pub name: String,
    /// Its folder under `indices/`.
    pub id: String,
    /// The uuids of the snapshots that hold it.
    pub snapshots: BTreeSet<String>,
    shard_paths: ShardPaths,
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

impl Contents {
    /// Returns the indices of a snapshot, and where their metadata is, by name.
    pub(crate) fn indices_of(
        &self,
        snapshot: &SnapshotSummary,
    ) -> Result<BTreeMap<String, SnapshotIndex>, Damage> {
        self.indices
            .iter()
            .filter(|index| index.snapshots.contains(&snapshot.uuid))
            .map(|index| {
                let blob = match snapshot.lookup.get(&index.id) {
                    None => &snapshot.uuid,
                    Some(identifier) => self.identifiers.get(identifier).ok_or_else(|| {
                        format!("it names no metadata blob for the identifier `{identifier}`")
                    })?,
                };
                let found = SnapshotIndex {
                    name: index.name.clone(),
                    id: index.id.clone(),
                    metadata_blob: format!("indices/{}/meta-{blob}.dat", index.id),
                    shard_paths: index.shard_paths,
                };
                Ok((index.name.clone(), found))
            })
            .collect()
    }
}

/// Returns the generation in `index.latest`.
pub(crate) fn parse_latest(bytes: &[u8]) -> Result<u64, Damage> {
    let bytes: [u8; 8] = bytes
        .try_into()
        .map_err(|_| format!("it has {} bytes where 8 are expected", bytes.len()))?;
    Ok(u64::from_be_bytes(bytes))
}

/// Returns the highest generation among blob names of the form `index-N`.
pub(crate) fn highest_generation<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<u64> {
    names.into_iter().filter_map(|name| name.strip_prefix("index-")?.parse().ok()).max()
}

/// Returns whether an `index-N` is not JSON at all but bytes of another kind, such as an encryption
/// plug-in writes.
pub(crate) fn is_foreign(bytes: &[u8]) -> bool {
    !bytes.trim_ascii_start().starts_with(b"{") && std::str::from_utf8(bytes).is_err()
}

/// Reads `index-N`.
pub(crate) fn parse(bytes: &[u8], generation: u64) -> Result<Contents, Damage> {
    let root: RootFile = serde_json::from_slice(bytes)
        .map_err(|error| format!("its JSON cannot be read as a list of snapshots: {error}"))?;
    let RootFile { snapshots, indices, index_metadata_identifiers } = root;

    let indices: Vec<IndexSummary> = indices
        .into_iter()
        .map(|(name, index)| IndexSummary {
            name,
            id: index.id,
            snapshots: index.snapshots.into_iter().map(Reference::uuid).collect(),
            shard_paths: ShardPaths::of(index.shard_path_type),
        })
        .collect();
    let mut held: BTreeMap<&str, usize> = BTreeMap::new();
    for uuid in indices.iter().flat_map(|index| &index.snapshots) {
        *held.entry(uuid).or_default() += 1;
    }
    let snapshots = snapshots
        .into_iter()
        .map(|snapshot| {
            let snapshot = snapshot.full();
            let uuid = snapshot.uuid.unwrap_or_else(|| snapshot.name.clone());
            SnapshotSummary {
                index_count: held.get(uuid.as_str()).copied().unwrap_or_default(),
                name: snapshot.name,
                uuid,
                state: snapshot.state.map_or(SnapshotState::Unknown(String::new()), State::named),
                version: snapshot.version.map(VersionText::into_text),
                index_version: snapshot.index_version,
                lookup: snapshot.index_metadata_lookup,
            }
        })
        .collect();
    Ok(Contents { generation, snapshots, indices, identifiers: index_metadata_identifiers })
}

#[derive(Deserialize)]
struct RootFile {
    snapshots: Vec<RootSnapshot>,
    #[serde(default)]
    indices: BTreeMap<String, RootIndex>,
    #[serde(default)]
    index_metadata_identifiers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RootSnapshot {
    Name(String),
    Full(FullSnapshot),
}

#[derive(Deserialize)]
struct FullSnapshot {
    name: String,
    uuid: Option<String>,
    state: Option<State>,
    version: Option<VersionText>,
    index_version: Option<u64>,
    #[serde(default)]
    index_metadata_lookup: BTreeMap<String, String>,
}

impl RootSnapshot {
    fn full(self) -> FullSnapshot {
        match self {
            Self::Full(snapshot) => snapshot,
            Self::Name(name) => FullSnapshot {
                name,
                uuid: None,
                state: None,
                version: None,
                index_version: None,
                index_metadata_lookup: BTreeMap::new(),
            },
        }
    }
}

#[derive(Deserialize)]
struct RootIndex {
    id: String,
    #[serde(default)]
    snapshots: Vec<Reference>,
    shard_path_type: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Uuid(String),
    Named { name: String, uuid: Option<String> },
}

impl Reference {
    fn uuid(self) -> String {
        match self {
            Self::Uuid(uuid) => uuid,
            Self::Named { name, uuid } => uuid.unwrap_or(name),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum State {
    Number(u64),
    Name(String),
}

impl State {
    fn named(self) -> SnapshotState {
        match self {
            Self::Number(0) => SnapshotState::InProgress,
            Self::Number(1) => SnapshotState::Success,
            Self::Number(2) => SnapshotState::Failed,
            Self::Number(3) => SnapshotState::Partial,
            Self::Number(4) => SnapshotState::Incompatible,
            Self::Number(other) => SnapshotState::Unknown(other.to_string()),
            Self::Name(name) => SnapshotState::from(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::SnapshotState;

    use super::{highest_generation, parse, parse_latest};
    use crate::shard_paths::ShardPaths;

    #[test]
    fn the_latest_generation_is_a_big_endian_long() {
        assert_eq!(parse_latest(&[0, 0, 0, 0, 0, 0, 1, 2]).expect("a generation"), 258);
        assert!(parse_latest(&[0, 1]).is_err());
    }

    #[test]
    fn generations_are_compared_as_numbers() {
        assert_eq!(
            highest_generation(["index-9", "index-10", "index.latest", "index-x"]),
            Some(10)
        );
    }

    #[test]
    fn version_5_0_names_snapshots_by_objects() {
        let root = br#"{"snapshots":[{"name":"a","uuid":"A"}],
            "indices":{"i":{"id":"I","snapshots":[{"name":"a","uuid":"A"}]}}}"#;
        let contents = parse(root, 0).expect("valid content");
        let indices = contents.indices_of(&contents.snapshots[0]).expect("the indices");
        assert_eq!(indices["i"].metadata_blob, "indices/I/meta-A.dat");
    }

    #[test]
    fn metadata_blobs_are_found_for_each_snapshot_in_its_own_way() {
        let root = br#"{"min_version":"7.9.0","snapshots":[
            {"name":"old","uuid":"O","state":1},
            {"name":"new","uuid":"N","state":3,"version":8110099,"index_metadata_lookup":{"I":"u-h-1-1-1"}}],
            "indices":{"i":{"id":"I","snapshots":["O","N"],"shard_generations":["g",null],"shard_path_type":0}},
            "index_metadata_identifiers":{"u-h-1-1-1":"blob"}}"#;
        let contents = parse(root, 7).expect("valid content");
        let blob = |at: usize| {
            contents.indices_of(&contents.snapshots[at]).expect("the indices")["i"]
                .metadata_blob
                .clone()
        };
        assert_eq!(blob(0), "indices/I/meta-O.dat");
        assert_eq!(blob(1), "indices/I/meta-blob.dat");
        assert_eq!(contents.snapshots[1].state, SnapshotState::Partial);
        assert_eq!(contents.snapshots[1].version.as_deref(), Some("8110099"));
    }

    #[test]
    fn hashed_shard_paths_are_seen() {
        let root =
            br#"{"snapshots":[],"indices":{"i":{"id":"I","snapshots":[],"shard_path_type":1}}}"#;
        assert_eq!(
            parse(root, 0).expect("valid content").indices[0].shard_paths,
            ShardPaths::HashedPrefix
        );
    }
}
