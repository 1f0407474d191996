//! What does the place where migrations run say, beside the migration file?
//!
//! The second input of the compiler. Whoever calls it decides where the values come from; the
//! compiler itself reads no environment, so the same two inputs always give the same bytes.

use serde::{Deserialize, Serialize};

/// What an installation decides for all of its migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Installation {
    /// The name of the workflow, and of the WorkflowTemplate behind it.
    pub workflow_name: String,
    /// Where the images of the steps are, as in `registry.example.com/argosy`.
    pub image_registry: String,
    /// The tag of these images.
    pub image_tag: String,
    /// When images are pulled: `Always`, `IfNotPresent` or `Never`.
    pub image_pull_policy: String,
    /// The account that pods run as.
    pub service_account: String,
    /// Where sources that name no repository have theirs, in a folder each.
    pub default_snapshot_repository: Option<DefaultRepository>,
}

/// Where sources that name no repository have theirs: each in a folder with its name.
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
    /// The role that an AWS-managed source takes to write the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_role_arn: Option<String>,
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
        }
    }
}
