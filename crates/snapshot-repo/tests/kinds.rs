//! Kinds of repositories, snapshots and indices beside the usual ones: what can be read is read, and
//! what cannot is refused in words of its own.

mod fixture;
mod folder;

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use folder::files_below;
use serde_smile::value::Value;
use snapshot_repo::{Repository, RepositoryError, Snapshot, SourceMode};
use tempfile::TempDir;

/// What comes before the body of a container, after the name of its codec.
const AROUND_NAME: usize = 4 + 1 + 4;
/// What comes behind it.
const FOOTER: [u8; 8] = [0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0];

/// A copy of a repository of the corpus, to be changed.
struct Copy {
    folder: TempDir,
    original: PathBuf,
}

impl Copy {
    fn of(name: &str) -> Self {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots");
        let copy = Self {
            folder: TempDir::new().expect("a temporary folder"),
            original: corpus.join(name),
        };
        for file in files_below(&copy.original.join("repo")) {
            let to = copy
                .folder
                .path()
                .join(file.strip_prefix(&copy.original).expect("a path in the folder"));
            fs_err::create_dir_all(to.parent().expect("a parent folder")).expect("a new folder");
            fs_err::copy(file, to).expect("a copied file");
        }
        copy
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn open(&self) -> Repository {
        fixture::open(self.folder.path())
    }

    /// Changes the value of each `.dat` file whose name begins so and whose path has this part.
    fn rewrite(&self, start: &str, part: &str, change: impl Fn(&mut Value)) {
        let mut changed = 0;
        for file in files_below(&self.root()) {
            let name = file.file_name().expect("a file name").to_str().expect("a UTF-8 path");
            let inside = file
                .strip_prefix(self.root())
                .expect("a path in the folder")
                .to_str()
                .expect("a UTF-8 path");
            if name.starts_with(start) && inside.contains(part) {
                rewrite(&file, &change);
                changed += 1;
            }
        }
        assert!(changed > 0, "no file {start} in {part}");
    }

    async fn assert_as_the_server_returned_it(&self) {
        assert!(fixture::check(&self.original, &self.open()).await > 0);
        fixture::check_metadata(&self.original, &self.open()).await;
    }

    /// Why shard 0 of an index cannot be read.
    async fn refused(&self, snapshot: &str, index: &str) -> RepositoryError {
        let repository = self.open();
        let snapshot = repository.snapshot(snapshot).await.expect("the snapshot");
        let index = snapshot.existing_index(index).expect("the index");
        repository.shard_files(&snapshot, index, 0).await.expect_err("an error")
    }
}

fn rewrite(file: &Path, change: impl Fn(&mut Value)) {
    let bytes = fs_err::read(file).expect("a readable file");
    let head = AROUND_NAME + usize::from(bytes[4]);
    let body = &bytes[head..bytes.len() - 16];
    let mut value: Value = match body.strip_prefix(b"DFL\0") {
        None => serde_smile::from_slice(body).expect("valid content"),
        Some(deflated) => {
            let mut plain = Vec::new();
            flate2::read::DeflateDecoder::new(deflated)
                .read_to_end(&mut plain)
                .expect("decompressible bytes");
            serde_smile::from_slice(&plain).expect("valid content")
        }
    };
    change(&mut value);
    let mut written = bytes[..head].to_vec();
    written.extend(serde_smile::to_vec(&value).expect("encodable content"));
    written.extend(FOOTER);
    written.extend(u64::from(crc32fast::hash(&written)).to_be_bytes());
    fs_err::write(file, written).expect("a writable file");
}

/// A field of an object; `*` is its only one.
fn field<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(value, |value, name| {
        let Value::Object(fields) = value else { panic!("no object at {name}") };
        if *name == "*" { fields.values_mut().next() } else { fields.get_mut(*name) }
            .expect("the field")
    })
}

fn set(value: &mut Value, path: &[&str], name: &str, to: Value) {
    let Value::Object(fields) = field(value, path) else { panic!("no object at {path:?}") };
    fields.insert(name.to_owned(), to);
}

fn setting(name: &'static str, to: &'static str) -> impl Fn(&mut Value) {
    move |value| set(value, &["*", "settings"], name, Value::String(to.to_owned()))
}

async fn snapshot(repository: &Repository, name: &str) -> Snapshot {
    repository.snapshot(name).await.expect("the snapshot")
}

#[tokio::test]
async fn a_latest_generation_that_is_broken_or_old_is_passed_over() {
    let copy = Copy::of("es56-incremental");
    for latest in [&b""[..], b"123", &7_000_u64.to_be_bytes(), b"a whole sentence"] {
        fs_err::write(copy.root().join("index.latest"), latest).expect("a writable file");
        copy.assert_as_the_server_returned_it().await;
    }
}

#[tokio::test]
async fn an_encrypted_repository_is_told_from_a_damaged_one() {
    let copy = Copy::of("os13-partial");
    let message = [&[1, 0x80, 0x03, 0x78][..], &[0xe7; 300]].concat();
    for blob in ["index.latest", "index-0"] {
        fs_err::write(copy.root().join(blob), &message).expect("a writable file");
    }
    let error = copy.open().contents().await.expect_err("an error");
    assert!(matches!(error, RepositoryError::Unsupported { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("`index-0`") && message.contains("encrypted by a plug-in"),
        "{message}"
    );

    fs_err::write(copy.root().join("index-0"), "{\"snapshots\": \u{7}").expect("a writable file");
    let error = copy.open().contents().await.expect_err("an error");
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_mounted_snapshot_is_refused() {
    for store in ["snapshot", "remote_snapshot"] {
        let copy = Copy::of("es717-partial");
        copy.rewrite("meta-", "indices/", setting("index.store.type", store));
        let message = copy.refused("partial", "shop-whole").await.to_string();
        assert!(
            message.contains(&format!("a mounted snapshot (store type `{store}`)")),
            "{message}"
        );
        assert!(message.contains("read the snapshot that it was mounted from"), "{message}");
    }
}

#[tokio::test]
async fn a_shallow_snapshot_is_refused() {
    let copy = Copy::of("os2-hashed");
    let uuid = snapshot(&copy.open(), "one").await.uuid;
    for file in files_below(&copy.root()) {
        let is_list = file.ends_with(format!("snap-{uuid}.dat"));
        if is_list && file.parent().expect("a parent folder") != copy.root() {
            fs_err::rename(&file, file.with_file_name(format!("shallow-snap-{uuid}.dat")))
                .expect("a renamed file");
        }
    }
    let message = copy.refused("one", "shop-hash-a").await.to_string();
    assert!(message.contains("a shallow snapshot"), "{message}");
    assert!(message.contains("without `remote_store_index_shallow_copy`"), "{message}");
}

#[tokio::test]
async fn a_shallow_snapshot_that_is_only_a_timestamp_is_refused() {
    let copy = Copy::of("os13-partial");
    let uuid = snapshot(&copy.open(), "partial").await.uuid;
    let name = format!("snap-{uuid}.dat");
    for file in files_below(&copy.root().join("indices")) {
        if file.ends_with(&name) {
            fs_err::remove_file(file).expect("a removed file");
        }
    }
    let pinned = |value: &mut Value| set(value, &["*"], "pinned_timestamp", Value::Long(1_700_000));
    rewrite(&copy.root().join(name), pinned);
    let message = copy.refused("partial", "shop-whole").await.to_string();
    assert!(message.contains("a shallow snapshot"), "{message}");
}

#[tokio::test]
async fn a_path_type_that_is_not_known_is_refused() {
    let copy = Copy::of("os2-hashed");
    let list = files_below(&copy.root());
    let list = list
        .iter()
        .find(|file| file.to_str().expect("a UTF-8 path").contains("/repo/index-"))
        .expect("a match");
    let text = fs_err::read_to_string(list).expect("a readable file");
    fs_err::write(list, text.replace(r#""shard_path_type":1"#, r#""shard_path_type":7"#))
        .expect("a writable file");
    let message = copy.refused("one", "shop-hash-a").await.to_string();
    assert!(message.contains("the `shard_path_type` 7 of index `shop-hash-a`"), "{message}");
}

#[tokio::test]
async fn versions_may_be_numbers_and_parts_need_no_size() {
    let copy = Copy::of("es710-incremental");
    for file in files_below(&copy.root()) {
        if file.to_str().expect("a UTF-8 path").contains("/repo/index-") {
            let text = fs_err::read_to_string(&file).expect("a readable file");
            let numbers = text.replace(r#""7.10.2""#, "7100299").replace(r#""7.9.0""#, "7090099");
            assert_ne!(text, numbers);
            fs_err::write(file, numbers).expect("a writable file");
        }
    }
    copy.rewrite("snap-", "indices/", |list| {
        let Value::Array(files) = field(list, &["files"]) else { panic!("no list of files") };
        for file in files {
            let Value::Object(fields) = file else { panic!("no file") };
            fields.shift_remove("part_size").expect("the field");
        }
    });
    let repository = copy.open();
    let third = snapshot(&repository, "third").await;
    assert_eq!(third.server(), "Elasticsearch 7.10.2");
    let index = third.existing_index("shop-inc-a").expect("the index");
    let metadata =
        repository.index_metadata(&third, index).await.expect("the metadata of the index");
    let (documents, _) =
        fixture::documents(&repository, &third, &metadata).await.expect("all documents");
    assert_eq!(documents.len(), 140);
}

#[tokio::test]
async fn how_the_source_is_kept_is_read_from_what_servers_wrote() {
    for (name, snapshot_name, index, mode) in [
        ("es8-synthetic", "one", "shop-synthetic", SourceMode::Synthetic),
        ("es8-logs-and-series", "one", "logs-default", SourceMode::Synthetic),
        ("es8-logs-and-series", "one", "ts-default", SourceMode::Synthetic),
        ("es92-synthetic", "second", "made-synthetic", SourceMode::Synthetic),
        ("es92-synthetic", "second", "made-logs", SourceMode::Synthetic),
        ("os34-synthetic", "second", "made-derived", SourceMode::Derived),
        ("es717-lacking", "second", "lacking-included", SourceMode::Partial),
        ("os34-lacking", "second", "lacking-excluded", SourceMode::Partial),
        ("os34-lacking", "second", "lacking-disabled", SourceMode::Disabled),
        ("es717-partial", "partial", "shop-whole", SourceMode::Stored),
    ] {
        let copy = Copy::of(name);
        let repository = copy.open();
        let snapshot = snapshot(&repository, snapshot_name).await;
        let index = snapshot.existing_index(index).expect("the index");
        let metadata =
            repository.index_metadata(&snapshot, index).await.expect("the metadata of the index");
        assert_eq!(metadata.source_storage().mode, mode, "{name}");
    }
}

#[tokio::test]
async fn a_source_only_snapshot_has_the_mapping_that_its_index_had() {
    Copy::of("es717-source-only").assert_as_the_server_returned_it().await;
}

#[tokio::test]
async fn a_survey_tells_the_formats_without_reading_documents() {
    let copy = Copy::of("es9-chunked");
    let repository = copy.open();
    let snapshot = snapshot(&repository, "parts").await;
    let index = snapshot.existing_index("shop-chunked").expect("the index");
    let files = repository.shard_files(&snapshot, index, 0).await.expect("the list of files");
    let survey = repository.shard_survey(&files).await.expect("a survey");
    let size = repository.shard_size(&files).await.expect("a size");
    let sum = |of: fn(&snapshot_repo::SegmentSurvey) -> u64| -> u64 {
        survey.segments.iter().map(of).sum()
    };
    assert_eq!(sum(|segment| segment.documents), size.physical);
    assert_eq!(sum(|segment| segment.deleted), size.deleted);
    assert_eq!(sum(|segment| segment.stored_bytes), size.bytes);
    for segment in &survey.segments {
        assert_eq!(segment.lucene, "10.3.1");
        assert_eq!(segment.stored_fields, "Lucene90StoredFieldsFastData");
        assert_eq!(segment.derived_vectors, Vec::<String>::new());
    }
}
