//! A repository from its root to the files of a shard: the order in which blobs are read.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::blobs::Blobs;
use crate::documents::{Position, ShardDocuments, ShardSize};
use crate::error::RepositoryError;
use crate::global::{self, GlobalMetadata};
use crate::index::{self, IndexMetadata, Types};
use crate::location::Location;
use crate::root::{self, Contents};
use crate::shard::{self, ShardFiles};
use crate::shard_folder::{self, Found, Search};
use crate::shard_paths::{Place, ShardOfIndex, ShardPaths};
use crate::snapshot::{self, Snapshot, SnapshotIndex, SnapshotState};

/// How many snapshot names an error lists when none is near.
const LISTED_NAMES: usize = 20;

/// A snapshot repository.
#[derive(Clone, Debug)]
pub struct Repository {
    blobs: Blobs,
}

impl Repository {
    /// Opens the repository's store; nothing is read yet.
    pub fn open(location: &Location) -> Result<Self, RepositoryError> {
        Ok(Self { blobs: Blobs::open(location)? })
    }

    /// The URI it was opened with.
    pub fn uri(&self) -> &str {
        self.blobs.uri()
    }

    /// Reads the list of snapshots and indices.
    pub async fn contents(&self) -> Result<Contents, RepositoryError> {
        let latest = self.blobs.read_if_present("index.latest").await?;
        if let Some(latest) = latest {
            let generation = root::parse_latest(&latest)
                .map_err(|damage| self.blobs.damaged("index.latest", damage))?;
            let name = format!("index-{generation}");
            if let Some(bytes) = self.blobs.read_if_present(&name).await? {
                return root::parse(&bytes, generation)
                    .map_err(|damage| self.blobs.damaged(&name, damage));
            }
        }
        self.listed_contents().await
    }

    /// Without a usable `index.latest`, the highest `index-N` in the listing counts.
    async fn listed_contents(&self) -> Result<Contents, RepositoryError> {
        let uri = || self.uri().to_owned();
        let names = self.blobs.list("").await.map_err(|error| match error {
            RepositoryError::BlobMissing { .. } => RepositoryError::NoRepository { uri: uri() },
            other => other,
        })?;
        if let Some(generation) = root::highest_generation(names.iter().map(String::as_str)) {
            let name = format!("index-{generation}");
            let bytes = self.blobs.read(&name).await?;
            return root::parse(&bytes, generation)
                .map_err(|damage| self.blobs.damaged(&name, damage));
        }
        if names.iter().any(|name| name == "index") {
            return Err(RepositoryError::Unsupported {
                uri: uri(),
                blob: "index".into(),
                what: "a repository of Elasticsearch 1 or 2".into(),
                instead: "restore it into an Elasticsearch 5 or 6 and take the snapshot there",
            });
        }
        Err(RepositoryError::NoRepository { uri: uri() })
    }

    /// Reads one snapshot by its name.
    pub async fn snapshot(&self, name: &str) -> Result<Snapshot, RepositoryError> {
        let contents = self.contents().await?;
        let Some(summary) = contents.snapshots.iter().find(|snapshot| snapshot.name == name) else {
            let names: Vec<&str> =
                contents.snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect();
            return Err(RepositoryError::UnknownSnapshot {
                uri: self.uri().to_owned(),
                name: name.to_owned(),
                hint: hint(name, &names),
            });
        };
        let root = format!("index-{}", contents.generation);
        let indices =
            contents.indices_of(summary).map_err(|damage| self.blobs.damaged(&root, damage))?;
        let blob = format!("snap-{}.dat", summary.uuid);
        let bytes = self.blobs.read(&blob).await?;
        snapshot::parse(&bytes, summary, indices)
            .map_err(|damage| self.blobs.damaged(&blob, damage))
    }

    /// Reads what a snapshot holds of the cluster itself; nothing where it was taken without.
    pub async fn global_metadata(
        &self,
        snapshot: &Snapshot,
    ) -> Result<GlobalMetadata, RepositoryError> {
        let blob = format!("meta-{}.dat", snapshot.uuid);
        let bytes = self.blobs.read(&blob).await?;
        global::parse(&bytes, types(snapshot)).map_err(|damage| self.blobs.damaged(&blob, damage))
    }

    /// Reads the metadata of one index.
    pub async fn index_metadata(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
    ) -> Result<IndexMetadata, RepositoryError> {
        let blob = &index.metadata_blob;
        let bytes = self.blobs.read(blob).await?;
        let metadata = index::parse(&bytes, types(snapshot))
            .map_err(|damage| self.blobs.damaged(blob, damage))?;
        if metadata.name != index.name {
            let damage = format!("it describes `{}`, not `{}`", metadata.name, index.name);
            return Err(self.blobs.damaged(blob, damage));
        }
        Ok(metadata)
    }

    /// Reads the list of a shard's files.
    pub async fn shard_files(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
        shard: u32,
    ) -> Result<ShardFiles, RepositoryError> {
        let folder = format!("indices/{}/{shard}", index.id);
        if let ShardPaths::Unknown(number) = index.shard_paths {
            return Err(RepositoryError::Unsupported {
                uri: self.uri().to_owned(),
                blob: folder,
                what: format!("the `shard_path_type` {number} of index `{}`", index.name),
                instead: "take the snapshot into a repository registered with `shard_path_type: FIXED`",
            });
        }
        let failure = snapshot
            .failures
            .iter()
            .find(|failure| failure.index == index.name && failure.shard == shard);
        if let Some(failure) = failure {
            return Err(missing_shard(snapshot, index, shard, failure.reason.clone()));
        }
        let metadata = self.index_metadata(snapshot, index).await?;
        if shard >= metadata.number_of_shards {
            let reason = format!("the index has {} shards", metadata.number_of_shards);
            return Err(missing_shard(snapshot, index, shard, reason));
        }
        let mounted = metadata.settings.get("index.store.type").and_then(Json::as_str);
        if let Some(store @ ("snapshot" | "remote_snapshot")) = mounted {
            return Err(RepositoryError::Unsupported {
                uri: self.uri().to_owned(),
                blob: folder,
                what: format!("index `{}`, a mounted snapshot (store type `{store}`),", index.name),
                instead: "read the snapshot that it was mounted from",
            });
        }
        let shards = metadata.number_of_shards;
        let wanted = ShardOfIndex { name: &index.name, id: &index.id, shards, shard };
        let name = format!("snap-{}.dat", snapshot.uuid);
        let search = shard_folder::find(&self.blobs, index.shard_paths, wanted, &name).await?;
        let Found { place, blob, list } = match search {
            Search::Found(found) => found,
            Search::Absent(places) => {
                return Err(self.absent_shard(snapshot, index, shard, &places).await);
            }
        };
        let files = shard::parse(&list).map_err(|damage| self.blobs.damaged(&blob, damage))?;
        Ok(ShardFiles {
            index: index.name.clone(),
            shard,
            files,
            types: metadata.document_types(types(snapshot)),
            place,
        })
    }

    /// Why a shard's list of files is not there.
    async fn absent_shard(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
        shard: u32,
        places: &[Place],
    ) -> RepositoryError {
        let folder = format!("indices/{}/{shard}", index.id);
        if snapshot.pinned || shard_folder::is_shallow(&self.blobs, places).await {
            return RepositoryError::Unsupported {
                uri: self.uri().to_owned(),
                blob: folder,
                what: "a shallow snapshot (its files are in a remote store, not in the repository)"
                    .into(),
                instead: "take the snapshot into a repository registered without `remote_store_index_shallow_copy`",
            };
        }
        if snapshot.state != SnapshotState::Success {
            let reason = "the repository has no list of its files".into();
            return missing_shard(snapshot, index, shard, reason);
        }
        let uri = self.uri().to_owned();
        match index.shard_paths {
            ShardPaths::Fixed | ShardPaths::Unknown(_) => RepositoryError::BlobMissing {
                uri,
                blob: format!("{folder}/snap-{}.dat", snapshot.uuid),
            },
            ShardPaths::HashedPrefix | ShardPaths::HashedInfix => {
                let tried = places.iter().map(|place| self.blobs.shown(place));
                RepositoryError::ShardFolderMissing {
                    uri,
                    index: index.name.clone(),
                    shard,
                    tried: tried.collect::<Vec<_>>().join("`, `"),
                }
            }
        }
    }

    /// Streams a shard's documents from a position on.
    pub fn documents(&self, files: ShardFiles, from: Position) -> ShardDocuments {
        ShardDocuments::new(&self.blobs, files, from)
    }

    /// How large a shard is, without reading any document.
    pub async fn shard_size(&self, files: &ShardFiles) -> Result<ShardSize, RepositoryError> {
        ShardDocuments::new(&self.blobs, files.clone(), Position::START).size().await
    }
}

fn types(snapshot: &Snapshot) -> Types {
    if snapshot.has_types() { Types::Shown } else { Types::Hidden }
}

fn missing_shard(
    snapshot: &Snapshot,
    index: &SnapshotIndex,
    shard: u32,
    reason: String,
) -> RepositoryError {
    RepositoryError::ShardNotInSnapshot {
        snapshot: snapshot.name.clone(),
        state: snapshot.state.to_string(),
        index: index.name.clone(),
        shard,
        reason,
    }
}

/// The snapshot names nearest to one that does not exist, or all names.
fn hint(name: &str, names: &[&str]) -> String {
    let quoted = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    if names.is_empty() {
        return "it has no snapshots at all; take one first".into();
    }
    let mut near: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for known in names {
        near.entry(strsim::damerau_levenshtein(name, known)).or_default().push(known);
    }
    let limit = name.chars().count().div_ceil(3);
    let near: Vec<&str> =
        near.range(..=limit).flat_map(|(_, names)| names.clone()).take(3).collect();
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near));
    }
    let shown = names.get(..LISTED_NAMES).unwrap_or(names);
    let more = names.len() - shown.len();
    if more == 0 {
        format!("it has {}", quoted(shown))
    } else {
        format!("it has {} and {more} more", quoted(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn a_misspelt_name_gets_the_nearest() {
        assert_eq!(hint("nightyl", &["weekly", "nightly"]), "did you mean `nightly`?");
    }

    #[test]
    fn a_strange_name_gets_the_list() {
        assert_eq!(hint("x", &["weekly", "nightly"]), "it has `weekly`, `nightly`");
    }
}
