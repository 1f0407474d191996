//! What does a namespace need before the first migration?
//!
//! ```text
//!  argosy-workflow          account of the steps' pods: report results, make the Jobs of fleets
//!  argosy-<step>, -gate     WorkflowTemplates, the same for every migration
//!  argosy-console           account of the console pod, and the pod: a StatefulSet of one
//! ```
//!
//! The first two are part of every compiled migration as well. Installed, they are there for those
//! who may start migrations and may not change roles.

use std::collections::BTreeMap;

use argo::{convention::label, yaml};
use generator::{Installation, SnapshotVolume};
use serde_json::{Value, json};

/// The console, with its account.
const CONSOLE: &str = include_str!("console.yaml");
/// The pod of the console.
pub(crate) const CONSOLE_POD: &str = "argosy-console-0";

/// Returns the objects, in the order in which they are to be applied.
pub(crate) fn objects(
    installation: &Installation,
    namespace: Option<&str>,
) -> anyhow::Result<Vec<Value>> {
    let mut objects = Vec::new();
    for manifest in generator::shared_manifests(installation) {
        objects.push(serde_json::to_value(&manifest)?);
    }
    for document in CONSOLE.split("\n---\n") {
        let mut object = yaml::read_value(document)?;
        if let Some(pod) = object.pointer_mut("/spec/template/spec") {
            fill(pod, installation);
        }
        objects.push(object);
    }
    if let Some(namespace) = namespace {
        for object in &mut objects {
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), namespace.into());
            }
        }
    }
    Ok(objects)
}

/// Returns the namespace itself.
pub(crate) fn namespace(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": BTreeMap::from([label::PART_OF]) },
    })
}

/// Fills into the console's pod what the installation decides.
fn fill(pod: &mut Value, installation: &Installation) {
    let Installation { image_registry, image_tag, image_pull_policy, snapshot_volume, .. } =
        installation;
    if let Some(container) = pod.pointer_mut("/containers/0") {
        let registry = image_registry.trim_end_matches('/');
        container["image"] = format!("{registry}/argosy-console:{image_tag}").into();
        container["imagePullPolicy"] = image_pull_policy.as_str().into();
        push(container, "env", variables(installation));
    }
    if let Some(volume) = snapshot_volume {
        let (claim, path) = (SnapshotVolume::claim(volume), SnapshotVolume::path(volume));
        let mount = json!({ "name": "snapshots", "mountPath": path, "readOnly": true });
        if let Some(container) = pod.pointer_mut("/containers/0") {
            push(container, "volumeMounts", vec![mount]);
        }
        let claim = json!({ "claimName": claim, "readOnly": true });
        push(pod, "volumes", vec![json!({ "name": "snapshots", "persistentVolumeClaim": claim })]);
    }
}

/// The variables by which `workflow` in the pod knows what was installed.
fn variables(installation: &Installation) -> Vec<Value> {
    let repository = installation.default_snapshot_repository.as_ref();
    let values = [
        ("ARGOSY_IMAGE_REGISTRY", Some(installation.image_registry.clone())),
        ("ARGOSY_IMAGE_TAG", Some(installation.image_tag.clone())),
        ("ARGOSY_SNAPSHOT_REPOSITORY", repository.map(|known| known.repo_path_uri.clone())),
        ("ARGOSY_SNAPSHOT_REGION", repository.and_then(|known| known.aws_region.clone())),
        ("ARGOSY_SNAPSHOT_SECRET", repository.and_then(|known| known.secret_name.clone())),
        ("ARGOSY_SNAPSHOT_VOLUME", installation.snapshot_volume.as_ref().map(ToString::to_string)),
    ];
    let given = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn push(object: &mut Value, list: &str, more: Vec<Value>) {
    if let Some(items) = object.get_mut(list).and_then(Value::as_array_mut) {
        items.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use generator::DefaultRepository;

    use super::*;

    fn installation() -> Installation {
        Installation {
            image_registry: "registry.example.com/argosy/".to_owned(),
            image_tag: "1.2.3".to_owned(),
            snapshot_volume: Some("snapshots:/mnt/snapshots".parse().expect("a volume")),
            default_snapshot_repository: Some(DefaultRepository {
                repo_path_uri: "s3://bucket/snapshots".to_owned(),
                aws_region: Some("eu-west-1".to_owned()),
                ..DefaultRepository::default()
            }),
            ..Installation::default()
        }
    }

    #[test]
    fn the_console_is_as_its_golden() {
        let objects = objects(&installation(), Some("ma")).expect("objects");
        let console =
            objects.iter().filter(|object| object["metadata"]["name"] == "argosy-console");
        let documents: Vec<String> =
            console.map(|object| yaml::write(object).expect("YAML")).collect();
        assert_eq!(documents.len(), 4);
        insta::assert_snapshot!(documents.join("---\n"));
    }

    #[test]
    fn whatever_every_migration_brings_along_is_installed() {
        let file = include_str!("../../../../examples/s3-compatible.yaml");
        let output = generator::compile(file, &installation()).output.expect("it compiles");
        let installed = objects(&installation(), None).expect("objects");
        let mut shared = 0;
        for manifest in &output.manifests {
            if manifest.metadata().labels.contains_key(label::WORKFLOW) {
                continue;
            }
            shared += 1;
            let manifest = serde_json::to_value(manifest).expect("JSON");
            assert!(installed.contains(&manifest), "{manifest:#}");
        }
        assert_eq!(shared + 4, installed.len());
    }
}
