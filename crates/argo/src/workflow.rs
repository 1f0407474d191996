//! Workflow and WorkflowTemplate.

use serde::{Deserialize, Serialize};

use crate::{
    container::Volume,
    io::Arguments,
    object::ObjectMeta,
    template::{PodMetadata, RetryStrategy, Template},
};

/// The API version of Argo's objects.
pub(crate) const API_VERSION: &str = "argoproj.io/v1alpha1";

/// Templates that workflows refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowTemplate {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `WorkflowTemplate`.
    pub kind: String,
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// The templates and how to start them.
    pub spec: WorkflowSpec,
}

impl WorkflowTemplate {
    /// Makes a WorkflowTemplate.
    pub fn new(metadata: ObjectMeta, spec: WorkflowSpec) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: "WorkflowTemplate".to_owned(),
            metadata,
            spec,
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workflow {
    /// `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// `Workflow`.
    pub kind: String,
    /// Name and labels.
    pub metadata: ObjectMeta,
    /// What runs.
    pub spec: WorkflowSpec,
}

impl Workflow {
    /// Makes a Workflow.
    pub fn new(metadata: ObjectMeta, spec: WorkflowSpec) -> Self {
        Self { api_version: API_VERSION.to_owned(), kind: "Workflow".to_owned(), metadata, spec }
    }
}

/// What runs, in a Workflow or a WorkflowTemplate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowSpec {
    /// The template to start with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// The template to run at the end, however it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exit: Option<String>,
    /// Parameters for the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arguments>,
    /// The limit of pods that run concurrently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
    /// The account of all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Whether pods get the account's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
    /// Labels and annotations of all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<PodMetadata>,
    /// When pods are deleted.
    #[serde(default, rename = "podGC", skip_serializing_if = "Option::is_none")]
    pub pod_gc: Option<PodGc>,
    /// The retry rule of templates that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Volumes of all pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// The WorkflowTemplate that holds all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_template_ref: Option<WorkflowTemplateReference>,
    /// The templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
}

/// Names the WorkflowTemplate that a Workflow runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowTemplateReference {
    /// Its name.
    pub name: String,
}

/// When pods are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodGc {
    /// `OnPodSuccess`, `OnWorkflowSuccess`, ...
    pub strategy: String,
}
