//! The objects of a submission: labelled, and owned by their Workflow.

use std::collections::BTreeMap;

use argo::{
    Manifest,
    convention::{
        decisions,
        label::{ARGO_PARAMETERS, PART_OF, WORKFLOW},
    },
};
use generator::ClearTextSecret;
use serde_json::{Map, Value, json};

use crate::object_kind::ObjectKind;

/// The label of a Workflow that Argo's controller leaves alone; it is taken away as soon as all
/// that the Workflow needs is there.
pub(super) const HOLD: (&str, &str) =
    ("workflows.argoproj.io/controller-instanceid", "argosy-submitting");

/// The objects of a submission.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Accounts and their permissions.
    pub(super) access: Vec<(ObjectKind, Value)>,
    /// Objects that all workflows share.
    pub(super) shared: Vec<(ObjectKind, Value)>,
    /// Objects of this workflow alone.
    pub(super) owned: Vec<(ObjectKind, Value)>,
    /// The Workflow itself.
    pub(super) workflow: Value,
}

/// Sorts the compiled manifests.
pub(super) fn sorted(
    manifests: &[Manifest],
    secrets: &[ClearTextSecret],
    workflow: &str,
) -> Result<Objects, serde_json::Error> {
    let mut objects = Objects::default();
    for manifest in manifests {
        let value = serde_json::to_value(manifest)?;
        let is_own = manifest.metadata().labels.contains_key(WORKFLOW);
        let Some(kind) = ObjectKind::named(manifest.kind()) else { continue };
        match kind {
            ObjectKind::Workflow => objects.workflow = value,
            ObjectKind::ServiceAccount | ObjectKind::Role | ObjectKind::RoleBinding => {
                objects.access.push((kind, value));
            }
            _ if is_own => objects.owned.push((kind, value)),
            _ => objects.shared.push((kind, value)),
        }
    }
    for ClearTextSecret { name, data } in secrets {
        objects.owned.push((ObjectKind::Secret, secret(name, &labels(workflow), data)));
    }
    Ok(objects)
}

/// Returns the labels of an object of a workflow.
pub(super) fn labels(workflow: &str) -> BTreeMap<&str, &str> {
    BTreeMap::from([PART_OF, (WORKFLOW, workflow)])
}

/// Returns a Secret.
pub(super) fn secret(
    name: &str,
    labels: &BTreeMap<&str, &str>,
    entries: &BTreeMap<String, String>,
) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "labels": labels },
        "type": "Opaque",
        "stringData": entries,
    })
}

/// Makes the Workflow of uid `uid` the owner of an object: it goes when the Workflow goes.
pub(super) fn owned(mut object: Value, workflow: &str, uid: &str) -> Value {
    let owner = json!([{
        "apiVersion": ObjectKind::Workflow.api_version(),
        "kind": ObjectKind::Workflow.name(),
        "name": workflow,
        "uid": uid,
    }]);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("ownerReferences".to_owned(), owner);
    }
    object
}

/// Puts a Workflow on hold: Argo's controller does not start it.
pub(super) fn put_on_hold(mut workflow: Value) -> Value {
    let (label, value) = HOLD;
    if let Some(metadata) = workflow.get_mut("metadata").and_then(Value::as_object_mut) {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(label.to_owned(), value.into());
        }
    }
    workflow
}

/// Returns the change that removes the hold of the Workflow of that uid.
pub(super) fn release(uid: &str) -> Value {
    json!({ "metadata": { "uid": uid, "labels": { HOLD.0: null } } })
}

/// Returns the change after which Argo's controller starts the Workflow of that uid as if it were new.
pub(super) fn restarted(uid: &str) -> Value {
    let labels = json!({
        "workflows.argoproj.io/completed": null,
        "workflows.argoproj.io/phase": null,
    });
    json!({ "metadata": { "uid": uid, "labels": labels }, "status": null })
}

/// Returns whether a Workflow is on hold.
pub(super) fn is_on_hold(workflow: &Value) -> bool {
    let labels = workflow.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(HOLD.0)).and_then(Value::as_str) == Some(HOLD.1)
}

/// Returns whether an object has that owner.
pub(super) fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut owners = owners.into_iter().flatten();
    owners.any(|owner| owner.get("uid").and_then(Value::as_str) == Some(uid))
}

/// Returns whether an object has every field of ours, whatever else it has.
pub(super) fn contains(object: &Value, ours: &Value) -> bool {
    match (object, ours) {
        (Value::Object(object), Value::Object(ours)) => ours
            .iter()
            .all(|(key, value)| object.get(key).is_some_and(|known| contains(known, value))),
        (Value::Array(object), Value::Array(ours)) => {
            object.len() == ours.len() && object.iter().zip(ours).all(|(a, b)| contains(a, b))
        }
        (object, ours) => object == ours,
    }
}

/// Returns a ConfigMap of decisions, for a workflow that has none.
pub(super) fn decisions(workflow: &str, uid: &str, data: &Map<String, Value>) -> Value {
    let mut labels = labels(workflow);
    labels.extend([ARGO_PARAMETERS]);
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": decisions::map_name(workflow), "labels": labels },
        "data": data,
    });
    owned(map, workflow, uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_on_hold_until_it_is_released() {
        let workflow = put_on_hold(json!({ "metadata": { "name": "w" } }));
        assert!(is_on_hold(&workflow));
        assert!(!is_on_hold(&json!({ "metadata": { "name": "w", "labels": { "a": "b" } } })));
        let label = "workflows.argoproj.io/controller-instanceid";
        let expected = json!({ "metadata": { "uid": "u", "labels": { label: null } } });
        assert_eq!(release("u"), expected);
    }

    #[test]
    fn an_owned_object_names_its_workflow() {
        let object = owned(json!({ "metadata": { "name": "x" } }), "w", "u");
        assert!(is_owned_by(&object, "u"));
        assert!(!is_owned_by(&object, "v"));
        assert!(!is_owned_by(&json!({}), "u"));
    }

    #[test]
    fn an_object_holds_ours_whatever_a_server_added() {
        let ours = json!({ "metadata": { "name": "x" }, "rules": [{ "verbs": ["get"] }] });
        let mut stored = ours.clone();
        stored["metadata"]["uid"] = json!("u");
        assert!(contains(&stored, &ours));
        stored["rules"] = json!([{ "verbs": ["get", "list"] }]);
        assert!(!contains(&stored, &ours));
    }

    #[test]
    fn what_all_workflows_share_is_not_owned_by_one() {
        let file = include_str!("../../../../examples/basic-authentication.yaml");
        let compiled = generator::compile(file, &generator::Installation::default());
        let output = compiled.output.expect("the example compiles");
        let objects =
            sorted(&output.manifests, &output.secrets, "migration-workflow").expect("sorted");
        assert_eq!(objects.workflow["kind"], "Workflow");
        assert_eq!(objects.access.len(), 3);
        let shared: Vec<ObjectKind> = objects.shared.iter().map(|(kind, _)| *kind).collect();
        assert!(shared.iter().all(|kind| *kind == ObjectKind::WorkflowTemplate), "{shared:?}");
        assert!(objects.owned.iter().any(|(kind, _)| *kind == ObjectKind::ConfigMap));
        for (_, object) in &objects.owned {
            assert_eq!(object["metadata"]["labels"][WORKFLOW], "migration-workflow");
        }
    }
}
