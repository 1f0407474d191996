//! `workflow compile`: a migration file to manifests, for `kubectl apply` and for a Git
//! repository.

use std::{collections::BTreeMap, path::Path};

use argo::Manifest;
use generator::{Steps, findings};
use serde_json::json;
use step_api::Exit;

use crate::{
    args::{Compile, Format},
    backend::Keep,
    input, output,
};

/// Runs `workflow compile`.
pub(crate) fn run(keep: &dyn Keep, flags: &Compile, format: Format) -> anyhow::Result<Exit> {
    // Manifests are for a cluster, whatever runs migrations here.
    let source = input::read_for(keep, &flags.input, Steps::Pods)?;
    let printed = findings::json(&source.compiled.findings, &source.text);
    let Some(compiled) = &source.compiled.output else {
        match format {
            Format::Json => output::json(&json!({ "findings": printed }))?,
            Format::Text => source.show_findings(),
        }
        return Ok(Exit::Invalid);
    };
    if format == Format::Text {
        source.show_findings();
    }
    match (&flags.output_dir, format) {
        (Some(folder), _) => write_files(folder, &compiled.manifests)?,
        (None, Format::Json) => {
            output::json(&json!({ "findings": printed, "manifests": compiled.manifests }))?;
        }
        (None, Format::Text) => {
            let mut text = String::new();
            for manifest in &compiled.manifests {
                text.clear();
                text.push_str("---\n");
                argo::yaml::append(manifest, &mut text)?;
                output::plain(&text)?;
            }
        }
    }
    for secret in &compiled.secrets {
        output::tell(&format!(
            "the password that the file holds is in no manifest; make the Secret `{}` with \
             the keys `username` and `password` before you start the workflow",
            secret.name
        ));
    }
    // The program ends here. Giving a large migration back piece by piece takes a tenth of its time.
    std::mem::forget(source);
    Ok(Exit::Done)
}

/// Writes one file an object. The names are stable, so a Git repository shows what changed; the
/// Workflow stands apart from the objects that `kubectl apply -k` keeps.
fn write_files(folder: &Path, manifests: &[Manifest]) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    let mut kept = Vec::new();
    for (file, manifest) in files(manifests) {
        fs_err::write(folder.join(&file), argo::yaml::write(manifest)?)?;
        if !matches!(manifest, Manifest::Workflow(_)) {
            kept.push(file);
        }
    }
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": kept,
    });
    fs_err::write(folder.join("kustomization.yaml"), argo::yaml::write(&kustomization)?)?;
    output::tell(&format!("wrote {} manifests to {}", manifests.len(), folder.display()));
    let folder = folder.display();
    output::hint(&format!("kubectl apply -k {folder} && kubectl create -f {folder}/workflow.yaml"));
    Ok(())
}

/// Names the file of each object: `workflow.yaml`, or `<kind>-<name>.yaml`.
fn files(manifests: &[Manifest]) -> BTreeMap<String, &Manifest> {
    let file = |manifest: &Manifest| match manifest {
        Manifest::Workflow(_) => "workflow.yaml".to_owned(),
        other => format!("{}-{}.yaml", other.kind().to_lowercase(), other.metadata().name),
    };
    manifests.iter().map(|manifest| (file(manifest), manifest)).collect()
}
