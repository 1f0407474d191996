//! Which manifests are these values? Reads them, and lists every field that the engine does not
//! know.
//!
//! The types of the `argo` crate refuse unknown fields, one at a time. Here each refused field is
//! removed and the rest is read again, so that all of them are listed, with their paths.

use argo::Manifest;
use serde_json::Value;

use crate::refusal::{Refusal, Refusals};

/// The limit of refused fields that are listed for one object.
const MAX_LISTED_FIELDS: usize = 50;

/// Reads manifests, or returns everything in them that the engine does not know.
pub fn read(values: &[Value]) -> Result<Vec<Manifest>, Vec<Refusal>> {
    let mut manifests = Vec::new();
    let mut refused = Vec::new();
    for value in values {
        match read_one(value) {
            Ok(manifest) => manifests.push(manifest),
            Err(mut refusals) => refused.append(&mut refusals),
        }
    }
    if refused.is_empty() { Ok(manifests) } else { Err(refused) }
}

fn read_one(value: &Value) -> Result<Manifest, Vec<Refusal>> {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or("(none)");
    let name = value
        .pointer("/metadata/name")
        .map_or_else(|| text("/metadata/generateName"), |_| text("/metadata/name"));
    let mut refusals = Refusals::of(text("/kind"), name);
    let mut rest = value.clone();
    for _ in 0..MAX_LISTED_FIELDS {
        let Err((path, message)) = probe(&rest) else { break };
        let field = message.strip_prefix("unknown field `").and_then(|tail| tail.split_once('`'));
        let Some((field, _)) = field else {
            refusals.add(path, message);
            break;
        };
        let whole = if path.ends_with(field) || path.is_empty() {
            if path.is_empty() { field.to_owned() } else { path.clone() }
        } else {
            format!("{path}.{field}")
        };
        refusals.add(whole.clone(), "this field is not supported here; remove it");
        if !remove(&mut rest, &whole) {
            break;
        }
    }
    let found = refusals.into_found();
    if !found.is_empty() {
        return Err(found);
    }
    Manifest::from_value(value.clone()).map_err(|error| {
        let mut refusals = Refusals::of(text("/kind"), name);
        refusals.add("", error);
        refusals.into_found()
    })
}

/// Reads the object as the type of its kind; returns the path and text of the first error.
fn probe(value: &Value) -> Result<(), (String, String)> {
    fn as_type<'a, T: serde::Deserialize<'a>>(value: &'a Value) -> Result<(), (String, String)> {
        serde_path_to_error::deserialize::<_, T>(value).map(|_| ()).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            (path, error.into_inner().to_string())
        })
    }
    match value.get("kind").and_then(Value::as_str) {
        Some("Workflow") => as_type::<argo::Workflow>(value),
        Some("WorkflowTemplate") => as_type::<argo::WorkflowTemplate>(value),
        Some("ConfigMap") => as_type::<argo::ConfigMap>(value),
        // Other kinds have no effect here and are only read.
        _ => Ok(()),
    }
}

/// Removes the field at a path such as `spec.templates[3].script`.
fn remove(value: &mut Value, path: &str) -> bool {
    let (parents, field) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = Some(value);
    for part in parents.split('.').filter(|part| !part.is_empty()) {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        place = place.and_then(|value| value.get_mut(name));
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            let index = index.trim_end_matches(']').parse::<usize>().ok();
            place = place.and_then(|value| value.get_mut(index?));
        }
    }
    place.and_then(Value::as_object_mut).is_some_and(|object| object.remove(field).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_unknown_field_is_named_with_its_place() {
        let workflow = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"},
            "spec": {
                "entrypoint": "main",
                "ttlStrategy": {},
                "templates": [
                    {"name": "main", "dag": {"tasks": [{"name": "x", "template": "y", "withArtifact": 1}]}},
                    {"name": "y", "script": {"image": "a", "source": "b"}, "http": {}},
                ],
            },
        });
        let refused = read(&[workflow]).expect_err("refused");
        let mut paths: Vec<&str> = refused.iter().map(|refusal| refusal.path.as_str()).collect();
        paths.sort_unstable();
        let expected = [
            "spec.templates[0].dag.tasks[0].withArtifact",
            "spec.templates[1].http",
            "spec.templates[1].script",
            "spec.ttlStrategy",
        ];
        assert_eq!(paths, expected);
        assert!(refused.iter().all(|refusal| refusal.object == "Workflow `a`"));
    }

    #[test]
    fn a_wrong_type_and_an_unknown_kind_are_refused() {
        let wrong = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"},
            "spec": {"templates": [{"name": "x", "container": {"image": "i", "command": "echo"}}]},
        });
        let refused = read(&[wrong, json!({"kind": "Pod"})]).expect_err("refused");
        assert_eq!(refused.len(), 2);
        assert_eq!(refused[0].path, "spec.templates[0].container.command");
        assert!(refused[1].message.contains("Pod"), "{}", refused[1]);
    }
}
