//! A template: one of container, DAG, steps, suspend or resource, with inputs and outputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    container::{Container, Volume},
    io::{Inputs, Outputs, any_scalar},
    task::{DagTask, WorkflowStep},
};

/// A template. Exactly one of `container`, `dag`, `steps`, `suspend` and `resource` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// The name.
    pub name: String,
    /// Its inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// Labels and annotations of its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<PodMetadata>,
    /// The limit of its children that run concurrently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<u32>,
    /// Whether, when and how often to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Seconds after which the node fails.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub active_deadline_seconds: Option<String>,
    /// The account of its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Whether its pods get the account's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
    /// Volumes of its pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// A process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// A graph of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dag: Option<DagTemplate>,
    /// Groups of steps: one group after the other, the steps of a group concurrently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Vec<WorkflowStep>>>,
    /// Waits until the node is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<SuspendTemplate>,
    /// A Kubernetes object to create and wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceTemplate>,
}

/// Labels and annotations of a template's pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodMetadata {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A graph of tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DagTemplate {
    /// The tasks whose outcome decides; the leaves when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The tasks.
    pub tasks: Vec<DagTask>,
    /// Whether nothing new starts after a failure (Argo's default), or all branches continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
}

/// Waits until the node is resumed, or for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendTemplate {
    /// How long; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub duration: Option<String>,
}

/// A Kubernetes object to create and wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceTemplate {
    /// `create`, for us.
    pub action: String,
    /// The workflow owns the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_owner_reference: Option<bool>,
    /// The node succeeds when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_condition: Option<String>,
    /// The node fails when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_condition: Option<String>,
    /// The object, as YAML text.
    pub manifest: String,
}

/// Whether, when and how often to try again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryStrategy {
    /// How often, beyond the first time.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub limit: Option<String>,
    /// `Always`, `OnFailure`, `OnError` or `OnTransientError`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<String>,
    /// Try again only if this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// How long to wait before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

/// How long to wait between attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backoff {
    /// The first wait, as in `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub duration: Option<String>,
    /// Each wait is this many times the one before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub factor: Option<String>,
    /// The longest wait.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub cap: Option<String>,
    /// No new attempt after this long.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "any_scalar")]
    pub max_duration: Option<String>,
}
