//! Blobs of a repository: a real repository is read down to the lists of its shards' files, with one
//! of its blobs replaced.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use anyhow::Result;
use fs_err as fs;
use snapshot_repo::{Location, Repository, RepositoryError};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::input::{checkout, with_checksum};

/// The repositories of the corpus to read: one of each generation of the format.
const REPOSITORIES: &[&str] = &["es56-incremental", "es717-partial", "es9-chunked", "os2-hashed"];

/// A kind of blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blob {
    Latest,
    Root,
    Snapshot,
    Global,
    IndexMetadata,
    ShardFiles,
    ShardPaths,
}

impl Blob {
    /// Returns whether a blob at this path, relative to the repository, is of this kind.
    fn is_at(self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let parts = path.components().count();
        let in_shard = path.ancestors().nth(2).is_some_and(|folder| {
            folder.parent().is_some_and(|parent| parent.ends_with("indices"))
        });
        match self {
            Self::Latest => name == "index.latest",
            Self::Root => parts == 1 && name.starts_with("index-"),
            Self::Snapshot => parts == 1 && name.starts_with("snap-"),
            Self::Global => parts == 1 && name.starts_with("meta-"),
            Self::IndexMetadata => parts == 3 && name.starts_with("meta-"),
            Self::ShardFiles => in_shard && name.starts_with("snap-"),
            Self::ShardPaths => path.starts_with("snapshot_shard_paths"),
        }
    }

    fn has_checksum(self) -> bool {
        !matches!(self, Self::Latest | Self::Root | Self::ShardPaths)
    }
}

/// Copies of the repositories to write to, and a runtime to read them with.
struct Workspace {
    runtime: Runtime,
    copies: Vec<TempDir>,
}

thread_local! {
    static WORKSPACE: RefCell<Option<Workspace>> = const { RefCell::new(None) };
}

/// Returns the real blobs of a kind.
pub(crate) fn files(blob: Blob) -> Vec<(u8, Vec<u8>)> {
    let folders = REPOSITORIES.iter().map(|name| original(name));
    let files = folders.flat_map(|folder| places(blob, &folder)).map(fs::read);
    let files = files.map(|file| file.expect("the corpus can be read"));
    (0..=u8::MAX).zip(files).collect()
}

/// Reads a repository in which a blob of this kind is replaced by these bytes.
pub(crate) fn run(blob: Blob, choice: u8, bytes: &[u8]) {
    WORKSPACE.with_borrow_mut(|workspace| {
        let workspace = match workspace {
            Some(workspace) => workspace,
            None => match Workspace::create() {
                Ok(created) => workspace.insert(created),
                Err(error) => panic!("the repositories cannot be copied: {error:#}"),
            },
        };
        if let Err(error) = workspace.read_with(blob, choice, bytes) {
            panic!("the copies cannot be written to: {error:#}");
        }
    });
}

impl Workspace {
    fn create() -> Result<Self> {
        let mut copies = Vec::new();
        for name in REPOSITORIES {
            let copy = TempDir::new()?;
            let from = original(name);
            for file in files_below(&from) {
                let to = copy.path().join(file.strip_prefix(&from)?);
                fs::create_dir_all(to.parent().unwrap_or(&to))?;
                fs::copy(&file, to)?;
            }
            copies.push(copy);
        }
        Ok(Self { runtime: Builder::new_current_thread().enable_all().build()?, copies })
    }

    fn read_with(&self, blob: Blob, choice: u8, bytes: &[u8]) -> Result<()> {
        let all: Vec<(&TempDir, PathBuf)> = self
            .copies
            .iter()
            .flat_map(|copy| places(blob, copy.path()).into_iter().map(move |path| (copy, path)))
            .collect();
        let Some((copy, path)) = all.get(usize::from(choice) % all.len().max(1)) else {
            return Ok(());
        };
        let right = fs::read(path)?;
        let mut bytes = bytes.to_vec();
        if blob.has_checksum() {
            with_checksum(&mut bytes);
        }
        fs::write(path, bytes)?;
        let read = self.runtime.block_on(read(copy.path()));
        fs::write(path, right)?;
        if let Err(error) = read {
            assert!(!matches!(error, RepositoryError::Stopped { .. }), "a decoder panicked");
            assert!(!error.to_string().is_empty(), "an error says nothing");
        }
        Ok(())
    }
}

/// Reads everything except the contents of the shards' files.
async fn read(folder: &Path) -> Result<(), RepositoryError> {
    let repository = Repository::open(&Location::folder(folder))?;
    for summary in repository.contents().await?.snapshots {
        let snapshot = repository.snapshot(&summary.name).await?;
        repository.global_metadata(&snapshot).await?;
        for index in &snapshot.indices {
            let metadata = repository.index_metadata(&snapshot, index).await?;
            // A wrong number may be huge.
            for shard in 0..metadata.number_of_shards.min(8) {
                let files = repository.shard_files(&snapshot, index, shard).await?;
                repository.shard_size(&files).await?;
            }
        }
    }
    Ok(())
}

fn original(name: &str) -> PathBuf {
    checkout().join("tests/corpus/snapshots").join(name).join("repo")
}

fn places(blob: Blob, repository: &Path) -> Vec<PathBuf> {
    let is_of_kind =
        |file: &PathBuf| file.strip_prefix(repository).is_ok_and(|path| blob.is_at(path));
    files_below(repository).into_iter().filter(is_of_kind).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus can be read") {
        let path = entry.expect("the corpus can be read").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
