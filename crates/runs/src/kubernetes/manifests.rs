//! The manifests of a run, as the API server stores them.

use argo::convention::label::{PART_OF, WORKFLOW};
use serde_json::Value;

use super::{
    observe::RunObjects,
    server::{Server, text},
};
use crate::{error::BackendError, object_kind::ObjectKind, run::Run};

/// Returns the objects of a run: shared templates, its own objects, the Workflow.
pub(super) async fn manifests(server: &Server, run: &Run) -> Result<Vec<Value>, BackendError> {
    let workflow = RunObjects::read(server, run).await?.workflow;
    let selector = format!("{}={}", PART_OF.0, PART_OF.1);
    let mut objects = Vec::new();
    for kind in [ObjectKind::ConfigMap, ObjectKind::WorkflowTemplate] {
        objects.extend(server.list(kind, &selector).await?.into_iter().filter(|object| {
            let of = object.pointer("/metadata/labels").and_then(|labels| labels.get(WORKFLOW));
            of.map_or(kind == ObjectKind::WorkflowTemplate, |of| of == run.name.as_str())
        }));
        let api_version = kind.api_version();
        for object in objects.iter_mut().filter(|object| text(object, "/kind").is_empty()) {
            complete(object, kind.name(), &api_version);
        }
    }
    objects.push(workflow);
    for object in &mut objects {
        reduce(object);
    }
    Ok(objects)
}

/// Adds the fields that say what an object is: the items of a list lack them.
fn complete(object: &mut Value, kind: &str, api_version: &str) {
    if let Value::Object(fields) = object {
        let own = std::mem::take(fields);
        fields.insert("apiVersion".to_owned(), api_version.into());
        fields.insert("kind".to_owned(), kind.into());
        fields.extend(own);
    }
}

/// Removes the fields that the server added, and the status.
fn reduce(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let added = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];
        metadata.retain(|field, _| !added.contains(&field.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_added_is_taken_out() {
        let mut object =
            json!({ "metadata": { "name": "w", "uid": "u", "labels": {} }, "status": 1 });
        complete(&mut object, "ConfigMap", "v1");
        reduce(&mut object);
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "w", "labels": {} },
        });
        assert_eq!(object, expected);
    }
}
