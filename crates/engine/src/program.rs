//! What runs? Templates with every name resolved, proved to be what this engine can do.

use std::collections::{BTreeMap, BTreeSet};

use argo::{
    Container, Parameter, ResourceTemplate, RetryStrategy, Template,
    container::Volume,
    task::{ContinueOn, Sequence},
    template::PodMetadata,
};
use serde_json::Value;

use crate::{
    depends::Depends,
    state::{ConfigMapKey, RunState},
};

/// Manifests that were checked: everything in them can be run here.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) entrypoint: TemplateIndex,
    pub(crate) on_exit: Option<TemplateIndex>,
    pub(crate) arguments: Vec<Parameter>,
    pub(crate) parallelism: Option<u32>,
    pub(crate) retry_strategy: Option<RetryStrategy>,
    pub(crate) service_account: String,
    pub(crate) pod_metadata: PodMetadata,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) templates: Vec<Callable>,
    pub(crate) config_maps: BTreeMap<ConfigMapKey, String>,
    pub(crate) gates: Vec<GatePlace>,
}

impl Program {
    /// Returns the Workflow's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the gates, in the order in which they are reached.
    pub(crate) fn gates(&self) -> &[GatePlace] {
        &self.gates
    }

    pub(crate) fn template(&self, index: TemplateIndex) -> Option<&Callable> {
        self.templates.get(index.0)
    }

    /// Returns an entry of a ConfigMap as it is now.
    pub(crate) fn config_map_entry<'a>(
        &'a self,
        key: &ConfigMapKey,
        state: &'a RunState,
    ) -> Option<&'a String> {
        state.config_map_entries.get(key).or_else(|| self.config_maps.get(key))
    }
}

/// The place of a template in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TemplateIndex(pub(crate) usize);

/// A template that can be called.
#[derive(Clone, Debug)]
pub(crate) struct Callable {
    /// The template as it was submitted.
    pub(crate) template: Template,
    /// What it does.
    pub(crate) body: Body,
    /// Calls whose `outputs.result` it uses: their standard output is kept.
    pub(crate) results: BTreeSet<String>,
}

/// What a template does.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Container(Box<Container>),
    Resource(ResourceTemplate),
    Suspend { duration: Option<String> },
    Dag(Dag),
    Steps(Vec<Vec<Call>>),
}

impl Body {
    /// Returns whether a pod is made for it.
    pub(crate) fn is_pod(&self) -> bool {
        matches!(self, Self::Container(_) | Self::Resource(_))
    }
}

/// A DAG; each task comes after those that it depends on.
#[derive(Clone, Debug)]
pub(crate) struct Dag {
    pub(crate) tasks: Vec<Task>,
    /// The tasks whose outcome decides.
    pub(crate) targets: Vec<String>,
    pub(crate) fail_fast: FailFast,
}

impl Dag {
    pub(crate) fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.call.name == name)
    }
}

/// Whether a DAG ends when a target has failed, or only when all are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailFast {
    Yes,
    No,
}

/// A task of a DAG.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) call: Call,
    pub(crate) depends: Option<Depends>,
    /// The tasks named in `depends`.
    pub(crate) dependencies: BTreeSet<String>,
}

/// A call of a template.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) callee: TemplateIndex,
    pub(crate) arguments: Vec<Parameter>,
    pub(crate) when: Option<String>,
    pub(crate) expansion: Expansion,
    pub(crate) continue_on: ContinueOn,
}

/// Whether a call is made once, or once an item.
#[derive(Clone, Debug)]
pub(crate) enum Expansion {
    Once,
    Items(Vec<Value>),
    Parameter(String),
    Sequence(Sequence),
}

/// A gate in the templates.
#[derive(Clone, Debug)]
pub(crate) struct GatePlace {
    /// The name of the call.
    pub(crate) name: String,
    /// The ConfigMap entry with its decision; may contain tags.
    pub(crate) decision: Option<ConfigMapKey>,
    /// Names of the calls of the template that holds it.
    pub(crate) callers: BTreeSet<String>,
}
