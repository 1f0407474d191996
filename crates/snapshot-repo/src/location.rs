//! Opens the object store of a repository, with the settings that the caller collected.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use contract::RepositoryUri;
use object_store::{
    BackoffConfig, ObjectStore, Result as StoreResult, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, local::LocalFileSystem,
    path::Path,
};

use crate::error::RepositoryError;

/// Where a repository is, and the settings to read it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The repository's URI.
    pub uri: RepositoryUri,
    /// The bucket's region (S3).
    pub region: Option<String>,
    /// The endpoint of an S3-compatible, Google or Azure store other than the public one.
    pub endpoint: Option<String>,
    /// `AWS_*`, `GOOGLE_*` and `AZURE_*` settings; unknown names are ignored.
    pub options: BTreeMap<String, String>,
}

/// Long enough for a store that throttles, short enough to report a wrong endpoint within a minute.
fn retry() -> RetryConfig {
    RetryConfig {
        max_retries: 8,
        retry_timeout: Duration::from_mins(1),
        backoff: BackoffConfig::default(),
    }
}

/// An opened store and the prefix of the repository in it.
pub(crate) struct OpenStore {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) root: StoreRoot,
}

/// What the root of a store is to the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreRoot {
    /// The bucket, in which the repository has a base path.
    Bucket,
    /// The root of this machine's file system. The repository's own root is any folder above it.
    FileSystem,
}

impl Location {
    /// Returns the location of a repository that needs no settings.
    pub fn new(uri: RepositoryUri) -> Self {
        Self { uri, region: None, endpoint: None, options: BTreeMap::new() }
    }

    /// Returns the location of a repository in a folder of this machine.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::new(RepositoryUri::folder(path))
    }

    pub(crate) fn open(&self) -> Result<OpenStore, RepositoryError> {
        match &self.uri {
            RepositoryUri::Folder(folder) => self.open_folder(folder),
            RepositoryUri::S3 { bucket, prefix } => self.open_bucket(prefix, self.s3(bucket)),
            RepositoryUri::Google { bucket, prefix } => {
                self.open_bucket(prefix, self.google(bucket))
            }
            RepositoryUri::Azure { container, prefix } => {
                self.open_bucket(prefix, self.azure(container))
            }
        }
    }

    fn open_folder(&self, folder: &std::path::Path) -> Result<OpenStore, RepositoryError> {
        if !folder.is_dir() {
            return Err(RepositoryError::FolderMissing { uri: self.uri.to_string() });
        }
        let prefix =
            Path::from_filesystem_path(folder).map_err(|error| self.setup(error.into()))?;
        let store = Arc::new(LocalFileSystem::new());
        Ok(OpenStore { store, prefix, root: StoreRoot::FileSystem })
    }

    /// The prefix is percent-encoded, as in the URI.
    fn open_bucket(
        &self,
        prefix: &str,
        store: StoreResult<Arc<dyn ObjectStore>>,
    ) -> Result<OpenStore, RepositoryError> {
        let prefix = Path::from_url_path(format!("/{prefix}")).map_err(|error| {
            let reason = format!("its path cannot be used: {error}");
            RepositoryError::Location { uri: self.uri.to_string(), reason }
        })?;
        let store = store.map_err(|error| self.setup(error))?;
        Ok(OpenStore { store, prefix, root: StoreRoot::Bucket })
    }

    fn s3(&self, bucket: &str) -> StoreResult<Arc<dyn ObjectStore>> {
        choose_tls_provider();
        let mut builder = self
            .options()
            .fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
            .with_bucket_name(bucket)
            .with_retry(retry())
            .with_allow_http(self.has_plain_endpoint());
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = self.endpoint() {
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        Ok(Arc::new(builder.build()?))
    }

    fn google(&self, bucket: &str) -> StoreResult<Arc<dyn ObjectStore>> {
        choose_tls_provider();
        let mut builder = self
            .options()
            .fold(GoogleCloudStorageBuilder::new(), |builder, (key, value)| {
                builder.with_config(key, value)
            })
            .with_bucket_name(bucket)
            .with_retry(retry());
        if let Some(endpoint) = self.endpoint() {
            builder = builder.with_base_url(endpoint);
        }
        Ok(Arc::new(builder.build()?))
    }

    fn azure(&self, container: &str) -> StoreResult<Arc<dyn ObjectStore>> {
        choose_tls_provider();
        let mut builder = self
            .options()
            .fold(MicrosoftAzureBuilder::new(), |builder, (key, value)| {
                builder.with_config(key, value)
            })
            .with_container_name(container)
            .with_retry(retry())
            .with_allow_http(self.has_plain_endpoint());
        if let Some(endpoint) = self.endpoint() {
            builder = builder.with_endpoint(endpoint.to_owned());
        }
        Ok(Arc::new(builder.build()?))
    }

    /// Returns the options that a kind of store knows, by its own keys.
    fn options<Key: FromStr>(&self) -> impl Iterator<Item = (Key, &str)> {
        self.options.iter().filter_map(|(name, value)| {
            Some((name.to_ascii_lowercase().parse().ok()?, value.as_str()))
        })
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref().map(|endpoint| endpoint.trim_end_matches('/'))
    }

    /// Returns whether an endpoint without TLS was given. Stores refuse those by default.
    fn has_plain_endpoint(&self) -> bool {
        let named = self.options.iter().filter(|(name, _)| name.contains("ENDPOINT"));
        let mut endpoints = self.endpoint.iter().chain(named.map(|(_, value)| value));
        endpoints.any(|endpoint| endpoint.starts_with("http://"))
    }

    fn setup(&self, source: object_store::Error) -> RepositoryError {
        RepositoryError::Setup { uri: self.uri.to_string(), source: Box::new(source) }
    }
}

/// Makes a TLS provider the default of the process; without one, building a client panics. A
/// provider that the program chose before is kept.
fn choose_tls_provider() {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
}
