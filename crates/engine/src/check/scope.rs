//! What is a template checked against? The run it is part of, and its place in it.

use std::collections::{BTreeMap, BTreeSet};

use argo::{Parameter, RetryStrategy, Template, container::Volume, template::PodMetadata};

use crate::program::TemplateIndex;

/// The key of a template: the name of its object (none for the Workflow) and its own name.
pub(super) type TemplateKey = (Option<String>, String);

/// The spec that runs: the Workflow's own, with what it leaves open from the WorkflowTemplate
/// that it refers to.
pub(super) struct MergedSpec {
    pub(super) entrypoint: Option<String>,
    pub(super) on_exit: Option<String>,
    pub(super) arguments: Vec<Parameter>,
    pub(super) parallelism: Option<u32>,
    pub(super) retry_strategy: Option<RetryStrategy>,
    pub(super) service_account: Option<String>,
    pub(super) pod_metadata: PodMetadata,
    pub(super) volumes: Vec<Volume>,
}

/// The place of a template.
pub(super) struct Scope<'a> {
    /// The object that it belongs to; none for the Workflow.
    pub(super) holder: &'a Option<String>,
    /// The spec of the run.
    pub(super) spec: &'a MergedSpec,
    /// All templates by name.
    pub(super) index: &'a BTreeMap<TemplateKey, TemplateIndex>,
    /// All templates by place.
    pub(super) written: &'a [&'a Template],
    /// The names that outputs have for the whole run.
    pub(super) exported: &'a BTreeSet<&'a str>,
    /// The place in its object.
    pub(super) path: String,
}

impl Scope<'_> {
    /// Returns the place of a field.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}
