//! How is a step called? By reference to its static WorkflowTemplate, with its request and labels.

use std::collections::BTreeMap;

use argo::{
    Arguments, ConfigMap, Manifest, Parameter, Template, TemplateRef, WorkflowTemplate,
    container::{ClaimedVolume, ConfigMapVolume, Volume, VolumeMount},
    names,
};
use serde::Serialize;

use super::{object, request};
use crate::installation::{Installation, SnapshotVolume};

/// A step program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Initialize,
    Snapshot,
    Register,
    Metadata,
    Rfs,
    Verify,
    Cleanup,
}

impl Step {
    /// All steps, in the order of work.
    const ALL: [Self; 7] = [
        Self::Initialize,
        Self::Snapshot,
        Self::Register,
        Self::Metadata,
        Self::Rfs,
        Self::Verify,
        Self::Cleanup,
    ];

    /// Returns the name of the WorkflowTemplate, which is also that of image and program.
    pub(crate) const fn template_name(self) -> &'static str {
        match self {
            Self::Initialize => "argosy-initialize",
            Self::Snapshot => "argosy-snapshot",
            Self::Register => "argosy-register",
            Self::Metadata => "argosy-metadata",
            Self::Rfs => "argosy-rfs",
            Self::Verify => "argosy-verify",
            Self::Cleanup => "argosy-cleanup",
        }
    }

    const fn source_text(self) -> &'static str {
        match self {
            Self::Initialize => include_str!("../../../workflow-templates/initialize.yaml"),
            Self::Snapshot => include_str!("../../../workflow-templates/snapshot.yaml"),
            Self::Register => include_str!("../../../workflow-templates/register.yaml"),
            Self::Metadata => include_str!("../../../workflow-templates/metadata.yaml"),
            Self::Rfs => include_str!("../../../workflow-templates/rfs.yaml"),
            Self::Verify => include_str!("../../../workflow-templates/verify.yaml"),
            Self::Cleanup => include_str!("../../../workflow-templates/cleanup.yaml"),
        }
    }

    /// Returns whether it reads the repository.
    const fn reads_repository(self) -> bool {
        !matches!(self, Self::Snapshot | Self::Cleanup)
    }

    /// Returns the parameters that name Secrets of clusters, as its template has them. Keys of AWS
    /// sign requests to clusters too, so every step takes the storage's.
    const fn takes(self) -> (TakesSource, TakesTarget) {
        match self {
            Self::Initialize | Self::Cleanup => (TakesSource::Yes, TakesTarget::Yes),
            Self::Snapshot => (TakesSource::Yes, TakesTarget::No),
            Self::Register | Self::Metadata | Self::Rfs | Self::Verify => {
                (TakesSource::No, TakesTarget::Yes)
            }
        }
    }
}

/// Whether a step gets the source's credentials.
enum TakesSource {
    Yes,
    No,
}

/// Whether a step gets the target's credentials.
enum TakesTarget {
    Yes,
    No,
}

/// The static WorkflowTemplates, with what the installation decides filled in.
pub(crate) struct Skeletons {
    steps: BTreeMap<Step, WorkflowTemplate>,
    gate: WorkflowTemplate,
}

/// The template at which a gate waits.
pub(super) fn wait() -> TemplateRef {
    TemplateRef { name: "argosy-gate".to_owned(), template: "wait".to_owned() }
}

impl Skeletons {
    /// Reads the embedded files.
    pub(crate) fn new(installation: &Installation) -> Self {
        let filled = |step: Step| {
            let mut skeleton = filled(embedded(step.source_text()), installation);
            if let Some(volume) = installation.snapshot_volume.as_ref()
                && step.reads_repository()
            {
                skeleton.spec.templates.iter_mut().for_each(|template| mount(volume, template));
            }
            (step, skeleton)
        };
        Self {
            steps: Step::ALL.into_iter().map(filled).collect(),
            gate: embedded(include_str!("../../../workflow-templates/gate.yaml")),
        }
    }

    /// Returns them as manifests, gate first.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = Manifest> {
        let all = std::iter::once(&self.gate).chain(self.steps.values());
        all.cloned().map(Manifest::WorkflowTemplate)
    }

    fn run(&self, step: Step) -> Template {
        let skeleton = self.steps.get(&step).and_then(|step| step.spec.templates.first());
        skeleton.cloned().expect("each embedded file begins with the template `run`")
    }
}

fn embedded(text: &str) -> WorkflowTemplate {
    let manifest = argo::yaml::read(text).expect("a test reads every embedded file");
    let Manifest::WorkflowTemplate(template) = manifest else {
        unreachable!("a test reads every embedded file as a WorkflowTemplate");
    };
    template
}

fn filled(mut skeleton: WorkflowTemplate, installation: &Installation) -> WorkflowTemplate {
    let image = |name: &str| {
        let Installation { image_registry, image_tag, .. } = installation;
        format!("{}/{name}:{image_tag}", image_registry.trim_end_matches('/'))
    };
    for template in &mut skeleton.spec.templates {
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
    skeleton
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

/// What every call of one migration has in common.
pub(super) struct Scope<'a> {
    pub workflow: &'a str,
    pub skeletons: &'a Skeletons,
    /// Labels without their prefix, and the group's name if it is for a group.
    pub labels: Vec<(&'static str, String)>,
    pub source_secret: Option<&'a str>,
    pub target_secret: Option<&'a str>,
    pub storage_secret: Option<&'a str>,
}

/// A call of a step, and what it needs beside itself.
pub(super) struct Call {
    pub template: Option<String>,
    pub template_ref: Option<TemplateRef>,
    pub arguments: Arguments,
    /// A template of its own, for a request that is too long for an argument.
    pub own_template: Option<Template>,
    /// The object that holds such a request.
    pub own_object: Option<ConfigMap>,
}

impl Scope<'_> {
    /// Returns the call of a step's template `run`.
    pub(super) fn call(&self, step: Step, task: &str, request: &impl Serialize) -> Call {
        let request = request::text(request);
        let mut parameters = self.parameters(step, task);
        if request.len() <= request::LONGEST_ARGUMENT {
            parameters.push(Parameter::new("request", request));
            return Call {
                template: None,
                template_ref: Some(reference(step, "run")),
                arguments: Arguments { parameters },
                own_template: None,
                own_object: None,
            };
        }
        let migration = self.label("migration");
        let name = names::joined(&["request", migration, self.label("group"), task]);
        let object_name = names::joined(&[self.workflow, &name]);
        let labels = object::labels(self.workflow, &self.labels);
        Call {
            template: Some(name.clone()),
            template_ref: None,
            arguments: Arguments { parameters },
            own_template: Some(from_file(self.skeletons.run(step), &name, &object_name)),
            own_object: Some(object::config_map(
                &object_name,
                labels,
                [("request.json".to_owned(), request)].into(),
            )),
        }
    }

    /// Returns the parameters of a call, without the request.
    pub(super) fn parameters(&self, step: Step, task: &str) -> Vec<Parameter> {
        // What is for no group leaves that label at its default.
        let labels = self.labels.iter().filter(|(_, value)| !value.is_empty());
        // The task, the secrets and what the caller adds.
        let mut parameters = Vec::with_capacity(self.labels.len() + 6);
        parameters.extend(labels.map(|(name, value)| Parameter::new(*name, value)));
        parameters.push(Parameter::new("task", task));
        let (source, target) = step.takes();
        if let (TakesSource::Yes, Some(secret)) = (source, self.source_secret) {
            parameters.push(Parameter::new("source-secret", secret));
        }
        if let (TakesTarget::Yes, Some(secret)) = (target, self.target_secret) {
            parameters.push(Parameter::new("target-secret", secret));
        }
        if let Some(secret) = self.storage_secret {
            parameters.push(Parameter::new("storage-secret", secret));
        }
        parameters
    }

    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| value)
    }
}

/// Returns a reference to a template of a step.
pub(super) fn reference(step: Step, template: &str) -> TemplateRef {
    TemplateRef { name: step.template_name().to_owned(), template: template.to_owned() }
}

/// Makes a copy of `run` that reads its request from a ConfigMap.
fn from_file(mut run: Template, name: &str, object: &str) -> Template {
    name.clone_into(&mut run.name);
    if let Some(inputs) = &mut run.inputs {
        inputs.parameters.retain(|input| input.name != "request");
    }
    run.volumes.push(Volume {
        name: "request".to_owned(),
        empty_dir: None,
        config_map: Some(ConfigMapVolume { name: object.to_owned(), optional: None }),
        persistent_volume_claim: None,
    });
    if let Some(container) = &mut run.container {
        container.args = vec!["@/argosy-request/request.json".to_owned()];
        container.volume_mounts.push(VolumeMount {
            name: "request".to_owned(),
            mount_path: "/argosy-request".to_owned(),
            read_only: Some(true),
        });
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_a_workflow_template_with_its_own_name() {
        let skeletons = Skeletons::new(&Installation::default());
        for (step, skeleton) in &skeletons.steps {
            assert_eq!(skeleton.metadata.name, step.template_name());
            let run = skeletons.run(*step);
            assert_eq!(run.name, "run");
            let container = run.container.expect("a container");
            assert_eq!(container.command, [format!("/{}", step.template_name())]);
            let image = format!("localhost/{}:{}", step.template_name(), env!("CARGO_PKG_VERSION"));
            assert_eq!(container.image, image);
        }
        assert_eq!(skeletons.gate.metadata.name, wait().name);
    }

    #[test]
    fn whatever_reads_a_repository_sees_the_volume_and_nothing_else_does() {
        let volume = "nfs:/mnt/snapshots".parse().expect("a volume");
        let installation =
            Installation { snapshot_volume: Some(volume), ..Installation::default() };
        let skeletons = Skeletons::new(&installation);
        let bare = Skeletons::new(&Installation::default());
        for (step, skeleton) in &skeletons.steps {
            if !step.reads_repository() {
                assert_eq!(Some(skeleton), bare.steps.get(step), "{step:?}");
                continue;
            }
            for template in &skeleton.spec.templates {
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

    #[test]
    fn every_template_takes_what_its_calls_give() {
        let skeletons = Skeletons::new(&Installation::default());
        let labels = ["migration", "group", "source", "target", "snapshot"];
        let scope = Scope {
            workflow: "w",
            skeletons: &skeletons,
            labels: labels.into_iter().map(|label| (label, "x".to_owned())).collect(),
            source_secret: Some("s"),
            target_secret: Some("t"),
            storage_secret: Some("k"),
        };
        for step in Step::ALL {
            let call = scope.call(step, "task", &serde_json::json!({}));
            let given: Vec<&str> =
                call.arguments.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let inputs = skeletons.run(step).inputs.expect("inputs").parameters;
            for input in &inputs {
                assert!(given.contains(&input.name.as_str()), "{step:?}: {}", input.name);
            }
            assert_eq!(given.len(), inputs.len(), "{step:?}");
        }
    }
}
