//! A repository from its root to the files of a shard: the order in which blobs are read.

use contract::{SnapshotState, closest};
use serde_json::Value as Json;

use crate::{
    blobs::Blobs,
    documents::{ShardDocuments, ShardSize},
    error::RepositoryError,
    files::FileReader,
    global::{self, GlobalMetadata},
    index::{self, IndexMetadata, Types},
    location::Location,
    positions::Position,
    root::{self, Contents, SnapshotIndex, SnapshotSummary},
    shard::{self, ShardFiles},
    shard_folder::{self, Found, Search},
    shard_paths::{Place, ShardOfIndex, ShardPaths},
    snapshot::{self, Snapshot},
    survey::{self, ShardSurvey},
};

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

    /// Returns the URI of the repository.
    pub fn uri(&self) -> &str {
        self.blobs.uri()
    }

    /// Reads the list of snapshots and indices.
    pub async fn contents(&self) -> Result<Contents, RepositoryError> {
        let latest = self.blobs.read_if_present("index.latest").await?;
        // Servers write it last and never read it if they can list blobs, so it may be old or broken.
        let latest = latest.and_then(|latest| root::parse_latest(&latest).ok());
        if let Some(generation) = latest {
            let name = format!("index-{generation}");
            if let Some(bytes) = self.blobs.read_if_present(&name).await? {
                return self.parsed_contents(&name, &bytes, generation);
            }
        }
        self.listed_contents().await
    }

    fn parsed_contents(
        &self,
        name: &str,
        bytes: &[u8],
        generation: u64,
    ) -> Result<Contents, RepositoryError> {
        if root::is_foreign(bytes) {
            return Err(RepositoryError::Unsupported {
                uri: self.uri().to_owned(),
                blob: name.to_owned(),
                what: "a repository that was encrypted by a plug-in of the cluster".into(),
                instead: "take the snapshot into a repository that is not (encryption by the store \
                          itself is fine), or restore this blob if it is merely damaged",
            });
        }
        root::parse(bytes, generation).map_err(|damage| self.blobs.damaged(name, damage))
    }

    /// Reads the highest `index-N` in the listing, for lack of a usable `index.latest`.
    async fn listed_contents(&self) -> Result<Contents, RepositoryError> {
        let uri = || self.uri().to_owned();
        let names = self.blobs.list("").await.map_err(|error| match error {
            RepositoryError::BlobMissing { .. } => RepositoryError::NoRepository { uri: uri() },
            other => other,
        })?;
        if let Some(generation) = root::highest_generation(names.iter().map(String::as_str)) {
            let name = format!("index-{generation}");
            let bytes = self.blobs.read(&name).await?;
            return self.parsed_contents(&name, &bytes, generation);
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
                hint: closest::hint(name, &names),
            });
        };
        self.listed_snapshot(&contents, summary).await
    }

    /// Reads one snapshot of the list.
    pub async fn listed_snapshot(
        &self,
        contents: &Contents,
        summary: &SnapshotSummary,
    ) -> Result<Snapshot, RepositoryError> {
        let root = format!("index-{}", contents.generation);
        let indices =
            contents.indices_of(summary).map_err(|damage| self.blobs.damaged(&root, damage))?;
        let blob = format!("snap-{}.dat", summary.uuid);
        let bytes = self.blobs.read(&blob).await?;
        snapshot::parse(&bytes, summary, indices)
            .map_err(|damage| self.blobs.damaged(&blob, damage))
    }

    /// Reads the cluster-wide metadata of a snapshot that was taken with it.
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

    /// Reads the list of a shard's files, and before it the metadata of its index.
    pub async fn shard_files(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
        shard: u32,
    ) -> Result<ShardFiles, RepositoryError> {
        let metadata = self.index_metadata(snapshot, index).await?;
        self.shard_files_of(snapshot, index, &metadata, shard).await
    }

    /// Reads the list of a shard's files, given the metadata of its index.
    pub async fn shard_files_of(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
        metadata: &IndexMetadata,
        shard: u32,
    ) -> Result<ShardFiles, RepositoryError> {
        self.reject_unreadable(snapshot, index, metadata, shard)?;
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
        let files = shard::parse(&list, &snapshot.name)
            .map_err(|damage| self.blobs.damaged(&blob, damage))?;
        Ok(ShardFiles {
            index: index.name.clone(),
            shard,
            files,
            types: metadata.document_types(types(snapshot)),
            place,
        })
    }

    /// Rejects a shard whose files cannot be read.
    fn reject_unreadable(
        &self,
        snapshot: &Snapshot,
        index: &SnapshotIndex,
        metadata: &IndexMetadata,
        shard: u32,
    ) -> Result<(), RepositoryError> {
        let unsupported = |what, instead| RepositoryError::Unsupported {
            uri: self.uri().to_owned(),
            blob: format!("indices/{}/{shard}", index.id),
            what,
            instead,
        };
        if let ShardPaths::Unknown(number) = index.shard_paths {
            return Err(unsupported(
                format!("the `shard_path_type` {number} of index `{}`", index.name),
                "take the snapshot into a repository registered with `shard_path_type: FIXED`",
            ));
        }
        if shard >= metadata.number_of_shards {
            return Err(RepositoryError::UnknownShard {
                index: index.name.clone(),
                shard,
                shards: metadata.number_of_shards,
            });
        }
        if let Some(failure) = snapshot.failure(&index.name, shard) {
            return Err(missing_shard(snapshot, index, shard, failure.reason.clone()));
        }
        let mounted = metadata.settings.get("index.store.type").and_then(Json::as_str);
        if let Some(store @ ("snapshot" | "remote_snapshot")) = mounted {
            return Err(unsupported(
                format!("index `{}`, a mounted snapshot (store type `{store}`),", index.name),
                "read the snapshot that it was mounted from",
            ));
        }
        Ok(())
    }

    /// Returns why a shard's list of files is absent.
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

    /// Streams a shard's documents, beginning at a position.
    pub fn documents(&self, files: ShardFiles, from: Position) -> ShardDocuments {
        ShardDocuments::new(&self.blobs, files, from)
    }

    /// Returns the segments of a shard, without reading any document.
    pub async fn shard_survey(&self, files: &ShardFiles) -> Result<ShardSurvey, RepositoryError> {
        survey::of(&FileReader::new(&self.blobs, files.clone())).await
    }

    /// Returns the size of a shard, without reading any document.
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
