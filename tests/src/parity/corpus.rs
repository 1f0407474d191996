//! What is run on both sides: workflows of ours, and those of Argo's examples that are within the
//! subset of the engine and need nothing but a shell.
//!
//! One substitution is made, the same for all: every container runs in the image of the tests,
//! which holds one program, and `command: [sh, -c]` becomes `command: [/bin/busybox, sh, -c]`.
//! That program is on this machine at the same place, so both sides run the same bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use argo::{Container, Manifest, Template};
use engine::Shutdown;
use serde_json::Value;
use test_cluster::tools::SHELL_IMAGE;

use crate::argosy::run;

/// The program of the image, which goes by many names.
const SHELL: &str = "/bin/busybox";

/// The name of a workflow is a label of its pods.
const LONGEST_NAME: usize = 63;

/// Images of which an example may rely on the tools of a shell.
const SHELL_IMAGES: [&str; 4] = ["busybox", "alpine", "debian", "localhost/busybox"];

/// Examples that are within the subset and are not run, with the reason.
const NOT_RUN: [(&str, &str); 4] = [
    ("forever.yaml", "it never ends"),
    ("parallelism-nested-dag.yaml", "it sleeps for more than a minute"),
    ("parallelism-nested-workflow.yaml", "it sleeps for more than a minute"),
    ("volumes-existing.yaml", "it needs a volume that was made before"),
];

/// The annotation of a workflow of ours that names the gates to be rejected.
const REJECT: &str = "tests/reject";
/// The annotation with the strategy by which a workflow is ended when it waits at a gate.
const SHUTDOWN: &str = "tests/shutdown";

/// A workflow with everything that it refers to.
#[derive(Clone, Debug)]
pub struct Case {
    /// The workflow's name, unique among all cases.
    pub name: String,
    /// The objects, the workflow among them.
    pub manifests: Vec<Manifest>,
    /// Templates that wait for a person.
    pub gates: BTreeSet<String>,
    /// What the person says.
    pub steering: Steering,
}

/// What is done with a workflow that waits for a person.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    /// Gates that are rejected; the others are approved.
    pub rejected: BTreeSet<String>,
    /// All gates stay as they are, and the workflow is ended so.
    pub shutdown: Option<Shutdown>,
}

/// An example of Argo's that is not run.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Reads every workflow of ours.
pub fn ours(folder: &Path, namespace: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in files(folder)? {
        let text = fs_err::read_to_string(&path)?;
        let manifests = argo::yaml::read_all(&text).with_context(|| path.display().to_string())?;
        cases.push(case(manifests, None, namespace).with_context(|| path.display().to_string())?);
    }
    Ok(cases)
}

/// Reads Argo's examples: those that can run on both sides, and the others.
pub fn argos(folder: &Path, namespace: &str) -> Result<(Vec<Case>, Vec<Skipped>)> {
    let mut read = Vec::new();
    let mut skipped = Vec::new();
    for path in files(folder)? {
        let file = path.strip_prefix(folder)?.display().to_string();
        match argo::yaml::read_all(&fs_err::read_to_string(&path)?) {
            Ok(manifests) => read.push((file, manifests)),
            Err(error) => skipped.push(Skipped { file, reason: error.to_string() }),
        }
    }
    let library: BTreeMap<String, Manifest> = read
        .iter()
        .flat_map(|(_, manifests)| manifests)
        .filter(|manifest| manifest.kind() != "Workflow")
        .map(|manifest| (manifest.metadata().name.clone(), manifest.clone()))
        .collect();
    let mut cases = Vec::new();
    for (file, manifests) in read {
        if !manifests.iter().any(|manifest| manifest.kind() == "Workflow") {
            continue;
        }
        let name = format!("argo-{}", file.trim_end_matches(".yaml").replace('/', "-"));
        let name: String = name.to_lowercase().chars().take(LONGEST_NAME).collect();
        let not_run = NOT_RUN.iter().find(|(not_run, _)| *not_run == file);
        let made = match not_run {
            Some((_, reason)) => Err(anyhow!("{reason}")),
            None => case(with_references(manifests, &library)?, Some(&name), namespace),
        };
        match made {
            Ok(case) => cases.push(case),
            Err(error) => skipped.push(Skipped { file, reason: format!("{error:#}") }),
        }
    }
    Ok((cases, skipped))
}

/// The YAML files of a folder and of those in it, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Adds what the objects refer to and is not among them.
fn with_references(
    mut manifests: Vec<Manifest>,
    library: &BTreeMap<String, Manifest>,
) -> Result<Vec<Manifest>> {
    let mut next = 0;
    while let Some(manifest) = manifests.get(next) {
        let mut named = BTreeSet::new();
        references(&serde_json::to_value(manifest)?, &mut named);
        for name in named {
            let is_there = manifests.iter().any(|known| known.metadata().name == name);
            if let Some(referred) = library.get(&name).filter(|_| !is_there) {
                manifests.push(referred.clone());
            }
        }
        next += 1;
    }
    Ok(manifests)
}

/// Finds the names of the objects that a value refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let is_reference =
                    ["templateRef", "workflowTemplateRef", "configMapKeyRef"].contains(&&**field);
                if is_reference && let Some(name) = value["name"].as_str() {
                    found.insert(name.to_owned());
                }
                references(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Makes a case, or says why both sides cannot run it.
fn case(mut manifests: Vec<Manifest>, name: Option<&str>, namespace: &str) -> Result<Case> {
    let mut gates = BTreeSet::new();
    let mut steering = Steering::default();
    let mut found = String::new();
    let applets = applets()?;
    for manifest in &mut manifests {
        let templates = match manifest {
            Manifest::Workflow(workflow) => {
                let metadata = &mut workflow.metadata;
                if let Some(name) = name {
                    name.clone_into(&mut metadata.name);
                    metadata.generate_name = None;
                }
                metadata.namespace = Some(namespace.to_owned());
                found.clone_from(&metadata.name);
                let rejected = metadata.annotations.get(REJECT);
                steering.rejected = rejected
                    .iter()
                    .flat_map(|names| names.split_whitespace().map(str::to_owned))
                    .collect();
                steering.shutdown = match metadata.annotations.get(SHUTDOWN).map(String::as_str) {
                    None => None,
                    Some("Stop") => Some(Shutdown::Stop),
                    Some("Terminate") => Some(Shutdown::Terminate),
                    Some(other) => bail!("`{other}` is no way to end a workflow"),
                };
                &mut workflow.spec.templates
            }
            Manifest::WorkflowTemplate(template) => &mut template.spec.templates,
            _ => continue,
        };
        for template in templates {
            if template.suspend.as_ref().is_some_and(|suspend| suspend.duration.is_none()) {
                gates.insert(template.name.clone());
            }
            with_our_shell(template, &applets)?;
        }
    }
    ensure!(!found.is_empty(), "there is no Workflow with a name");
    if let Err(refusals) = engine::check(&manifests) {
        let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        bail!("{}", refusals.join("; "));
    }
    Ok(Case { name: found, manifests, gates, steering })
}

/// Puts our image in place of another one with a shell.
fn with_our_shell(template: &mut Template, applets: &BTreeSet<String>) -> Result<()> {
    let Some(Container { image, command, .. }) = &mut template.container else { return Ok(()) };
    let (name, _tag) = image.split_once(':').unwrap_or((image, ""));
    ensure!(SHELL_IMAGES.contains(&name), "the image `{image}` is not on the node");
    if let Some(first) = command.first() {
        let program = first.strip_prefix("/bin/").unwrap_or(first);
        ensure!(applets.contains(program), "the command `{first}` is not in the image");
        let program = program.to_owned();
        command.splice(..1, [SHELL.to_owned(), program]);
    }
    SHELL_IMAGE.clone_into(image);
    Ok(())
}

/// The names that the program of the image goes by.
fn applets() -> Result<BTreeSet<String>> {
    let done = run(Command::new(SHELL).arg("--list"))?;
    ensure!(done.code == Some(0), "`{SHELL}` does not run: {done:?}");
    Ok(done.stdout.lines().map(str::to_owned).collect())
}
