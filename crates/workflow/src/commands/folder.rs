//! A folder that `kubectl apply -k` takes: one file an object, and the list of those to apply.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;
use serde_json::json;

/// The file of a Workflow: it is created to start a run, and not kept applied.
pub(super) const WORKFLOW: &str = "workflow.yaml";

/// Names the file of an object of a kind: `workflow.yaml`, or `<kind>-<name>.yaml`. The names are
/// stable, so a Git repository shows what changed.
pub(super) fn file(kind: &str, name: &str) -> String {
    match kind {
        "Workflow" => WORKFLOW.to_owned(),
        kind => format!("{}-{name}.yaml", kind.to_lowercase()),
    }
}

/// Writes the files and the kustomization.
pub(super) fn write<T: Serialize>(
    folder: &Path,
    files: &BTreeMap<String, &T>,
) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    for (file, object) in files {
        fs_err::write(folder.join(file), argo::yaml::write(object)?)?;
    }
    let kept: Vec<&String> = files.keys().filter(|file| *file != WORKFLOW).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": kept,
    });
    fs_err::write(folder.join("kustomization.yaml"), argo::yaml::write(&kustomization)?)?;
    Ok(())
}
