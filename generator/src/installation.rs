//! What does an installation decide for all of its migrations?
//!
//! This is the second input of the compiler. The caller decides where the values come from; the
//! compiler itself reads no environment, so the same two inputs always give the same bytes.

use std::{fmt, str::FromStr};

use argo::names;
use contract::RepositoryUri;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What an installation decides for all of its migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Installation {
    /// The name of the workflow, and of the WorkflowTemplate that it starts.
    pub workflow_name: String,
    /// Where the images of the steps are, as in `registry.example.com/argosy`.
    pub image_registry: String,
    /// The tag of these images.
    pub image_tag: String,
    /// When images are pulled: `Always`, `IfNotPresent` or `Never`.
    pub image_pull_policy: String,
    /// The account that pods run as.
    pub service_account: String,
    /// The repository of the sources that name none: a folder in it for each.
    pub default_snapshot_repository: Option<DefaultRepository>,
    /// Where pods find the folders of `file://` repositories.
    pub snapshot_volume: Option<SnapshotVolume>,
    /// What the steps are. It only decides which findings there are.
    pub steps: Steps,
}

/// What the steps of a migration are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Steps {
    /// Processes of this machine, which see its folders.
    #[default]
    Processes,
    /// Pods, which see what is mounted into them.
    Pods,
}

/// A PersistentVolumeClaim and the folder that pods see it at, as in `snapshots:/mnt/snapshots`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotVolume {
    claim: String,
    path: String,
}

/// Not a claim and a folder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a claim and a folder; write for example `snapshots:/mnt/snapshots`")]
pub struct SnapshotVolumeError(String);

impl SnapshotVolume {
    /// Returns the claim's name.
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// Returns the folder, without a slash at its end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether a repository is in the folder.
    pub(crate) fn holds(&self, uri: &RepositoryUri) -> bool {
        uri.as_folder().is_some_and(|folder| folder.starts_with(&self.path))
    }
}

impl FromStr for SnapshotVolume {
    type Err = SnapshotVolumeError;

    /// The folder has plain characters only: `{{` has a meaning for Argo, and `:` for Kubernetes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || SnapshotVolumeError(text.to_owned());
        let (claim, path) = text.split_once(':').ok_or_else(wrong)?;
        let path = path.trim_end_matches('/');
        let plain = |part: &str| {
            let fits = |character: char| character.is_alphanumeric() || "-_.".contains(character);
            !part.is_empty() && part.chars().all(fits) && !matches!(part, "." | "..")
        };
        let folders = path.strip_prefix('/').ok_or_else(wrong)?;
        if !claim.split('.').all(names::is_allowed) || !folders.split('/').all(plain) {
            return Err(wrong());
        }
        Ok(Self { claim: claim.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for SnapshotVolume {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.claim, self.path)
    }
}

impl TryFrom<String> for SnapshotVolume {
    type Error = SnapshotVolumeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SnapshotVolume> for String {
    fn from(volume: SnapshotVolume) -> Self {
        volume.to_string()
    }
}

/// The repository of the sources that name none: a folder in it for each, with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefaultRepository {
    /// `s3://`, `gs://`, `az://` or `file://`.
    pub repo_path_uri: String,
    /// The AWS region of an S3 bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// The URL of an S3-compatible service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The role that an AWS-managed source assumes to write the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_role_arn: Option<String>,
    /// The Secret with the keys that steps read the repository with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            workflow_name: "migration-workflow".to_owned(),
            image_registry: "localhost".to_owned(),
            image_tag: env!("CARGO_PKG_VERSION").to_owned(),
            image_pull_policy: "IfNotPresent".to_owned(),
            service_account: "argosy-workflow".to_owned(),
            default_snapshot_repository: None,
            snapshot_volume: None,
            steps: Steps::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_a_claim_and_a_folder() {
        let volume: SnapshotVolume = "nfs.a:/mnt/snapshots/".parse().expect("a volume");
        assert_eq!((volume.claim(), volume.path()), ("nfs.a", "/mnt/snapshots"));
        assert_eq!(volume.to_string(), "nfs.a:/mnt/snapshots");
        let holds = |uri: &str| volume.holds(&uri.parse().expect("a URI"));
        for held in ["file:///mnt/snapshots", "file:///mnt/snapshots/a"] {
            assert!(holds(held), "{held}");
        }
        for other in ["file:///mnt/snapshots-2", "file:///mnt", "s3://mnt/snapshots"] {
            assert!(!holds(other), "{other}");
        }
        let wrong =
            ["a", "a:", "a:/", "a:mnt", ":/mnt", "A:/mnt", "a:/m/../x", "a:/{{x}}", "a:/m:ro"];
        for text in wrong {
            assert!(text.parse::<SnapshotVolume>().is_err(), "{text}");
        }
    }
}
