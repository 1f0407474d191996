//! A folder becomes objects of a bucket, as a repository that a server wrote to disk has to for the
//! tests: none of the servers here can write to S3 by itself.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use object_store::{ObjectStoreExt as _, aws::AmazonS3Builder};

/// A bucket, and what opens it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Where the server is.
    pub endpoint: String,
    /// The name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
}

impl Bucket {
    /// Puts every file of a folder into the bucket, under a prefix.
    pub fn upload(&self, folder: &Path, prefix: &str) -> Result<()> {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let store = AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret_key)
            .with_allow_http(true)
            .build()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder)?.display();
                let key = format!("{prefix}/{name}").into();
                runtime.block_on(store.put(&key, fs::read(&path)?.into()))?;
            }
        }
        Ok(())
    }
}
