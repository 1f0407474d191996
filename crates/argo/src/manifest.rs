//! Any of the objects that a compiled migration consists of.

use serde::{Serialize, de::Error as _};
use serde_json::Value;

use crate::{
    object::{ConfigMap, ObjectMeta, Role, RoleBinding, ServiceAccount},
    workflow::{Workflow, WorkflowTemplate},
};

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Manifest {
    /// Templates.
    WorkflowTemplate(WorkflowTemplate),
    /// A run.
    Workflow(Workflow),
    /// The decisions of gates, or data.
    ConfigMap(ConfigMap),
    /// The account that pods run as.
    ServiceAccount(ServiceAccount),
    /// What that account may do.
    Role(Role),
    /// Gives the Role to the account.
    RoleBinding(RoleBinding),
}

impl Manifest {
    /// Reads an object, and refuses kinds and fields that this crate does not know.
    pub fn from_value(value: Value) -> Result<Self, serde_json::Error> {
        let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(match kind.as_str() {
            "WorkflowTemplate" => Self::WorkflowTemplate(serde_json::from_value(value)?),
            "Workflow" => Self::Workflow(serde_json::from_value(value)?),
            "ConfigMap" => Self::ConfigMap(serde_json::from_value(value)?),
            "ServiceAccount" => Self::ServiceAccount(serde_json::from_value(value)?),
            "Role" => Self::Role(serde_json::from_value(value)?),
            "RoleBinding" => Self::RoleBinding(serde_json::from_value(value)?),
            other => {
                let message = format!("objects of kind `{other}` are not supported");
                return Err(serde_json::Error::custom(message));
            }
        })
    }

    /// Returns the object's kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::WorkflowTemplate(object) => &object.kind,
            Self::Workflow(object) => &object.kind,
            Self::ConfigMap(object) => &object.kind,
            Self::ServiceAccount(object) => &object.kind,
            Self::Role(object) => &object.kind,
            Self::RoleBinding(object) => &object.kind,
        }
    }

    /// Returns the object's metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::WorkflowTemplate(object) => &object.metadata,
            Self::Workflow(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
            Self::ServiceAccount(object) => &object.metadata,
            Self::Role(object) => &object.metadata,
            Self::RoleBinding(object) => &object.metadata,
        }
    }
}
