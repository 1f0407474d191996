//! The same repositories through a real S3 server, and what each kind of refusal is called.
//!
//! `ARGOSY_S3_ENDPOINT` and `ARGOSY_S3_BUCKET` name a server and a bucket that may be written to;
//! `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` are its credentials. Without them the tests say
//! that they are skipped.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fixture;

use std::collections::BTreeMap;
use std::path::Path;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStoreExt as _, PutPayload};

use snapshot_repo::{Location, Repository, RepositoryError};

/// More objects than a page of a listing holds.
const MANY_OBJECTS: usize = 1100;

/// A real server and one of its buckets.
struct Server {
    endpoint: String,
    bucket: String,
    options: BTreeMap<String, String>,
}

impl Server {
    #[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
    fn given() -> Option<Self> {
        let value = |name: &str| std::env::var_os(name).map(|value| value.into_string().unwrap());
        let endpoint = value("ARGOSY_S3_ENDPOINT");
        let Some((endpoint, bucket)) = endpoint.zip(value("ARGOSY_S3_BUCKET")) else {
            println!("skipped: set ARGOSY_S3_ENDPOINT and ARGOSY_S3_BUCKET to run it");
            return None;
        };
        let options = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
            .into_iter()
            .map(|name| (name.to_owned(), value(name).unwrap()))
            .collect();
        Some(Self { endpoint, bucket, options })
    }

    fn location(&self, prefix: &str) -> Location {
        Location {
            uri: format!("s3://{}/{prefix}", self.bucket),
            region: None,
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
        AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_access_key_id(&self.options["AWS_ACCESS_KEY_ID"])
            .with_secret_access_key(&self.options["AWS_SECRET_ACCESS_KEY"])
            .build()
            .unwrap()
    }

    async fn upload(&self, store: &AmazonS3, folder: &Path, prefix: &str) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                Box::pin(self.upload(store, &path, &name)).await;
            } else {
                let payload = PutPayload::from(fs_err::read(&path).unwrap());
                store.put(&name.into(), payload).await.unwrap();
            }
        }
    }
}

async fn refused(location: &Location) -> RepositoryError {
    Repository::open(location).unwrap().contents().await.unwrap_err()
}

#[tokio::test]
async fn a_repository_in_s3_gives_what_the_folder_gives() {
    let Some(server) = Server::given() else { return };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots");
    for name in ["es710-incremental", "os13-partial"] {
        let folder = corpus.join(name);
        // Opening sets up TLS for the store below.
        let remote = Repository::open(&server.location(&format!("deep/{name}"))).unwrap();
        server.upload(&server.store(), &folder.join("repo"), &format!("deep/{name}")).await;
        assert!(fixture::check(&folder, &remote).await > 0, "{name}");
        fixture::check_metadata(&folder, &remote).await;
        let local = fixture::open(&folder).contents().await.unwrap();
        assert_eq!(remote.contents().await.unwrap().generation, local.generation, "{name}");
    }
}

#[tokio::test]
async fn hashed_shard_folders_outside_of_the_base_path_are_found() {
    let Some(server) = Server::given() else { return };
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots/os2-hashed");
    let remote = Repository::open(&server.location("deep/base")).unwrap();
    let store = server.store();
    for entry in fs_err::read_dir(folder.join("repo")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            "indices" => server.upload(&store, &path, "deep/base/indices").await,
            "snapshot_shard_paths" => {}
            hash if path.is_dir() => {
                server.upload(&store, &path, &format!("{hash}/deep/base")).await;
            }
            _ => {
                let payload = PutPayload::from(fs_err::read(&path).unwrap());
                store.put(&format!("deep/base/{name}").into(), payload).await.unwrap();
            }
        }
    }
    assert!(fixture::check(&folder, &remote).await > 0);
}

#[tokio::test]
async fn a_listing_of_several_pages_is_read_to_its_end() {
    let Some(server) = Server::given() else { return };
    let remote = Repository::open(&server.location("many")).unwrap();
    let store = server.store();
    for number in 0..MANY_OBJECTS {
        store.put(&format!("many/a-{number}").into(), PutPayload::default()).await.unwrap();
    }
    let list = r#"{"snapshots":[],"indices":{}}"#;
    store.put(&"many/index-4".into(), PutPayload::from(list)).await.unwrap();
    assert_eq!(remote.contents().await.unwrap().generation, 4);
}

#[tokio::test]
async fn every_refusal_has_its_own_words() {
    let Some(server) = Server::given() else { return };
    let error = refused(&server.location("nothing/here")).await;
    assert!(matches!(error, RepositoryError::NoRepository { .. }), "{error:?}");

    let mut elsewhere = server.location("x");
    elsewhere.uri = "s3://no-such-bucket-of-ours/x".into();
    let error = refused(&elsewhere).await;
    assert!(matches!(error, RepositoryError::BucketMissing { .. }), "{error:?}");

    for wrong in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let error = refused(&server.with_option(wrong, "wrongwrong")).await;
        assert!(matches!(error, RepositoryError::Credentials { .. }), "{wrong}: {error:?}");
    }

    let error = refused(&server.with_option("AWS_SKIP_SIGNATURE", "true")).await;
    assert!(matches!(error, RepositoryError::Denied { .. }), "{error:?}");
}
