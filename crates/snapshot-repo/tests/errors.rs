//! A repository that cannot be read says what is wrong and what to do, each case in its own words.

use std::{collections::BTreeMap, path::Path};

use snapshot_repo::{Location, Repository, RepositoryError};
use tempfile::TempDir;

fn repository(folder: &Path) -> Repository {
    Repository::open(&Location::folder(folder)).expect("a repository")
}

fn corpus(name: &str) -> Repository {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots");
    repository(&corpus.join(name).join("repo"))
}

#[test]
fn a_path_that_a_store_cannot_have_is_refused() {
    let location = Location::new("s3://bucket//prefix".parse().expect("a URI"));
    let error = Repository::open(&location).expect_err("an error");
    assert!(matches!(error, RepositoryError::Location { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with("`s3://bucket//prefix` is not a repository location"), "{message}");
}

#[test]
fn a_folder_may_be_relative() {
    // A test runs in the folder of its package.
    repository(Path::new("tests/fixture"));
    for folder in ["", "no/such/folder"] {
        let error = Repository::open(&Location::folder(folder)).expect_err("an error");
        assert!(matches!(error, RepositoryError::FolderMissing { .. }), "{folder}: {error:?}");
    }
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let error = Repository::open(&Location::folder("/no/such/folder")).expect_err("an error");
    assert_eq!(
        error.to_string(),
        "the folder of `file:///no/such/folder` does not exist here; mount it or correct the \
         repository's URI"
    );
}

#[tokio::test]
async fn a_folder_without_a_repository_is_told_from_a_damaged_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let error = repository(folder.path()).contents().await.expect_err("an error");
    assert!(matches!(error, RepositoryError::NoRepository { .. }), "{error}");

    fs_err::write(folder.path().join("index"), "{}").expect("a writable file");
    let error = repository(folder.path()).contents().await.expect_err("an error").to_string();
    assert!(error.contains("a repository of Elasticsearch 1 or 2 is not supported yet"), "{error}");

    fs_err::write(folder.path().join("index-3"), "{").expect("a writable file");
    let error = repository(folder.path()).contents().await.expect_err("an error").to_string();
    assert!(error.starts_with("`index-3` in `"), "{error}");
}

#[tokio::test]
async fn the_highest_generation_counts_without_a_latest_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let list = |name| format!(r#"{{"snapshots":[{{"name":"{name}","uuid":"u"}}],"indices":{{}}}}"#);
    fs_err::write(folder.path().join("index-9"), list("old")).expect("a writable file");
    fs_err::write(folder.path().join("index-10"), list("new")).expect("a writable file");
    let contents = repository(folder.path()).contents().await.expect("the list of snapshots");
    assert_eq!((contents.generation, contents.snapshots[0].name.as_str()), (10, "new"));
}

#[tokio::test]
async fn an_unknown_snapshot_gets_the_nearest_names() {
    let error =
        corpus("es710-incremental").snapshot("secnod").await.expect_err("an error").to_string();
    assert!(error.ends_with("has no snapshot `secnod`; did you mean `second`?"), "{error}");
}

#[tokio::test]
async fn a_shard_that_failed_says_why() {
    let repository = corpus("os13-partial");
    let snapshot = repository.snapshot("partial").await.expect("the snapshot");
    let index = snapshot.index("shop-unassigned").expect("the index");
    let error =
        repository.shard_files(&snapshot, index, 1).await.expect_err("an error").to_string();
    let expected = "snapshot `partial` (PARTIAL) does not hold shard 1 of `shop-unassigned`: primary \
                    shard is not allocated";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_shard_beyond_the_last_says_how_many_there_are() {
    let repository = corpus("os13-partial");
    let snapshot = repository.snapshot("partial").await.expect("the snapshot");
    let index = snapshot.index("shop-whole").expect("the index");
    let error =
        repository.shard_files(&snapshot, index, 7).await.expect_err("an error").to_string();
    assert!(error.contains("the index has 2 shards"), "{error}");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() {
    let location = Location {
        uri: "s3://bucket/prefix".parse().expect("a URI"),
        region: Some("us-east-1".into()),
        // Nothing listens on the discard port.
        endpoint: Some("http://127.0.0.1:9".into()),
        options: BTreeMap::from([
            ("AWS_ACCESS_KEY_ID".to_owned(), "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "secret".to_owned()),
        ]),
    };
    let error =
        Repository::open(&location).expect("a repository").contents().await.expect_err("an error");
    assert!(matches!(error, RepositoryError::Unreachable { .. }), "{error:?}");
}
