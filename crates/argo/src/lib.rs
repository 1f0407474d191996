//! What does a manifest look like? The typed subset of Argo's manifests that we emit and run.
//!
//! Field names and meanings are those of Argo Workflows' own reference
//! (<https://argo-workflows.readthedocs.io/en/latest/fields/>), kept to what 3.5 to 4.x share.
//! Every type refuses unknown fields when read: a manifest that was read can be run or emitted
//! without anything being dropped. [`Manifest`] is any of the objects, [`yaml`] their text,
//! [`names`] the one function that makes names, [`WorkflowStatus`] what a run looks like,
//! [`convention`] the labels, names and words that our own manifests share.

pub mod container;
pub mod convention;
pub mod io;
mod manifest;
pub mod names;
pub mod object;
mod size;
mod status;
pub mod task;
pub mod template;
mod workflow;
pub mod yaml;

pub use container::{Container, EnvVar};
pub use io::{Arguments, Inputs, Outputs, Parameter, ValueFrom};
pub use manifest::Manifest;
pub use object::{ConfigMap, ObjectMeta, PolicyRule, Role, RoleBinding, ServiceAccount};
pub use size::json_size;
pub use status::{NodePhase, NodeStatus, NodeType, UnknownPhase, WorkflowStatus};
pub use task::{DagTask, TemplateRef, WorkflowStep};
pub use template::{DagTemplate, ResourceTemplate, RetryStrategy, SuspendTemplate, Template};
pub use workflow::{Workflow, WorkflowSpec, WorkflowTemplate, WorkflowTemplateReference};
