//! Which step programs are there, and how is each started? By a static WorkflowTemplate.

use std::collections::BTreeMap;

use argo::{
    Manifest, Template, TemplateRef, WorkflowTemplate,
    container::{ClaimedVolume, Volume, VolumeMount},
};
use serde::Serialize;

use super::request;
use crate::{
    installation::{Installation, SnapshotVolume},
    plan::StepCall,
};

/// A step program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    Initialize,
    Snapshot,
    Register,
    Metadata,
    Rfs,
    Verify,
    Cleanup,
}

impl Program {
    /// All steps, in the order of work.
    pub(super) const ALL: [Self; 7] = [
        Self::Initialize,
        Self::Snapshot,
        Self::Register,
        Self::Metadata,
        Self::Rfs,
        Self::Verify,
        Self::Cleanup,
    ];

    const fn spec(self) -> ProgramSpec {
        match self {
            Self::Initialize => ProgramSpec {
                name: "argosy-initialize",
                template: include_str!("../../../workflow-templates/initialize.yaml"),
                reads_repository: true,
            },
            Self::Snapshot => ProgramSpec {
                name: "argosy-snapshot",
                template: include_str!("../../../workflow-templates/snapshot.yaml"),
                reads_repository: false,
            },
            Self::Register => ProgramSpec {
                name: "argosy-register",
                template: include_str!("../../../workflow-templates/register.yaml"),
                reads_repository: true,
            },
            Self::Metadata => ProgramSpec {
                name: "argosy-metadata",
                template: include_str!("../../../workflow-templates/metadata.yaml"),
                reads_repository: true,
            },
            Self::Rfs => ProgramSpec {
                name: "argosy-rfs",
                template: include_str!("../../../workflow-templates/rfs.yaml"),
                reads_repository: true,
            },
            Self::Verify => ProgramSpec {
                name: "argosy-verify",
                template: include_str!("../../../workflow-templates/verify.yaml"),
                reads_repository: true,
            },
            Self::Cleanup => ProgramSpec {
                name: "argosy-cleanup",
                template: include_str!("../../../workflow-templates/cleanup.yaml"),
                reads_repository: false,
            },
        }
    }
}

/// How a step program is started.
struct ProgramSpec {
    /// The name of the WorkflowTemplate, which is also that of image and program.
    name: &'static str,
    /// The text of the WorkflowTemplate.
    template: &'static str,
    /// Whether its pods see the folder of `file://` repositories.
    reads_repository: bool,
}

/// Returns the program that a call runs.
pub(super) const fn program(call: &StepCall) -> Program {
    match call {
        StepCall::Initialize(_) => Program::Initialize,
        StepCall::Snapshot(_) => Program::Snapshot,
        StepCall::Register(_) => Program::Register,
        StepCall::Metadata(_) => Program::Metadata,
        StepCall::Rfs(_) => Program::Rfs,
        StepCall::Verify(_) => Program::Verify,
        StepCall::Cleanup(_) => Program::Cleanup,
    }
}

/// The static WorkflowTemplates, with what the installation decides filled in.
pub(crate) struct StepTemplates {
    steps: BTreeMap<Program, WorkflowTemplate>,
    gate: WorkflowTemplate,
}

/// The template at which a gate waits.
pub(super) fn wait() -> TemplateRef {
    TemplateRef { name: "argosy-gate".to_owned(), template: "wait".to_owned() }
}

impl StepTemplates {
    /// Reads the embedded files.
    pub(crate) fn new(installation: &Installation) -> Self {
        let filled = |program: Program| {
            let ProgramSpec { name: _, template, reads_repository } = program.spec();
            let mut template = filled(embedded(template), installation);
            if let Some(volume) = installation.snapshot_volume.as_ref()
                && reads_repository
            {
                template.spec.templates.iter_mut().for_each(|template| mount(volume, template));
            }
            (program, template)
        };
        Self {
            steps: Program::ALL.into_iter().map(filled).collect(),
            gate: embedded(include_str!("../../../workflow-templates/gate.yaml")),
        }
    }

    /// Returns them as manifests, gate first.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = Manifest> {
        let all = std::iter::once(&self.gate).chain(self.steps.values());
        all.cloned().map(Manifest::WorkflowTemplate)
    }

    /// Returns the template that runs a program in one pod.
    pub(super) fn run(&self, program: Program) -> &Template {
        let template = self.steps.get(&program).and_then(|step| step.spec.templates.first());
        template.expect("each embedded file begins with the template `run`")
    }

    /// Returns whether a program's template has a parameter of this name. A step takes the Secrets
    /// of the clusters that it talks to. Keys of AWS sign requests to clusters too, so every step
    /// takes the Secret of the repository.
    pub(super) fn takes(&self, program: Program, parameter: &str) -> bool {
        let inputs = self.run(program).inputs.iter().flat_map(|inputs| &inputs.parameters);
        inputs.into_iter().any(|input| input.name == parameter)
    }
}

fn embedded(text: &str) -> WorkflowTemplate {
    let manifest = argo::yaml::read(text).expect("a test reads every embedded file");
    let Manifest::WorkflowTemplate(template) = manifest else {
        unreachable!("a test reads every embedded file as a WorkflowTemplate");
    };
    template
}

fn filled(mut filled: WorkflowTemplate, installation: &Installation) -> WorkflowTemplate {
    let image = |name: &str| {
        let Installation { image_registry, image_tag, .. } = installation;
        format!("{}/{name}:{image_tag}", image_registry.trim_end_matches('/'))
    };
    for template in &mut filled.spec.templates {
        if let Some(container) = &mut template.container {
            container.image = image(&container.image);
            container.image_pull_policy = Some(installation.image_pull_policy.clone());
        }
        for input in template.inputs.iter_mut().flat_map(|inputs| &mut inputs.parameters) {
            match input.name.as_str() {
                "image" => input.default = input.default.as_deref().map(image),
                "image-pull-policy" => input.default = Some(installation.image_pull_policy.clone()),
                "service-account" => input.default = Some(installation.service_account.clone()),
                _ => {}
            }
        }
    }
    filled
}

/// Shows the pods of a template the folder of `file://` repositories, to be read only.
fn mount(volume: &SnapshotVolume, template: &mut Template) {
    let name = "snapshots".to_owned();
    let claimed = ClaimedVolume { claim_name: volume.claim().to_owned(), read_only: Some(true) };
    let mount = VolumeMount {
        name: name.clone(),
        mount_path: volume.path().to_owned(),
        read_only: Some(true),
    };
    let volume =
        Volume { name, empty_dir: None, config_map: None, persistent_volume_claim: Some(claimed) };
    if let Some(container) = &mut template.container {
        container.volume_mounts.push(mount);
        template.volumes.push(volume);
    } else if let Some(resource) = &mut template.resource {
        let with_volume = with_first_item(&resource.manifest, "volumes:", &volume);
        resource.manifest = with_first_item(&with_volume, "volumeMounts:", &mount);
    }
}

/// Adds an item to a list of a manifest that is no YAML yet: Argo fills numbers in.
fn with_first_item(manifest: &str, list: &str, item: &impl Serialize) -> String {
    let lines = manifest.lines().map(|line| {
        let indent = line.strip_suffix(list).filter(|indent| indent.trim().is_empty());
        let item = indent.map(|indent| format!("{indent}  - {}\n", request::between_quotes(item)));
        format!("{line}\n{}", item.unwrap_or_default())
    });
    lines.collect()
}

/// Returns a reference to a template of a step.
pub(super) fn reference(program: Program, template: &str) -> TemplateRef {
    TemplateRef { name: program.spec().name.to_owned(), template: template.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_a_workflow_template_with_its_own_name() {
        let templates = StepTemplates::new(&Installation::default());
        for (step, filled) in &templates.steps {
            assert_eq!(filled.metadata.name, step.spec().name);
            let run = templates.run(*step).clone();
            assert_eq!(run.name, "run");
            let container = run.container.expect("a container");
            assert_eq!(container.command, [format!("/{}", step.spec().name)]);
            let image = format!("localhost/{}:{}", step.spec().name, env!("CARGO_PKG_VERSION"));
            assert_eq!(container.image, image);
        }
        assert_eq!(templates.gate.metadata.name, wait().name);
    }

    #[test]
    fn whatever_reads_a_repository_sees_the_volume_and_nothing_else_does() {
        let volume = "nfs:/mnt/snapshots".parse().expect("a volume");
        let installation =
            Installation { snapshot_volume: Some(volume), ..Installation::default() };
        let templates = StepTemplates::new(&installation);
        let bare = StepTemplates::new(&Installation::default());
        for (step, filled) in &templates.steps {
            if !step.spec().reads_repository {
                assert_eq!(Some(filled), bare.steps.get(step), "{step:?}");
                continue;
            }
            for template in &filled.spec.templates {
                let pod = match (&template.container, &template.resource) {
                    (Some(container), None) => serde_json::json!({
                        "volumes": template.volumes,
                        "containers": [container],
                    }),
                    (None, Some(resource)) => {
                        let filled = resource.manifest.replace("{{inputs.parameters.", "");
                        let job = argo::yaml::read_value(&filled).expect("YAML");
                        job.pointer("/spec/template/spec").cloned().expect("a pod")
                    }
                    _ => panic!("{step:?}: neither a container nor a Job"),
                };
                let first = |list: &str| {
                    let items = pod.pointer(list).and_then(|items| items.as_array());
                    let items = items.into_iter().flatten();
                    items.filter(|item| item["name"] == "snapshots").cloned().collect::<Vec<_>>()
                };
                let claim = serde_json::json!({ "claimName": "nfs", "readOnly": true });
                assert_eq!(
                    first("/volumes"),
                    [serde_json::json!({ "name": "snapshots", "persistentVolumeClaim": claim })]
                );
                assert_eq!(
                    first("/containers/0/volumeMounts"),
                    [serde_json::json!({
                        "name": "snapshots", "mountPath": "/mnt/snapshots", "readOnly": true,
                    })]
                );
            }
        }
    }
}
