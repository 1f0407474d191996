//! What does a process need before it can start? Its folders, files, arguments and environment.
//!
//! ```text
//! <run>/<node id>/[<worker>/]
//!   volumes/<volume>/        an emptyDir, or a ConfigMap with one file an entry
//!                            (a claim is the folder of this machine at its mount path)
//!   argosy/progress.json     ARGOSY_PROGRESS_FILE, unless the manifest sets it
//!   argosy/argo-progress     ARGO_PROGRESS_FILE
//! ```
//!
//! The folder is created again for each start, like the volumes of a pod.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use argo::{
    Container, EnvVar,
    container::{Volume, VolumeMount},
};
use contract::variables;
use fs_err as fs;
use thiserror::Error;

use crate::{
    launch::{ProcessOrder, ProgramError, Programs},
    layout, mounts,
    node::{Capture, Node, Pod},
    program::Program,
    secrets::{SecretError, Secrets},
    state::{ConfigMapKey, RunState},
};

/// A process that cannot be started.
#[derive(Debug, Error)]
pub(crate) enum PrepareError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("ConfigMap `{name}` has no entry `{key}`")]
    ConfigMap { name: String, key: String },
    #[error("volume `{1}` needs ConfigMap `{0}`, which does not exist")]
    NoConfigMap(String, String),
    #[error("the container has no command")]
    Command,
    #[error("`{0}` cannot be the name of a file in a volume")]
    FileName(String),
    #[error("the folder of the step cannot be created")]
    Files(#[from] io::Error),
}

/// What all processes of a run have in common.
#[derive(Debug)]
pub(crate) struct RunContext<'a> {
    pub(crate) program: &'a Program,
    pub(crate) state: &'a RunState,
    pub(crate) run_folder: &'a Path,
    pub(crate) secrets: &'a Secrets,
    pub(crate) programs: &'a Programs,
    pub(crate) child_env: &'a BTreeMap<String, String>,
}

/// One process of a node.
#[derive(Debug)]
pub(crate) struct ProcessSpec<'a> {
    pub(crate) node: &'a Node,
    pub(crate) pod: &'a Pod,
    pub(crate) container: &'a Container,
    pub(crate) volumes: &'a [Volume],
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) annotations: &'a BTreeMap<String, String>,
    /// Which worker of a Job; none for a container.
    pub(crate) worker: Option<u32>,
}

/// Where a step writes its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgressFiles {
    /// In detail, as JSON.
    pub(crate) detail: PathBuf,
    /// As `N/M`.
    pub(crate) count: PathBuf,
}

impl ProgressFiles {
    /// Returns the files that are used when the manifest does not name others.
    fn in_folder(folder: &Path) -> Self {
        let folder = layout::own_files(folder);
        Self { detail: folder.join("progress.json"), count: folder.join("argo-progress") }
    }

    /// Returns the files that the environment of a process names.
    pub(crate) fn of(order: &ProcessOrder) -> Self {
        let file =
            |name: &str| PathBuf::from(order.environment.get(name).cloned().unwrap_or_default());
        Self { detail: file(variables::PROGRESS_FILE), count: file(variables::ARGO_PROGRESS_FILE) }
    }
}

/// Creates the folder of a process and returns how to start it.
pub(crate) fn prepare(
    spec: &ProcessSpec<'_>,
    context: &RunContext<'_>,
) -> Result<ProcessOrder, PrepareError> {
    let ProcessSpec { node, container, worker, .. } = spec;
    let folder = layout::process(context.run_folder, &node.id, *worker);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let volumes = layout::volumes(&folder);
    make_volumes(spec, context, &volumes)?;
    let progress = ProgressFiles::in_folder(&folder);
    fs::create_dir_all(layout::own_files(&folder))?;

    let is_claim = |mount: &VolumeMount| {
        let claims = |volume: &&Volume| volume.persistent_volume_claim.is_some();
        spec.volumes.iter().filter(claims).any(|volume| volume.name == mount.name)
    };
    let moved = |text: String| {
        if mounts::mount_of(&text, &container.volume_mounts).is_some_and(is_claim) {
            return text;
        }
        let path = mounts::on_this_machine(&text, &container.volume_mounts, &volumes);
        path.map_or(text, |path| path.display().to_string())
    };
    let declared = declared(spec, context)?;
    let Some((first, rest)) = container.command.split_first() else {
        return Err(PrepareError::Command);
    };
    let program = context.programs.resolve(&container.image, &expand(first, &declared))?;
    let arguments =
        rest.iter().chain(&container.args).map(|text| moved(expand(text, &declared))).collect();

    let pod_name = pod_name(spec);
    let mut environment = context.child_env.clone();
    let own = [
        ("HOSTNAME", pod_name.clone()),
        (variables::RUN_ID, context.state.identity.uid.clone()),
        (variables::WORKER, pod_name),
        (variables::PROGRESS_FILE, progress.detail.display().to_string()),
        (variables::ARGO_PROGRESS_FILE, progress.count.display().to_string()),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    environment.extend(declared.into_iter().map(|(name, value)| (name, moved(value))));
    environment
        .insert(layout::RUN_FOLDER_VARIABLE.to_owned(), context.run_folder.display().to_string());

    let working_dir = container.working_dir.clone().map(moved).map(PathBuf::from);
    Ok(ProcessOrder {
        program,
        arguments,
        environment,
        folder: working_dir.unwrap_or(folder),
        log: layout::log(context.run_folder, &node.id, *worker),
        capture: if worker.is_some() { Capture::Log } else { spec.pod.capture },
    })
}

fn make_volumes(
    spec: &ProcessSpec<'_>,
    context: &RunContext<'_>,
    folder: &Path,
) -> Result<(), PrepareError> {
    for mount in &spec.container.volume_mounts {
        let Some(volume) = spec.volumes.iter().find(|volume| volume.name == mount.name) else {
            continue;
        };
        if !mounts::is_name(&volume.name) {
            return Err(PrepareError::FileName(volume.name.clone()));
        }
        if volume.persistent_volume_claim.is_some() {
            continue;
        }
        let folder = folder.join(&volume.name);
        fs::create_dir_all(&folder)?;
        let Some(map) = &volume.config_map else { continue };
        let entries = config_map(context, &map.name);
        if entries.is_empty() && map.optional != Some(true) {
            return Err(PrepareError::NoConfigMap(map.name.clone(), volume.name.clone()));
        }
        for (key, value) in entries {
            if !mounts::is_name(key) {
                return Err(PrepareError::FileName(key.clone()));
            }
            fs::write(folder.join(key), value)?;
        }
    }
    Ok(())
}

/// Returns the present entries of a ConfigMap.
fn config_map<'a>(context: &RunContext<'a>, name: &str) -> BTreeMap<&'a String, &'a String> {
    let given = context.program.config_maps.iter();
    let written = context.state.config_map_entries.iter();
    given
        .chain(written)
        .filter(|(key, _)| key.name == name)
        .map(|(key, value)| (&key.key, value))
        .collect()
}

/// Returns the variables of the manifest, in its order, after those of whole Secrets; a later one
/// may use an earlier one.
fn declared(
    spec: &ProcessSpec<'_>,
    context: &RunContext<'_>,
) -> Result<Vec<(String, String)>, PrepareError> {
    let mut declared = Vec::new();
    for from in &spec.container.env_from {
        match context.secrets.read_all(&from.secret_ref.name) {
            Err(SecretError::NoSecret(_)) if from.secret_ref.optional == Some(true) => {}
            entries => declared.extend(entries?),
        }
    }
    for variable in &spec.container.env {
        if let Some(value) = value(variable, &declared, spec, context)? {
            declared.push((variable.name.clone(), value));
        }
    }
    Ok(declared)
}

fn value(
    variable: &EnvVar,
    declared: &[(String, String)],
    spec: &ProcessSpec<'_>,
    context: &RunContext<'_>,
) -> Result<Option<String>, PrepareError> {
    if let Some(value) = &variable.value {
        return Ok(Some(expand(value, declared)));
    }
    let Some(from) = &variable.value_from else { return Ok(Some(String::new())) };
    if let Some(key) = &from.secret_key_ref {
        return match context.secrets.read(&key.name, &key.key) {
            Err(SecretError::Missing { .. }) if key.optional == Some(true) => Ok(None),
            other => Ok(Some(other?)),
        };
    }
    if let Some(key) = &from.config_map_key_ref {
        let entry = ConfigMapKey { name: key.name.clone(), key: key.key.clone() };
        let found = context.program.config_map_entry(&entry, context.state);
        return match found {
            None if key.optional == Some(true) => Ok(None),
            None => Err(PrepareError::ConfigMap { name: key.name.clone(), key: key.key.clone() }),
            Some(value) => Ok(Some(value.clone())),
        };
    }
    Ok(from.field_ref.as_ref().map(|field| pod_field(&field.field_path, spec, context)))
}

fn pod_name(spec: &ProcessSpec<'_>) -> String {
    match spec.worker {
        Some(worker) => format!("{}-{worker}", spec.pod.name),
        None => spec.pod.name.clone(),
    }
}

fn pod_field(path: &str, spec: &ProcessSpec<'_>, context: &RunContext<'_>) -> String {
    let entry = |map: &BTreeMap<String, String>, rest: &str| {
        map.get(rest.trim_end_matches("']")).cloned().unwrap_or_default()
    };
    if let Some(rest) = path.strip_prefix("metadata.labels['") {
        return entry(spec.labels, rest);
    }
    if let Some(rest) = path.strip_prefix("metadata.annotations['") {
        return entry(spec.annotations, rest);
    }
    match path {
        "metadata.name" => pod_name(spec),
        "metadata.uid" => format!("{}-{}", spec.node.id, spec.node.job.started),
        "metadata.namespace" => context.program.namespace.clone(),
        "spec.serviceAccountName" => context.program.service_account.clone(),
        _ => String::new(),
    }
}

/// Replaces variables as Kubernetes does: `$(NAME)` of a declared variable; `$$` is one `$`.
fn expand(text: &str, declared: &[(String, String)]) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let known = after.strip_prefix('(').and_then(|inner| inner.split_once(')')).and_then(
            |(name, tail)| {
                let (_, value) = declared.iter().rev().find(|(known, _)| known == name)?;
                Some((value, tail))
            },
        );
        if let Some((value, tail)) = known {
            expanded.push_str(value);
            rest = tail;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_variables_are_put_in() {
        let declared = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "$(A)".to_owned())];
        assert_eq!(expand("x$(A)y$(B)", &declared), "x1y$(A)");
        assert_eq!(expand("$(C) $$(A) $ $(A", &declared), "$(C) $(A) $ $(A");
        assert_eq!(expand("zażółć", &declared), "zażółć");
    }
}
