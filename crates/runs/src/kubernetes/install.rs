//! Applies the objects of an installation, and reports everything that is not permitted together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    error::ArgoError,
    fault::Fault,
    server::{Server, text},
};
use crate::{error::BackendError, object_kind::ObjectKind};

/// What the API server says when a Role would give more rights than its creator has.
const ESCALATION: &str = "attempting to grant";

/// What applying an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It did not exist.
    Created,
    /// It existed and was different.
    Changed,
    /// It existed and was the same.
    Unchanged,
}

/// Applies objects in their order. Once a kind is not permitted, other objects of it are skipped.
pub(super) async fn install(
    server: &Server,
    objects: &[Value],
) -> Result<Vec<Applied>, BackendError> {
    let mut outcomes = Vec::new();
    let mut refused: BTreeMap<ObjectKind, Fault> = BTreeMap::new();
    for object in objects {
        let Some(kind) = ObjectKind::named(text(object, "/kind")) else { continue };
        if refused.contains_key(&kind) {
            continue;
        }
        match apply(server, kind, object).await {
            Ok(outcome) => outcomes.push(outcome),
            // Without the namespace, nothing else can exist.
            Err(fault @ Fault::Forbidden { .. }) if kind == ObjectKind::Namespace => {
                return Err(fault.into());
            }
            Err(fault @ Fault::Forbidden { .. }) => {
                refused.insert(kind, fault);
            }
            Err(other) => return Err(other.into()),
        }
    }
    if refused.is_empty() {
        return Ok(outcomes);
    }
    let forbidden = ArgoError::InstallForbidden {
        refusals: refused.values().map(reason).collect(),
        applied: outcomes.len(),
        all: objects.len(),
        namespace: server.namespace.clone(),
    };
    Err(forbidden.into())
}

async fn apply(server: &Server, kind: ObjectKind, object: &Value) -> Result<Applied, Fault> {
    if kind == ObjectKind::Namespace {
        return create_namespace(server, kind, object).await;
    }
    let version = |object: &Value| text(object, "/metadata/resourceVersion").to_owned();
    let before = server.get(kind, text(object, "/metadata/name")).await?;
    let after = server.apply(kind, object).await?;
    Ok(match before {
        None => Applied::Created,
        Some(before) if version(&before) == version(&after) => Applied::Unchanged,
        Some(_) => Applied::Changed,
    })
}

/// Creates a namespace. An existing one is left unchanged.
async fn create_namespace(
    server: &Server,
    kind: ObjectKind,
    object: &Value,
) -> Result<Applied, Fault> {
    match server.create(kind, object).await {
        Err(Fault::Conflict { .. }) => Ok(Applied::Unchanged),
        // A forbidden create does not say whether the namespace exists, so read it.
        Err(fault @ Fault::Forbidden { .. }) => {
            match server.get(kind, text(object, "/metadata/name")).await {
                Ok(Some(_)) => Ok(Applied::Unchanged),
                _ => Err(fault),
            }
        }
        created => created.map(|_| Applied::Created),
    }
}

/// Returns what is missing. A Role cannot give rights that its creator does not have.
fn reason(fault: &Fault) -> String {
    match fault {
        Fault::Forbidden { operation, message } if message.contains(ESCALATION) => format!(
            "not permitted: the {} gives rights that this account does not have itself, which \
             Kubernetes refuses ({message}); the installing account needs those rights, or this \
             rule in a Role of the namespace:\n  - apiGroups: [rbac.authorization.k8s.io]\n    \
             resources: [roles]\n    verbs: [escalate, bind]",
            operation.kind.name()
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Operation;
    use super::*;

    fn forbidden(message: &str) -> Fault {
        let operation = Operation {
            verb: "patch".to_owned(),
            kind: ObjectKind::Role,
            subresource: None,
            name: "argosy-console".to_owned(),
            namespace: "ma".to_owned(),
        };
        Fault::Forbidden { operation, message: message.to_owned() }
    }

    #[test]
    fn rights_that_one_lacks_oneself_are_told_apart_from_rights_to_write() {
        let lacking = reason(&forbidden("user \"ann\" is attempting to grant RBAC permissions"));
        assert!(lacking.contains("[escalate, bind]"), "{lacking}");
        let plain = reason(&forbidden("roles is forbidden"));
        assert!(plain.contains("verbs: [patch]") && !plain.contains("escalate"), "{plain}");
    }
}
