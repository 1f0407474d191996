//! Objects of an installation, applied; and all that is not permitted, at once.

use std::collections::BTreeMap;

use contract::Exit;
use serde_json::Value;

use super::{
    fault::Fault,
    kind::Kind,
    server::{Server, text},
};
use cli_support::output::failure;

/// What the API server says when a Role would give more than its maker has.
const ESCALATION: &str = "attempting to grant";

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was not there.
    Created,
    /// It was another.
    Changed,
    /// It was so already.
    Unchanged,
}

/// Applies objects in their order; of one kind that is not permitted the others are not tried.
pub(super) async fn install(server: &Server, objects: &[Value]) -> anyhow::Result<Vec<Applied>> {
    let mut outcomes = Vec::new();
    let mut refused: BTreeMap<Kind, Fault> = BTreeMap::new();
    for object in objects {
        let Some(kind) = Kind::named(text(object, "/kind")) else { continue };
        if refused.contains_key(&kind) {
            continue;
        }
        match apply(server, kind, object).await {
            Ok(outcome) => outcomes.push(outcome),
            // Without it, nothing else can be.
            Err(fault @ Fault::Forbidden { .. }) if kind == Kind::Namespace => {
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
    let mut lines: Vec<String> = refused.values().map(reason).collect();
    lines.push(format!(
        "{} of {} objects were applied; who may do the rest: `workflow install --print --namespace \
         {} | kubectl apply -f -`",
        outcomes.len(),
        objects.len(),
        server.namespace
    ));
    Err(failure(Exit::NotPermitted, lines.join("\n")))
}

async fn apply(server: &Server, kind: Kind, object: &Value) -> Result<Applied, Fault> {
    if kind == Kind::Namespace {
        return make(server, kind, object).await;
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

/// Makes a namespace. One that is there stays as whoever made it wanted it.
async fn make(server: &Server, kind: Kind, object: &Value) -> Result<Applied, Fault> {
    match server.create(kind, object).await {
        Err(Fault::Conflict { .. }) => Ok(Applied::Unchanged),
        // Who may not make it cannot learn so whether it is there.
        Err(fault @ Fault::Forbidden { .. }) => {
            match server.get(kind, text(object, "/metadata/name")).await {
                Ok(Some(_)) => Ok(Applied::Unchanged),
                _ => Err(fault),
            }
        }
        made => made.map(|_| Applied::Created),
    }
}

/// Says what is missing. Nobody may give away by a Role what they do not have.
fn reason(fault: &Fault) -> String {
    match fault {
        Fault::Forbidden { wish, message } if message.contains(ESCALATION) => format!(
            "not permitted: the {} gives rights that this account does not have itself, and \
             nobody may give away more than that ({message}); whoever installs needs those rights, \
             or in a Role of the namespace:\n  - apiGroups: [rbac.authorization.k8s.io]\n    \
             resources: [roles]\n    verbs: [escalate, bind]",
            wish.kind.name()
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Wish;
    use super::*;

    fn forbidden(message: &str) -> Fault {
        let wish = Wish {
            verb: "patch".to_owned(),
            kind: Kind::Role,
            subresource: None,
            name: "argosy-console".to_owned(),
            namespace: "ma".to_owned(),
        };
        Fault::Forbidden { wish, message: message.to_owned() }
    }

    #[test]
    fn rights_that_one_lacks_oneself_are_told_apart_from_rights_to_write() {
        let lacking = reason(&forbidden("user \"ann\" is attempting to grant RBAC permissions"));
        assert!(lacking.contains("[escalate, bind]"), "{lacking}");
        let plain = reason(&forbidden("roles is forbidden"));
        assert!(plain.contains("verbs: [patch]") && !plain.contains("escalate"), "{plain}");
    }
}
