//! What does a pod run? A container or resource template with all values filled in.

use argo::{
    Container, EnvVar, Template,
    container::{EnvFrom, SecretRef, Volume},
    io::KeyRef,
};

use super::{
    operation::{Fault, Operation, Site},
    tree::hash,
    values::Values,
};
use crate::{
    node::{Capture, OutputFile, Pod, Work},
    program::{Body, Callable},
};

/// The limit of a pod's name; a longer one is cut, and its hash keeps it unique.
const MAX_POD_NAME_LENGTH: usize = 200;

impl Operation<'_> {
    /// Returns the name that the pod of a node would have in a cluster.
    pub(super) fn pod_name(&self, name: &str, callable: &Callable) -> String {
        let run = &self.state.identity.name;
        if name == run {
            return run.clone();
        }
        let start: String =
            format!("{run}-{}", callable.template.name).chars().take(MAX_POD_NAME_LENGTH).collect();
        format!("{start}-{}", hash(name))
    }

    pub(super) fn pod(
        &self,
        name: &str,
        callable: &Callable,
        inputs: &[(String, String)],
        site: Site<'_>,
        attempts: &[(&str, String)],
    ) -> Result<Pod, Fault> {
        let Template { metadata, volumes, outputs, active_deadline_seconds, .. } =
            &callable.template;
        let mut locals = self.locals(name, callable, site, attempts);
        let files = outputs.iter().flat_map(|outputs| &outputs.parameters);
        locals.extend(files.clone().filter_map(|output| {
            let path = output.value_from.as_ref()?.path.clone()?;
            Some((format!("outputs.parameters.{}.path", output.name), path))
        }));
        let values = Values::of(self, inputs).with_locals(&locals);

        let work = match &callable.body {
            Body::Container(container) => Work::Container(Box::new(filled(container, &values))),
            Body::Resource(resource) => {
                let fill = |text: &Option<String>| text.as_deref().map(|text| values.fill(text));
                Work::Job {
                    manifest: values.fill(&resource.manifest),
                    success: fill(&resource.success_condition),
                    failure: fill(&resource.failure_condition),
                }
            }
            Body::Suspend { .. } | Body::Dag(_) | Body::Steps(_) => {
                return Err(Fault("the template has no pod".to_owned()));
            }
        };
        let output_files = files
            .filter_map(|output| {
                let from = output.value_from.as_ref()?;
                Some(OutputFile {
                    name: output.name.clone(),
                    path: values.fill(from.path.as_deref()?),
                    default: from.default.as_deref().map(|default| values.fill(default)),
                    global_name: output.global_name.clone(),
                })
            })
            .collect();
        let deadline_seconds = active_deadline_seconds
            .as_deref()
            .map(|text| {
                let text = values.fill(text);
                let wrong = || Fault(format!("activeDeadlineSeconds `{text}` is not a number"));
                text.trim().parse().map_err(|_| wrong())
            })
            .transpose()?;
        let mut labels = self.program.pod_metadata.labels.clone();
        let mut annotations = self.program.pod_metadata.annotations.clone();
        if let Some(metadata) = metadata {
            labels.extend(metadata.labels.clone());
            annotations.extend(metadata.annotations.clone());
        }
        for value in labels.values_mut().chain(annotations.values_mut()) {
            *value = values.fill(value);
        }
        let volume = |volume: &Volume| {
            let mut volume = volume.clone();
            if let Some(map) = &mut volume.config_map {
                map.name = values.fill(&map.name);
            }
            if let Some(claim) = &mut volume.persistent_volume_claim {
                claim.claim_name = values.fill(&claim.claim_name);
            }
            volume
        };
        let boundary = site.frame.and_then(|frame| self.program.template(frame.template));
        let is_used = boundary.is_some_and(|boundary| boundary.results.contains(site.call));
        Ok(Pod {
            name: self.pod_name(name, callable),
            work,
            volumes: volumes.iter().chain(&self.program.volumes).map(volume).collect(),
            labels,
            annotations,
            output_files,
            capture: if is_used { Capture::Result } else { Capture::Log },
            deadline_seconds,
        })
    }
}

fn filled(container: &Container, values: &Values<'_>) -> Container {
    let all = |texts: &[String]| texts.iter().map(|text| values.fill(text)).collect();
    let key = |key: &KeyRef| KeyRef {
        name: values.fill(&key.name),
        key: values.fill(&key.key),
        optional: key.optional,
    };
    let variable = |variable: &EnvVar| {
        let mut filled = variable.clone();
        filled.value = variable.value.as_deref().map(|value| values.fill(value));
        if let Some(from) = &mut filled.value_from {
            from.secret_key_ref = from.secret_key_ref.as_ref().map(key);
            from.config_map_key_ref = from.config_map_key_ref.as_ref().map(key);
        }
        filled
    };
    let whole = |from: &EnvFrom| EnvFrom {
        secret_ref: SecretRef {
            name: values.fill(&from.secret_ref.name),
            optional: from.secret_ref.optional,
        },
    };
    Container {
        image: values.fill(&container.image),
        command: all(&container.command),
        args: all(&container.args),
        working_dir: container.working_dir.as_deref().map(|folder| values.fill(folder)),
        env: container.env.iter().map(variable).collect(),
        env_from: container.env_from.iter().map(whole).collect(),
        ..container.clone()
    }
}
