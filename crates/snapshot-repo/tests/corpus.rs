//! The small repositories under `tests/corpus/snapshots` are read in full: what their servers
//! returned comes out, and damage to any blob is noticed.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fixture;

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use snapshot_repo::{Document, Position, RepositoryError};

/// Cases of damage to each repository.
const CASES: u64 = 100;
/// Small repositories of three generations of formats.
const DAMAGED: &[&str] = &["es68-partial", "es717-partial", "os13-partial"];
/// With several snapshots, deletes of both kinds and old generations of the root list.
const DAMAGED_LESS_OFTEN: &[&str] = &["es56-incremental", "es710-incremental"];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots")
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs_err::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
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
    let snapshot = repository.snapshot("third").await.unwrap();
    let index = snapshot.index("shop-inc-a").unwrap();
    let files = repository.shard_files(&snapshot, index, 0).await.unwrap();
    let read = async |from: u64, until: u64| {
        let stream = repository.documents(files.clone(), Position(from));
        let mut stream = stream.until(Position(until));
        let mut documents = Vec::new();
        while let Some(batch) = stream.next_batch().await.unwrap() {
            documents.extend(batch);
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
    let snapshot = repository.snapshot("third").await.unwrap();
    let index = snapshot.index("shop-inc-a").unwrap();
    let files = repository.shard_files(&snapshot, index, 0).await.unwrap();
    let mut reads = Vec::new();
    for size in [1, 7, 300, 4096, u64::MAX] {
        let stream = repository.documents(files.clone(), Position::START);
        let mut stream = stream.range_bytes(NonZeroU64::new(size).unwrap());
        let mut documents = Vec::new();
        while let Some(batch) = stream.next_batch().await.unwrap() {
            documents.extend(batch);
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
        let index = snapshot.index("shop-whole").unwrap();
        let files = repository.shard_files(&snapshot, index, 0).await?;
        repository.documents(files, Position::START).next_batch().await
    });
    assert!(read.await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn after_a_failed_read_nothing_more_is_given() {
    let copy = copy("es717-partial");
    let repository = fixture::open(copy.path());
    let snapshot = repository.snapshot("partial").await.unwrap();
    let index = snapshot.index("shop-whole").unwrap();
    let files = repository.shard_files(&snapshot, index, 0).await.unwrap();
    let folder = copy.path().join("repo/indices").join(&index.id).join("0");
    for blob in files_below(&folder) {
        fs_err::write(blob, "").unwrap();
    }
    let mut stream = repository.documents(files, Position::START);
    let first = stream.next_batch().await.unwrap_err();
    assert!(matches!(first, RepositoryError::Damaged { .. }), "{first:?}");
    let second = stream.next_batch().await.unwrap_err();
    assert!(matches!(second, RepositoryError::Stopped { .. }), "{second:?}");
}

/// Everything that a repository says: snapshot, index, documents.
type Everything = Vec<(String, String, Vec<Document>)>;

async fn everything(folder: &Path) -> Result<Everything, RepositoryError> {
    let repository = fixture::open(folder);
    let mut everything = Vec::new();
    for summary in repository.contents().await?.snapshots {
        let snapshot = repository.snapshot(&summary.name).await?;
        repository.global_metadata(&snapshot).await?;
        for index in &snapshot.indices {
            let metadata = repository.index_metadata(&snapshot, index).await?;
            if snapshot.failures.iter().any(|failure| failure.index == index.name) {
                continue;
            }
            let (documents, _) = fixture::documents(&repository, &snapshot, &metadata).await?;
            everything.push((snapshot.name.clone(), index.name.clone(), documents));
        }
    }
    everything.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    Ok(everything)
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap();
        usize::try_from(self.next() % limit).unwrap()
    }
}

/// Changes some bytes, cuts some off, or adds some.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => {
            bytes.truncate(at);
            format!("cut at byte {at}")
        }
        1 => {
            bytes.extend([0; 3]);
            "three bytes added".to_owned()
        }
        2 => {
            bytes.drain(at..bytes.len().min(at + 1 + random.below(20)));
            format!("bytes dropped at {at}")
        }
        _ => {
            let bit = random.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
            format!("bit {bit} of byte {at} turned")
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// A copy of a corpus repository that may be damaged.
fn copy(name: &str) -> TempDir {
    let copy = TempDir::new().unwrap();
    let original = corpus().join(name).join("repo");
    for file in files_below(&original) {
        let to = copy.path().join("repo").join(file.strip_prefix(&original).unwrap());
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        fs_err::copy(file, to).unwrap();
    }
    copy
}

async fn damage_one_blob_at_a_time(name: &str, cases: u64) {
    let copy = copy(name);
    let right = everything(copy.path()).await.unwrap();
    let files = files_below(copy.path());
    let mut refused = 0;
    for seed in 0..cases {
        let mut random = Random(seed);
        let file = &files[random.below(files.len())];
        let original = fs_err::read(file).unwrap();
        let mut bytes = original.clone();
        let what = damage(&mut bytes, &mut random);
        fs_err::write(file, bytes).unwrap();
        let case = format!("{name}, seed {seed}: {} {what}", file.display());
        match everything(copy.path()).await {
            // A panic on a decoding thread shows as this error.
            Err(RepositoryError::Stopped { .. }) => panic!("{case}: a decoder panicked"),
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty(), "{case}");
            }
            Ok(found) => assert!(subset(&found, &right), "{case}: wrong documents"),
        }
        fs_err::write(file, original).unwrap();
    }
    assert!(refused > cases / 4, "{name}: damage is hardly noticed: {refused} of {cases}");
}

/// Whether every snapshot that was found is right and whole; a damaged `index.latest` may lead to
/// an older list of snapshots, which is right in itself.
fn subset(found: &Everything, right: &Everything) -> bool {
    let names: BTreeSet<&str> = found.iter().map(|(snapshot, _, _)| snapshot.as_str()).collect();
    let expected = right.iter().filter(|(snapshot, _, _)| names.contains(snapshot.as_str()));
    !found.is_empty() && found.iter().eq(expected)
}

#[tokio::test]
async fn a_damaged_blob_gives_an_error_or_the_right_documents() {
    for name in DAMAGED {
        damage_one_blob_at_a_time(name, CASES).await;
    }
    for name in DAMAGED_LESS_OFTEN {
        damage_one_blob_at_a_time(name, CASES / 4).await;
    }
}

/// Damage under a checksum that fits: it may go unnoticed, but nothing panics or hangs.
#[tokio::test]
async fn a_damaged_container_with_a_right_checksum_never_panics() {
    let copy = copy("es717-partial");
    let files: Vec<PathBuf> = files_below(copy.path())
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "dat"))
        .collect();
    for seed in 0..CASES {
        let mut random = Random(seed);
        let file = &files[random.below(files.len())];
        let original = fs_err::read(file).unwrap();
        let mut bytes = original[..original.len() - 16].to_vec();
        let what = damage(&mut bytes, &mut random);
        bytes.extend([0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0]);
        let sum = u64::from(crc32fast::hash(&bytes));
        bytes.extend(sum.to_be_bytes());
        fs_err::write(file, bytes).unwrap();
        let read = everything(copy.path()).await;
        let panicked = matches!(read, Err(RepositoryError::Stopped { .. }));
        assert!(!panicked, "seed {seed}: {} {what}", file.display());
        fs_err::write(file, original).unwrap();
    }
}
