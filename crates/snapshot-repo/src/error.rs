//! What can go wrong with a repository, in words that end with what to do.

use std::fmt;

use object_store::path::Path;

/// A repository that could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The URI of the repository cannot be used.
    #[error("`{uri}` is not a repository location: {reason}; use s3://, gs://, az:// or file:///")]
    Location {
        /// The URI as given.
        uri: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting of the object store is not valid.
    #[error("cannot set up access to `{uri}`; check the repository's region, endpoint and options")]
    Setup {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A `file://` repository's folder does not exist.
    #[error("the folder of `{uri}` does not exist here; mount it or correct the repository's URI")]
    FolderMissing {
        /// The URI of the repository.
        uri: String,
    },
    /// The bucket or container does not exist.
    #[error("the bucket of `{uri}` does not exist; check its name, region and endpoint")]
    BucketMissing {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The credentials may not read the repository.
    #[error(
        "access to `{blob}` in `{uri}` is denied; give these credentials read and list permission, \
         and decrypt permission when the bucket is encrypted with a managed key"
    )]
    Denied {
        /// The URI of the repository.
        uri: String,
        /// The blob or prefix that was asked for.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// There are no credentials, or the store does not accept them.
    #[error(
        "the store of `{uri}` does not accept the credentials; check that they are set, complete and not expired"
    )]
    Credentials {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The bucket is in another region.
    #[error(
        "the bucket of `{uri}` is in another region than `{region}`; set the repository's region to the bucket's"
    )]
    WrongRegion {
        /// The URI of the repository.
        uri: String,
        /// The region that was used.
        region: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The store cannot be reached.
    #[error(
        "the store of `{uri}` cannot be reached; check the endpoint, name resolution and network access"
    )]
    Unreachable {
        /// The URI of the repository.
        uri: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// Any other failed read.
    #[error(
        "cannot read `{blob}` in `{uri}`; try again, and look at the store's own log if it stays"
    )]
    Read {
        /// The URI of the repository.
        uri: String,
        /// The blob or prefix that was asked for.
        blob: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A blob that another blob names is absent.
    #[error(
        "`{blob}` is missing in `{uri}`, though the repository refers to it; was the snapshot deleted \
         meanwhile, or the repository copied incompletely? take the snapshot again"
    )]
    BlobMissing {
        /// The URI of the repository.
        uri: String,
        /// The absent blob.
        blob: String,
    },
    /// A shard with a hashed path is at none of the places where it may be.
    #[error(
        "shard {shard} of `{index}` in `{uri}` has a hashed path, but is in none of these folders: \
         `{tried}`; hashed folders may lie outside of the base path: copy the whole bucket or \
         location of the repository, and point the URI to the base path in it"
    )]
    ShardFolderMissing {
        /// The URI of the repository.
        uri: String,
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// The folders that were looked at.
        tried: String,
    },
    /// The prefix holds no repository.
    #[error(
        "`{uri}` holds no snapshot repository (no `index.latest`, no `index-N`); point it to the folder \
         that the cluster registered: bucket and base path"
    )]
    NoRepository {
        /// The URI of the repository.
        uri: String,
    },
    /// The prefix holds a repository of a kind that is not read.
    #[error("`{blob}` in `{uri}`: {what} is not supported yet; {instead}")]
    Unsupported {
        /// The URI of the repository.
        uri: String,
        /// Where it was found.
        blob: String,
        /// What was found.
        what: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// There is no snapshot of this name.
    #[error("`{uri}` has no snapshot `{name}`; {hint}")]
    UnknownSnapshot {
        /// The URI of the repository.
        uri: String,
        /// The name asked for.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The snapshot is of the whole index but not of this shard.
    #[error(
        "snapshot `{snapshot}` ({state}) does not hold shard {shard} of `{index}`: {reason}; take the \
         snapshot again once all shards are assigned, or leave this index out"
    )]
    ShardNotInSnapshot {
        /// The snapshot's name.
        snapshot: String,
        /// The snapshot's state.
        state: String,
        /// The index.
        index: String,
        /// The shard's number.
        shard: u32,
        /// Why, as the snapshot tells it.
        reason: String,
    },
    /// A blob is not what it should be.
    #[error(
        "`{blob}` in `{uri}` is damaged: {damage}; take the snapshot again or restore the blob from a copy"
    )]
    Damaged {
        /// The URI of the repository.
        uri: String,
        /// The damaged blob.
        blob: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A Lucene file of a shard cannot be read.
    #[error(
        "file `{file}` (blob `{blob}` in `{uri}`) is damaged at byte {offset}: {damage}; take the snapshot \
         again or restore the blob from a copy"
    )]
    DamagedFile {
        /// The URI of the repository.
        uri: String,
        /// The blob, with its shard's path.
        blob: String,
        /// The Lucene file's name.
        file: String,
        /// The position in the Lucene file.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The content of a Lucene file cannot be decoded.
    #[error(
        "cannot decode blob `{blob}` in `{uri}`: {damage}; take the snapshot again or restore the blob \
         from a copy"
    )]
    Decode {
        /// The URI of the repository.
        uri: String,
        /// The blob, with its shard's path.
        blob: String,
        /// What is wrong in which file at which byte.
        damage: Damage,
    },
    /// A read was given up in its middle, or failed before.
    #[error(
        "the reading of shard `{shard}` stopped before its end; begin again after the last document that arrived"
    )]
    Stopped {
        /// The shard's folder.
        shard: String,
    },
}

/// What is wrong with some bytes, as the end of a sentence about their blob.
#[derive(Debug)]
pub struct Damage(String);

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Damage {
    /// Says what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<String> for Damage {
    fn from(what: String) -> Self {
        Self(what)
    }
}

impl From<&str> for Damage {
    fn from(what: &str) -> Self {
        Self(what.into())
    }
}

/// What a failed request to the store was about.
pub(crate) fn from_store(
    uri: &str,
    region: Option<&str>,
    blob: &Path,
    error: object_store::Error,
) -> RepositoryError {
    let said = chain(&error);
    let uri = uri.to_owned();
    let blob = blob.to_string();
    let source = Box::new(error);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["NoSuchBucket", "The specified bucket does not exist", "ContainerNotFound"]) {
        return RepositoryError::BucketMissing { uri, source };
    }
    if has(&[
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "Received redirect without LOCATION",
    ]) {
        let region = region.unwrap_or("us-east-1").to_owned();
        return RepositoryError::WrongRegion { uri, region, source };
    }
    if has(&[
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "AuthenticationFailed",
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
    ]) {
        return RepositoryError::Credentials { uri, source };
    }
    match *source {
        object_store::Error::NotFound { .. } => RepositoryError::BlobMissing { uri, blob },
        object_store::Error::PermissionDenied { .. } => {
            RepositoryError::Denied { uri, blob, source }
        }
        object_store::Error::Unauthenticated { .. } => RepositoryError::Credentials { uri, source },
        _ if has(&["Permission denied"]) => RepositoryError::Denied { uri, blob, source },
        _ if has(&[
            "error sending request",
            "dns error",
            "failed to lookup address",
            "Connection refused",
            "tcp connect error",
            "timed out",
        ]) =>
        {
            RepositoryError::Unreachable { uri, source }
        }
        _ => RepositoryError::Read { uri, blob, source },
    }
}

/// An error's text with that of all its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push_str("; ");
        said.push_str(&cause.to_string());
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::{RepositoryError, from_store};

    fn told(body: &str) -> RepositoryError {
        let error = object_store::Error::Generic { store: "S3", source: body.into() };
        from_store("s3://bucket/prefix", Some("eu-west-1"), &Path::from("index.latest"), error)
    }

    #[test]
    fn what_a_store_says_is_told_in_its_own_words() {
        let bucket = told("<Error><Code>NoSuchBucket</Code></Error>");
        assert!(matches!(bucket, RepositoryError::BucketMissing { .. }), "{bucket}");
        let region = told("<Code>AuthorizationHeaderMalformed</Code>").to_string();
        assert!(region.contains("in another region than `eu-west-1`"), "{region}");
        let key = told("<Code>InvalidAccessKeyId</Code>");
        assert!(matches!(key, RepositoryError::Credentials { .. }), "{key}");
        let host = told("error sending request: dns error: failed to lookup address");
        assert!(matches!(host, RepositoryError::Unreachable { .. }), "{host}");
        let other = told("<Code>InternalError</Code>");
        assert!(matches!(other, RepositoryError::Read { .. }), "{other}");
    }

    #[test]
    fn a_denied_read_names_the_blob() {
        let path = "prefix/index.latest".to_owned();
        let error = object_store::Error::PermissionDenied { path, source: "403".into() };
        let told = from_store("s3://b/prefix", None, &Path::from("prefix/index.latest"), error);
        assert!(
            told.to_string()
                .starts_with("access to `prefix/index.latest` in `s3://b/prefix` is denied")
        );
    }
}
