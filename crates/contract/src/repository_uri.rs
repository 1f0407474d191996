//! The URI of a snapshot repository, parsed once.
//!
//! | written as | variant |
//! |---|---|
//! | `s3://bucket/prefix` (also `s3a`) | [`RepositoryUri::S3`] |
//! | `gs://bucket/prefix` | [`RepositoryUri::Google`] |
//! | `az://container/prefix` (also `azure`, `abfs`, `abfss`) | [`RepositoryUri::Azure`] |
//! | `file:///folder` | [`RepositoryUri::Folder`] |

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// Characters of a folder that have a meaning of their own in a URI.
const ENCODED_IN_FOLDERS: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// Where a snapshot repository is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum RepositoryUri {
    /// An S3 bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The path in it, without slashes at its ends; empty for the whole bucket.
        prefix: String,
    },
    /// A bucket of Google Cloud Storage.
    Google {
        /// The bucket.
        bucket: String,
        /// The path in it.
        prefix: String,
    },
    /// A container of Azure Blob Storage.
    Azure {
        /// The container.
        container: String,
        /// The path in it.
        prefix: String,
    },
    /// A folder that every node of the source has mounted.
    Folder(PathBuf),
}

/// Why a text is not the URI of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RepositoryUriError {
    /// No `scheme://` at its start.
    #[error("it does not begin with a scheme")]
    NoScheme,
    /// A scheme that no reader knows.
    #[error("the scheme `{0}` is not supported")]
    Scheme(String),
    /// Nothing where the bucket, container or folder is expected.
    #[error("it names no {0}")]
    Nameless(&'static str),
    /// A character that would end the path.
    #[error("it contains `{0}`")]
    Character(char),
    /// `file://` followed by a host.
    #[error(
        "`{0}` is read as the name of a host; write a folder with three slashes, as in \
         `file:///folder`"
    )]
    Host(String),
    /// A folder that is not UTF-8 once decoded.
    #[error("its path is not UTF-8")]
    NotUtf8,
}

impl RepositoryUri {
    /// Returns the URI of a folder of this machine.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Folder(path.into())
    }

    /// Returns the folder, if the repository is one.
    pub fn as_folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::S3 { .. } | Self::Google { .. } | Self::Azure { .. } => None,
        }
    }

    /// Returns the URI of a part of this repository's place.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        let below = |prefix: &str| match prefix {
            "" => part.to_owned(),
            prefix => format!("{prefix}/{part}"),
        };
        match self {
            Self::S3 { bucket, prefix } => {
                Self::S3 { bucket: bucket.clone(), prefix: below(prefix) }
            }
            Self::Google { bucket, prefix } => {
                Self::Google { bucket: bucket.clone(), prefix: below(prefix) }
            }
            Self::Azure { container, prefix } => {
                Self::Azure { container: container.clone(), prefix: below(prefix) }
            }
            Self::Folder(path) => Self::Folder(path.join(part)),
        }
    }
}

impl FromStr for RepositoryUri {
    type Err = RepositoryUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(RepositoryUriError::NoScheme)?;
        if let Some(character) = rest.chars().find(|character| matches!(character, '?' | '#')) {
            return Err(RepositoryUriError::Character(character));
        }
        match scheme {
            "s3" | "s3a" => {
                let (bucket, prefix) = bucket_and_prefix(rest, "bucket")?;
                Ok(Self::S3 { bucket, prefix })
            }
            "gs" => {
                let (bucket, prefix) = bucket_and_prefix(rest, "bucket")?;
                Ok(Self::Google { bucket, prefix })
            }
            "az" | "azure" | "abfs" | "abfss" => {
                let (container, prefix) = bucket_and_prefix(rest, "container")?;
                Ok(Self::Azure { container, prefix })
            }
            "file" => match rest.split_once('/') {
                None | Some(("", "")) => Err(RepositoryUriError::Nameless("folder")),
                Some(("", _)) => {
                    let decoded = percent_decode_str(rest).decode_utf8();
                    folder(&decoded.map_err(|_| RepositoryUriError::NotUtf8)?)
                }
                Some((host, _)) => Err(RepositoryUriError::Host(host.to_owned())),
            },
            other => Err(RepositoryUriError::Scheme(other.to_owned())),
        }
    }
}

fn folder(path: &str) -> Result<RepositoryUri, RepositoryUriError> {
    match path.trim_end_matches('/') {
        "" => Err(RepositoryUriError::Nameless("folder")),
        path => Ok(RepositoryUri::Folder(PathBuf::from(path))),
    }
}

/// Splits at the first slash. A store keeps empty parts of a path apart, so only those at the end
/// are removed.
fn bucket_and_prefix(
    rest: &str,
    place: &'static str,
) -> Result<(String, String), RepositoryUriError> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(RepositoryUriError::Nameless(place));
    }
    Ok((bucket.to_owned(), prefix.trim_end_matches('/').to_owned()))
}

impl fmt::Display for RepositoryUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, bucket, prefix) = match self {
            Self::S3 { bucket, prefix } => ("s3", bucket, prefix),
            Self::Google { bucket, prefix } => ("gs", bucket, prefix),
            Self::Azure { container, prefix } => ("az", container, prefix),
            Self::Folder(path) => {
                let path = path.to_string_lossy();
                return write!(
                    formatter,
                    "file://{}",
                    utf8_percent_encode(&path, ENCODED_IN_FOLDERS)
                );
            }
        };
        write!(formatter, "{scheme}://{bucket}")?;
        if !prefix.is_empty() {
            write!(formatter, "/{prefix}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for RepositoryUri {
    type Error = RepositoryUriError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Serialize for RepositoryUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, RepositoryUriError> {
        text.parse::<RepositoryUri>().map(|uri| uri.to_string())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["s3://bucket", "s3://bucket/a/b", "gs://b/p", "az://c/p", "file:///srv/repo"] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read("s3://bucket/a/").as_deref(), Ok("s3://bucket/a"));
        assert_eq!(read("s3://bucket//a").as_deref(), Ok("s3://bucket//a"));
        assert_eq!(read("s3a://bucket/a").as_deref(), Ok("s3://bucket/a"));
        assert_eq!(read("abfss://c/p").as_deref(), Ok("az://c/p"));
    }

    #[test]
    fn a_folder_is_decoded_once() {
        let uri: RepositoryUri = "file:///srv/my%20repo%25".parse().expect("a URI");
        assert_eq!(uri.as_folder(), Some(Path::new("/srv/my repo%")));
        assert_eq!(uri.to_string(), "file:///srv/my%20repo%25");
        assert_eq!(uri.join("old").to_string(), "file:///srv/my%20repo%25/old");
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(read("/srv/repo"), Err(RepositoryUriError::NoScheme));
        assert_eq!(read("hdfs://a/b"), Err(RepositoryUriError::Scheme("hdfs".to_owned())));
        assert_eq!(read("s3:///a"), Err(RepositoryUriError::Nameless("bucket")));
        assert_eq!(read("file:///"), Err(RepositoryUriError::Nameless("folder")));
        assert_eq!(read("file://srv/repo"), Err(RepositoryUriError::Host("srv".to_owned())));
        assert_eq!(read("s3://a/b?c"), Err(RepositoryUriError::Character('?')));
    }
}
