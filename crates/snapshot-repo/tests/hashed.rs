//! A repository with hashed shard folders is read wherever those folders are.

mod fixture;
mod folder;

use std::path::{Path, PathBuf};

use folder::files_below;
use snapshot_repo::{Location, Repository, RepositoryError};
use tempfile::TempDir;

/// What the fixture's snapshots hold together.
const DOCUMENTS: u64 = 290;
const PATHS: &str = "snapshot_shard_paths";

/// A copy of the fixture whose repository is `base` in a location, as a server with this base path
/// writes it.
struct Copy {
    location: TempDir,
}

fn original() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots/os2-hashed")
}

impl Copy {
    /// Puts the blobs of hashed folders where the function says, given hash and rest of the path.
    fn with(hashed: impl Fn(&str, &Path) -> PathBuf) -> Self {
        let copy = Self { location: TempDir::new().expect("a temporary folder") };
        let repository = original().join("repo");
        for path in files_below(&repository) {
            let file = path.strip_prefix(&repository).expect("a path in the folder");
            let first = file.iter().next().expect("a first part").to_str().expect("a UTF-8 path");
            let is_hash = first.len() == 15 && !first.contains('.');
            let to = if is_hash {
                copy.location
                    .path()
                    .join(hashed(first, file.strip_prefix(first).expect("a path in the folder")))
            } else {
                copy.base().join(file)
            };
            fs_err::create_dir_all(to.parent().expect("a parent folder")).expect("a new folder");
            fs_err::copy(&path, to).expect("a copied file");
        }
        copy
    }

    fn base(&self) -> PathBuf {
        self.location.path().join("base")
    }

    fn without_paths_files(self) -> Self {
        fs_err::remove_dir_all(self.base().join(PATHS)).expect("a removed folder");
        self
    }

    /// Replaces text in the blobs whose path begins so.
    fn rewritten(self, blobs: &str, from: &str, to: &str) -> Self {
        for path in files_below(&self.base()) {
            if path
                .strip_prefix(self.base())
                .expect("a path in the folder")
                .to_str()
                .expect("a UTF-8 path")
                .starts_with(blobs)
            {
                let text = fs_err::read_to_string(&path).expect("a readable file");
                assert!(text.contains(from), "{}", path.display());
                fs_err::write(path, text.replace(from, to)).expect("a writable file");
            }
        }
        self
    }

    fn open(&self) -> Repository {
        Repository::open(&Location::folder(self.base())).expect("a repository")
    }

    async fn assert_whole(&self) {
        let repository = self.open();
        assert_eq!(fixture::check(&original(), &repository).await, DOCUMENTS);
        fixture::check_metadata(&original(), &repository).await;
    }
}

fn outside(hash: &str, rest: &Path) -> PathBuf {
    Path::new(hash).join("base").join(rest)
}

fn inside(hash: &str, rest: &Path) -> PathBuf {
    Path::new("base").join(hash).join(rest)
}

#[tokio::test]
async fn hashes_before_the_base_path_are_found_with_and_without_a_paths_file() {
    Copy::with(outside).rewritten(PATHS, "/indices/", "/base/indices/").assert_whole().await;
    Copy::with(outside).without_paths_files().assert_whole().await;
}

#[tokio::test]
async fn hashes_in_the_repository_are_found_with_and_without_a_paths_file() {
    let repository = fixture::open(&original());
    assert_eq!(fixture::check(&original(), &repository).await, DOCUMENTS);
    Copy::with(inside).without_paths_files().assert_whole().await;
}

#[tokio::test]
async fn hashes_behind_the_base_path_are_found() {
    let copy = Copy::with(inside).without_paths_files();
    copy.rewritten("index-", r#""shard_path_type":1"#, r#""shard_path_type":2"#)
        .assert_whole()
        .await;
}

#[tokio::test]
async fn folders_of_another_name_are_found_by_the_paths_file_alone() {
    let other = |hash: &str, rest: &Path| Path::new(&format!("{hash}-other")).join(rest);
    let copy = Copy::with(other);
    copy.rewritten(PATHS, "/indices/", "-other/indices/").assert_whole().await;
}

#[tokio::test]
async fn folders_without_a_hash_are_found() {
    Copy::with(|_, rest| Path::new("base").join(rest)).assert_whole().await;
}

#[tokio::test]
async fn a_paths_file_that_is_no_json_is_passed_over() {
    Copy::with(outside).rewritten(PATHS, "{", "[").assert_whole().await;
}

#[tokio::test]
async fn folders_that_were_not_copied_are_named() {
    let copy = Copy::with(|hash, rest| Path::new("elsewhere").join(hash).join(rest));
    let repository = copy.open();
    let snapshot = repository.snapshot("one").await.expect("the snapshot");
    let index = snapshot.index("shop-hash-b").expect("the index");
    let error = repository.shard_files(&snapshot, index, 0).await.expect_err("an error");
    assert!(matches!(error, RepositoryError::ShardFolderMissing { .. }), "{error:?}");
    let location = copy.location.path().canonicalize().expect("an existing path");
    let hash = "-01000000111011";
    let folder = location.join(hash).join("base/indices").join(&index.id).join("0");
    let message = error.to_string();
    assert!(message.contains(folder.to_str().expect("a UTF-8 path")), "{message}");
}
