//! The small repositories under `tests/corpus/snapshots` are read in full: what their servers
//! returned comes out.

mod fixture;
mod folder;

use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use fixture::document::Document;
use folder::files_below;
use snapshot_repo::{Position, RepositoryError};
use tempfile::TempDir;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots")
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs_err::read_dir(corpus())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    folders
}

#[tokio::test]
async fn every_repository_of_the_corpus_gives_what_its_server_returned() {
    let folders = folders();
    assert!(folders.len() >= 6, "{folders:?}");
    for folder in folders {
        let repository = fixture::open(&folder);
        assert!(fixture::check(&folder, &repository).await > 0, "{}", folder.display());
        fixture::check_metadata(&folder, &repository).await;
    }
}

#[tokio::test]
async fn a_read_that_begins_anywhere_gives_the_rest() {
    let repository = fixture::open(&corpus().join("es710-incremental"));
    let snapshot = repository.snapshot("third").await.expect("the snapshot");
    let index = snapshot.index("shop-inc-a").expect("the index");
    let files = repository.shard_files(&snapshot, index, 0).await.expect("the list of files");
    let read = async |from: u64, until: u64| {
        let stream = repository.documents(files.clone(), Position(from));
        let mut stream = stream.until(Position(until));
        let mut documents = Vec::new();
        while let Some(batch) = stream.next().await.expect("a batch") {
            documents.extend(batch.documents().map(Document::from));
        }
        (documents, stream.ledger())
    };
    let (all, ledger) = read(0, u64::MAX).await;
    for from in 0..=ledger.physical {
        let (head, of_head) = read(0, from).await;
        let (tail, of_tail) = read(from, u64::MAX).await;
        assert_eq!([head, tail].concat(), all, "from {from}");
        let mut sum = of_head;
        sum.add(of_tail);
        assert_eq!(sum, ledger, "from {from}");
    }
}

#[tokio::test]
async fn the_size_of_the_ranges_changes_nothing() {
    let repository = fixture::open(&corpus().join("es56-incremental"));
    let snapshot = repository.snapshot("third").await.expect("the snapshot");
    let index = snapshot.index("shop-inc-a").expect("the index");
    let files = repository.shard_files(&snapshot, index, 0).await.expect("the list of files");
    let mut reads = Vec::new();
    for size in [1, 7, 300, 4096, u64::MAX] {
        let stream = repository.documents(files.clone(), Position::START);
        let mut stream = stream.fetch_bytes(NonZeroU64::new(size).expect("not zero"));
        let mut documents = Vec::new();
        while let Some(batch) = stream.next().await.expect("a batch") {
            documents.extend(batch.documents().map(Document::from));
        }
        assert!(stream.bytes_read() > 0);
        reads.push((documents, stream.ledger(), stream.bytes_read()));
    }
    assert!(!reads[0].0.is_empty());
    assert!(reads.iter().all(|read| *read == reads[0]));
}

#[tokio::test]
async fn a_read_may_move_to_another_task() {
    let repository = fixture::open(&corpus().join("os13-partial"));
    let read = tokio::spawn(async move {
        let snapshot = repository.snapshot("partial").await?;
        let index = snapshot.index("shop-whole").expect("the index");
        let files = repository.shard_files(&snapshot, index, 0).await?;
        repository.documents(files, Position::START).next().await
    });
    assert!(read.await.expect("a task without a panic").expect("a batch").is_some());
}

#[tokio::test]
async fn after_a_failed_read_nothing_more_is_given() {
    let copy = copy("es717-partial");
    let repository = fixture::open(copy.path());
    let snapshot = repository.snapshot("partial").await.expect("the snapshot");
    let index = snapshot.index("shop-whole").expect("the index");
    let files = repository.shard_files(&snapshot, index, 0).await.expect("the list of files");
    let folder = copy.path().join("repo/indices").join(&index.id).join("0");
    for blob in files_below(&folder) {
        fs_err::write(blob, "").expect("a writable file");
    }
    let mut stream = repository.documents(files, Position::START);
    let first = stream.next().await.expect_err("an error");
    assert!(matches!(first, RepositoryError::Damaged { .. }), "{first:?}");
    let second = stream.next().await.expect_err("an error");
    assert!(matches!(second, RepositoryError::Stopped { .. }), "{second:?}");
}

/// A copy of a corpus repository that may be damaged.
fn copy(name: &str) -> TempDir {
    let copy = TempDir::new().expect("a temporary folder");
    let original = corpus().join(name).join("repo");
    for file in files_below(&original) {
        let to = copy
            .path()
            .join("repo")
            .join(file.strip_prefix(&original).expect("a path in the folder"));
        fs_err::create_dir_all(to.parent().expect("a parent folder")).expect("a new folder");
        fs_err::copy(file, to).expect("a copied file");
    }
    copy
}
