//! Where a repository is, and the object store that reads it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder, local::LocalFileSystem, path::Path,
};
use url::Url;

use crate::error::RepositoryError;

/// Where a repository is and with which settings it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// `file:///path` (or a path alone), `s3://bucket/prefix`, `gs://bucket/prefix` or
    /// `az://container/prefix`.
    pub uri: String,
    /// The bucket's region (S3).
    pub region: Option<String>,
    /// The endpoint of an S3-compatible, Google or Azure store other than the public one.
    pub endpoint: Option<String>,
    /// `AWS_*`, `GOOGLE_*` and `AZURE_*` settings that the caller collected; unknown names are
    /// left alone.
    pub options: BTreeMap<String, String>,
}

/// Long enough for a store that throttles, short enough that a wrong endpoint is told in a minute.
fn retry() -> RetryConfig {
    RetryConfig {
        max_retries: 8,
        retry_timeout: Duration::from_mins(1),
        backoff: BackoffConfig::default(),
    }
}

/// An opened store and the prefix of the repository in it.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) root: StoreRoot,
}

/// What the root of a store is to the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreRoot {
    /// The bucket, in which the repository has a base path.
    Bucket,
    /// The root of this machine's file system: the repository's own is any folder down to it.
    FileSystem,
}

impl Location {
    /// A repository in a folder of this machine.
    pub fn folder(path: impl AsRef<std::path::Path>) -> Self {
        Self { uri: path.as_ref().display().to_string(), ..Self::default() }
    }

    pub(crate) fn open(&self) -> Result<Opened, RepositoryError> {
        if !self.uri.contains("://") {
            return self.open_folder(std::path::Path::new(&self.uri));
        }
        let url = Url::parse(&self.uri).map_err(|error| self.refused(error.to_string()))?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| {
                    let host = url.host_str().unwrap_or_default();
                    self.refused(format!(
                        "`{host}` stands where a host's name does; write a relative folder without \
                         `file://`"
                    ))
                })?;
                self.open_folder(&path)
            }
            "s3" | "s3a" => self.open_s3(&url),
            "gs" => self.open_google(&url),
            "az" | "azure" | "abfs" | "abfss" => self.open_azure(&url),
            scheme => Err(self.refused(format!("the scheme `{scheme}` is not known"))),
        }
    }

    fn open_folder(&self, folder: &std::path::Path) -> Result<Opened, RepositoryError> {
        if !folder.is_dir() {
            return Err(RepositoryError::FolderMissing { uri: self.uri.clone() });
        }
        let prefix =
            Path::from_filesystem_path(folder).map_err(|error| self.setup(error.into()))?;
        let store = Arc::new(LocalFileSystem::new());
        Ok(Opened { store, prefix, root: StoreRoot::FileSystem })
    }

    /// A TLS provider must be the process's default before a client is built, or building one
    /// panics. A program that has chosen one keeps it.
    fn with_tls() {
        let _chosen_already = rustls::crypto::ring::default_provider().install_default();
    }

    fn open_s3(&self, url: &Url) -> Result<Opened, RepositoryError> {
        let (bucket, prefix) = self.bucket_and_prefix(url)?;
        Self::with_tls();
        let mut builder = AmazonS3Builder::new();
        for (name, value) in &self.options {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder.with_bucket_name(bucket);
        builder = builder.with_retry(retry()).with_allow_http(self.has_plain_endpoint());
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_virtual_hosted_style_request(false);
        }
        let store = builder.build().map_err(|error| self.setup(error))?;
        Ok(Opened { store: Arc::new(store), prefix, root: StoreRoot::Bucket })
    }

    fn open_google(&self, url: &Url) -> Result<Opened, RepositoryError> {
        let (bucket, prefix) = self.bucket_and_prefix(url)?;
        Self::with_tls();
        let mut builder = GoogleCloudStorageBuilder::new();
        for (name, value) in &self.options {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder.with_bucket_name(bucket).with_retry(retry());
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_base_url(endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(|error| self.setup(error))?;
        Ok(Opened { store: Arc::new(store), prefix, root: StoreRoot::Bucket })
    }

    fn open_azure(&self, url: &Url) -> Result<Opened, RepositoryError> {
        let (container, prefix) = self.bucket_and_prefix(url)?;
        Self::with_tls();
        let mut builder = MicrosoftAzureBuilder::new();
        for (name, value) in &self.options {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder
            .with_container_name(container)
            .with_retry(retry())
            .with_allow_http(self.has_plain_endpoint());
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        let store = builder.build().map_err(|error| self.setup(error))?;
        Ok(Opened { store: Arc::new(store), prefix, root: StoreRoot::Bucket })
    }

    /// Whether an endpoint was given that is not encrypted; the store refuses it unless told.
    fn has_plain_endpoint(&self) -> bool {
        let named = self.options.iter().filter(|(name, _)| name.contains("ENDPOINT"));
        let mut endpoints = self.endpoint.iter().chain(named.map(|(_, value)| value));
        endpoints.any(|endpoint| endpoint.starts_with("http://"))
    }

    fn bucket_and_prefix(&self, url: &Url) -> Result<(String, Path), RepositoryError> {
        let bucket = url.host_str().filter(|host| !host.is_empty());
        let bucket = bucket.ok_or_else(|| self.refused("it names no bucket"))?;
        let prefix = Path::from_url_path(url.path())
            .map_err(|error| self.refused(format!("its path cannot be used: {error}")))?;
        Ok((bucket.to_owned(), prefix))
    }

    fn refused(&self, reason: impl Into<String>) -> RepositoryError {
        RepositoryError::Location { uri: self.uri.clone(), reason: reason.into() }
    }

    fn setup(&self, source: object_store::Error) -> RepositoryError {
        RepositoryError::Setup { uri: self.uri.clone(), source: Box::new(source) }
    }
}
