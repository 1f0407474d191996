//! `workflow compile`: a migration file to manifests, for `kubectl apply` and for a Git
//! repository.

use std::{collections::BTreeMap, path::Path};

use argo::Manifest;
use cli_support::output;
use contract::Exit;
use generator::{Steps, findings};
use runs::Configuration;
use serde_json::json;

use super::folder;
use crate::{
    args::{Compile, Format},
    input,
};

/// Runs `workflow compile`.
pub(crate) async fn run(
    configuration: &dyn Configuration,
    flags: &Compile,
    format: Format,
) -> anyhow::Result<Exit> {
    // Manifests are for a cluster, whatever runs migrations here.
    let source = input::read_for(configuration, &flags.input, Steps::Pods).await?;
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
        output::message(&format!(
            "the password in the migration file is not in the manifests; create the Secret `{}` \
             with the keys `username` and `password` before you start the workflow",
            secret.name
        ));
    }
    // The program ends here. Giving a large migration back piece by piece takes a tenth of its time.
    std::mem::forget(source);
    Ok(Exit::Done)
}

/// Writes one file an object. The Workflow is not among the objects that `kubectl apply -k`
/// keeps.
fn write_files(folder: &Path, manifests: &[Manifest]) -> anyhow::Result<()> {
    let files: BTreeMap<String, &Manifest> = manifests
        .iter()
        .map(|manifest| (folder::file(manifest.kind(), &manifest.metadata().name), manifest))
        .collect();
    folder::write(folder, &files)?;
    output::message(&format!("wrote {} manifests to {}", manifests.len(), folder.display()));
    let folder = folder.display();
    output::hint(&format!(
        "kubectl apply -k {folder} && kubectl create -f {folder}/{}",
        folder::WORKFLOW
    ));
    Ok(())
}
