//! The same repositories through a real S3 server: signed requests, listings of several pages,
//! ranged reads, a store that is busy or breaks connections, and the error for each refusal.
//!
//! `cargo xtask test --lane s3` sets the server up. `ARGOSY_S3_ENDPOINT`, `ARGOSY_S3_BUCKET` and
//! `ARGOSY_S3_REGION` name it and a bucket that may be written to; `AWS_ACCESS_KEY_ID` and
//! `AWS_SECRET_ACCESS_KEY` are its credentials. Without them the tests say that they are skipped.

mod fixture;
mod folder;
#[path = "s3/proxy.rs"]
mod proxy;

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use folder::files_below;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    ObjectStoreExt as _, PutPayload,
    aws::{AmazonS3, AmazonS3Builder},
};
use proxy::{Fault, Proxy, REGION};
use snapshot_repo::{Location, Position, Repository, RepositoryError};

/// More objects than two pages of a listing hold.
const MANY_OBJECTS: usize = 2_100;

/// A real server and one of its buckets.
struct Server {
    endpoint: String,
    bucket: String,
    region: String,
    options: BTreeMap<String, String>,
}

impl Server {
    #[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
    fn given() -> Option<Self> {
        let value =
            |name: &str| std::env::var_os(name).map(|value| value.into_string().expect("UTF-8"));
        let Some(endpoint) = value("ARGOSY_S3_ENDPOINT") else {
            println!("skipped: `cargo xtask test --lane s3` sets up the server that it needs");
            return None;
        };
        let options = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
            .into_iter()
            .map(|name| (name.to_owned(), value(name).expect("a variable that the lane sets")))
            .collect();
        Some(Self {
            endpoint,
            bucket: value("ARGOSY_S3_BUCKET").expect("a variable that the lane sets"),
            region: value("ARGOSY_S3_REGION").expect("a variable that the lane sets"),
            options,
        })
    }

    fn location(&self, prefix: &str) -> Location {
        Location {
            uri: format!("s3://{}/{prefix}", self.bucket).parse().expect("a URI"),
            region: Some(self.region.clone()),
            endpoint: Some(self.endpoint.clone()),
            options: self.options.clone(),
        }
    }

    fn with_option(&self, name: &str, value: &str) -> Location {
        let mut location = self.location("none");
        location.options.insert(name.to_owned(), value.to_owned());
        location
    }

    fn store(&self) -> AmazonS3 {
        // Sets up TLS for this process.
        drop(Repository::open(&self.location("none")));
        AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_endpoint(&self.endpoint)
            .with_region(&self.region)
            .with_allow_http(true)
            .with_access_key_id(&self.options["AWS_ACCESS_KEY_ID"])
            .with_secret_access_key(&self.options["AWS_SECRET_ACCESS_KEY"])
            .build()
            .expect("a runtime")
    }

    async fn upload(&self, folder: &Path, prefix: &str) {
        let store = self.store();
        for file in files_below(folder) {
            let name = file
                .strip_prefix(folder)
                .expect("a path in the folder")
                .to_str()
                .expect("a UTF-8 path");
            let payload = PutPayload::from(fs_err::read(&file).expect("a readable file"));
            store.put(&format!("{prefix}/{name}").into(), payload).await.expect("a stored object");
        }
    }
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots").join(name)
}

/// What a person reads when a repository cannot be listed.
async fn error_message(location: &Location) -> String {
    Repository::open(location)
        .expect("a repository")
        .contents()
        .await
        .expect_err("an error")
        .to_string()
}

#[tokio::test]
async fn every_repository_of_the_corpus_gives_through_s3_what_its_server_returned() {
    let Some(server) = Server::given() else { return };
    let mut read = 0;
    for entry in fs_err::read_dir(corpus("")).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a file name").to_str().expect("a UTF-8 path");
        if name.contains("-hashed") {
            // Its shard folders lie outside of the base path: see the next test.
            continue;
        }
        let prefix = format!("a b/{name}");
        server.upload(&folder.join("repo"), &prefix).await;
        let remote =
            Repository::open(&server.location(&prefix.replace(' ', "%20"))).expect("a repository");
        assert!(fixture::check(&folder, &remote).await > 0, "{name}");
        fixture::check_metadata(&folder, &remote).await;
        let local = fixture::open(&folder).contents().await.expect("the list of snapshots");
        assert_eq!(
            remote.contents().await.expect("the list of snapshots").generation,
            local.generation,
            "{name}"
        );
        read += 1;
    }
    assert!(read > 4, "{read}");
}

#[tokio::test]
async fn hashed_shard_folders_outside_of_the_base_path_are_found() {
    let Some(server) = Server::given() else { return };
    let folder = corpus("os2-hashed");
    let remote = Repository::open(&server.location("deep/base")).expect("a repository");
    let store = server.store();
    for entry in fs_err::read_dir(folder.join("repo")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file name").to_str().expect("a UTF-8 path");
        match name {
            "indices" => server.upload(&path, "deep/base/indices").await,
            "snapshot_shard_paths" => {}
            hash if path.is_dir() => server.upload(&path, &format!("{hash}/deep/base")).await,
            _ => {
                let payload = PutPayload::from(fs_err::read(&path).expect("a readable file"));
                store
                    .put(&format!("deep/base/{name}").into(), payload)
                    .await
                    .expect("a stored object");
            }
        }
    }
    assert!(fixture::check(&folder, &remote).await > 0);
}

#[tokio::test]
async fn a_listing_of_several_pages_is_read_to_its_end() {
    let Some(server) = Server::given() else { return };
    let proxy = Proxy::before(&server.endpoint, &[Fault::None]).await;
    let store = server.store();
    let put = |name: String, text: &'static str| {
        let store = &store;
        async move { store.put(&name.into(), PutPayload::from(text)).await }
    };
    stream::iter(0..MANY_OBJECTS)
        .map(|number| put(format!("many/a-{number}"), ""))
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await
        .expect("stored objects");
    put("many/index-4".into(), r#"{"snapshots":[],"indices":{}}"#).await.expect("a stored object");
    let mut location = server.location("many");
    location.endpoint = Some(proxy.endpoint());
    let contents = Repository::open(&location)
        .expect("a repository")
        .contents()
        .await
        .expect("the list of snapshots");
    assert_eq!(contents.generation, 4);
    assert_eq!(proxy.passed().listings, 3);
}

#[tokio::test]
async fn a_busy_store_and_broken_connections_change_nothing() {
    const FAULTS: &[Fault] = &[
        Fault::None,
        Fault::SlowDown,
        Fault::None,
        Fault::HalfAnswer,
        Fault::None,
        Fault::InternalError,
        Fault::None,
        Fault::NoAnswer,
    ];
    let Some(server) = Server::given() else { return };
    let folder = corpus("es710-incremental");
    server.upload(&folder.join("repo"), "busy").await;
    let proxy = Proxy::before(&server.endpoint, FAULTS).await;
    let mut location = server.location("busy");
    location.endpoint = Some(proxy.endpoint());
    let remote = Repository::open(&location).expect("a repository");
    assert!(fixture::check(&folder, &remote).await > 0);
    let done = proxy.passed().faults;
    for fault in FAULTS {
        assert!(done.get(fault).is_some_and(|times| *times > 5), "{fault:?}: {done:?}");
    }
}

#[tokio::test]
async fn ranges_are_read_ahead_and_every_byte_is_counted() {
    let Some(server) = Server::given() else { return };
    let folder = corpus("es710-incremental");
    server.upload(&folder.join("repo"), "counted").await;
    let mut counts = Vec::new();
    for size in [1_000, 20_000, 4 << 20] {
        let proxy = Proxy::before(&server.endpoint, &[Fault::None]).await;
        let mut location = server.location("counted");
        location.endpoint = Some(proxy.endpoint());
        let remote = Repository::open(&location).expect("a repository");
        let snapshot = remote.snapshot("third").await.expect("the snapshot");
        let index = snapshot.index("shop-inc-a").expect("the index");
        let files = remote.shard_files(&snapshot, index, 0).await.expect("the list of files");
        let stored = remote.shard_size(&files).await.expect("a size").bytes;
        let before = proxy.passed().shard_file_bytes;
        let documents = remote.documents(files, Position::START);
        let mut documents = documents.fetch_bytes(NonZeroU64::new(size).expect("not zero"));
        let mut count = 0;
        while let Some(batch) = documents.next().await.expect("a batch") {
            count += batch.documents().len();
        }
        assert!(count > 0);
        let read = documents.bytes_read();
        assert_eq!(read, proxy.passed().shard_file_bytes - before, "ranges of {size}");
        assert!(read >= stored, "{read} of {stored}");
        counts.push(read);
    }
    // No byte is read twice, whatever the size of the ranges.
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[tokio::test]
async fn a_prefix_or_a_bucket_that_is_not_there_is_named() {
    let Some(server) = Server::given() else { return };
    let uri = format!("s3://{}/nothing/here", server.bucket);
    assert_eq!(
        error_message(&server.location("nothing/here")).await,
        format!(
            "`{uri}` holds no snapshot repository (no `index.latest`, no `index-N`); write \
             the bucket and base path, or the folder, that the cluster registered"
        )
    );
    let mut elsewhere = server.location("x");
    elsewhere.uri = "s3://no-such-bucket-of-ours/x".parse().expect("a URI");
    assert_eq!(
        error_message(&elsewhere).await,
        "the bucket of `s3://no-such-bucket-of-ours/x` does not exist; check its name, region and \
         endpoint"
    );
}

#[tokio::test]
async fn wrong_or_absent_credentials_are_told_apart() {
    let Some(server) = Server::given() else { return };
    let uri = format!("s3://{}/none", server.bucket);
    assert_eq!(
        error_message(&server.with_option("AWS_ACCESS_KEY_ID", "wrongwrong")).await,
        format!(
            "the store of `{uri}` does not know the access key; check that the key belongs to \
             this store and is still active"
        )
    );
    assert_eq!(
        error_message(&server.with_option("AWS_SECRET_ACCESS_KEY", "wrongwrong")).await,
        format!(
            "the store of `{uri}` does not accept the signature; check the secret key, and that \
             the clock of this machine is right"
        )
    );
    assert_eq!(
        error_message(&server.with_option("AWS_SKIP_SIGNATURE", "true")).await,
        format!(
            "access to `none/index.latest` in `{uri}` is denied; give these credentials read and \
             list permission, and decrypt permission when the bucket is encrypted with a managed \
             key"
        )
    );
}

#[tokio::test]
async fn a_wrong_region_is_corrected() {
    let Some(server) = Server::given() else { return };
    let uri = format!("s3://{}/none", server.bucket);
    let proxy = Proxy::before(&server.endpoint, &[Fault::OtherRegion]).await;
    let mut elsewhere = server.location("none");
    elsewhere.endpoint = Some(proxy.endpoint());
    elsewhere.region = Some("ap-southeast-2".into());
    assert_eq!(
        error_message(&elsewhere).await,
        format!(
            "the bucket of `{uri}` is not in region `ap-southeast-2`: the store says it is in \
             `{REGION}`; set the repository's region to `{REGION}`"
        )
    );
    elsewhere.region = Some(REGION.into());
    let corrected = error_message(&elsewhere).await;
    assert!(corrected.starts_with(&format!("`{uri}` holds no snapshot repository")), "{corrected}");
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_named_with_its_snapshot_repository() {
    let Some(server) = Server::given() else { return };
    let folder = corpus("os13-partial");
    server.upload(&folder.join("repo"), "holes").await;
    let remote = Repository::open(&server.location("holes")).expect("a repository");
    let snapshot = remote.snapshot("partial").await.expect("the snapshot");
    let index = snapshot.index("shop-whole").expect("the index");
    let files = remote.shard_files(&snapshot, index, 0).await.expect("the list of files");
    let list =
        fs_err::read_dir(folder.join("repo/indices").join(&index.id).join("0")).expect("a folder");
    for entry in list {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.starts_with("__") {
            let path = format!("holes/indices/{}/0/{name}", index.id);
            server.store().delete(&path.into()).await.expect("a deleted object");
        }
    }
    let mut documents = remote.documents(files, Position::START);
    let error = documents.next().await.expect_err("an error");
    assert!(matches!(error, RepositoryError::BlobMissing { .. }), "{error:?}");
    let uri = format!("s3://{}/holes", server.bucket);
    assert!(error.to_string().starts_with("`holes/indices/"), "{error}");
    assert!(error.to_string().contains(&format!("is missing in `{uri}`")), "{error}");
}
