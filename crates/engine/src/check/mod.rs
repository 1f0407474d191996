//! Can these manifests be run here? Everything that cannot is listed, before anything runs.
//!
//! ```text
//! objects --> this file: one Workflow, names resolved
//!               +--> templates: what each kind of template may hold
//!               +--> calls:     tasks and steps, their order and arguments
//!               +--> tags:      every {{...}} can have a value at its place
//!               +--> gate_places: where people decide
//! ```

mod calls;
mod gate_places;
mod parameters;
mod scope;
mod tags;
mod templates;

use std::collections::BTreeMap;

use argo::{Manifest, Template, Workflow, WorkflowSpec, names, template::PodMetadata};

use self::{
    parameters::missing_arguments,
    scope::{MergedSpec, Scope, TemplateKey},
};
use crate::{
    program::{Callable, Program, TemplateIndex},
    refusal::{Refusal, Refusals},
    state::ConfigMapKey,
};

/// The namespace of a run that names none.
const NAMESPACE: &str = "default";

/// An object that holds templates.
struct Holder<'a> {
    key: Option<String>,
    refusals: Refusals,
    spec: &'a WorkflowSpec,
}

/// Checks manifests: returns a program, or everything in them that cannot be run here.
pub fn check(manifests: &[Manifest]) -> Result<Program, Vec<Refusal>> {
    let workflow = one_workflow(manifests)?;
    let name = &workflow.metadata.name;
    let mut top = Refusals::of("Workflow", name);
    let is_name = |part: &str| names::is_allowed(part);
    if name.len() > 200 || !name.split('.').all(is_name) {
        top.add("metadata.name", "letters `a` to `z`, digits and `-` are needed");
    }

    let mut holders =
        vec![Holder { key: None, refusals: Refusals::of("Workflow", name), spec: &workflow.spec }];
    let mut config_maps = BTreeMap::new();
    for manifest in manifests {
        match manifest {
            Manifest::WorkflowTemplate(object) => holders.push(Holder {
                key: Some(object.metadata.name.clone()),
                refusals: Refusals::of("WorkflowTemplate", &object.metadata.name),
                spec: &object.spec,
            }),
            Manifest::ConfigMap(object) => {
                for (key, value) in &object.data {
                    let name = object.metadata.name.clone();
                    config_maps.insert(ConfigMapKey { name, key: key.clone() }, value.clone());
                }
            }
            Manifest::Workflow(_)
            | Manifest::ServiceAccount(_)
            | Manifest::Role(_)
            | Manifest::RoleBinding(_) => {}
        }
    }

    let (spec, home) = merged_spec(workflow, &holders, &mut top);
    let mut index: BTreeMap<TemplateKey, TemplateIndex> = BTreeMap::new();
    let mut count = 0;
    for holder in &mut holders {
        for (position, template) in holder.spec.templates.iter().enumerate() {
            let key = (holder.key.clone(), template.name.clone());
            if index.insert(key, TemplateIndex(count)).is_some() {
                let path = format!("spec.templates[{position}].name");
                holder
                    .refusals
                    .add(path, format!("there are two templates named `{}`", template.name));
            }
            count += 1;
        }
    }

    let written: Vec<_> = holders.iter().flat_map(|holder| &holder.spec.templates).collect();
    let exported = tags::exported(&written);
    let mut callables = Vec::new();
    for holder in &mut holders {
        for (position, template) in holder.spec.templates.iter().enumerate() {
            let scope = Scope {
                holder: &holder.key,
                spec: &spec,
                index: &index,
                written: &written,
                exported: &exported,
                path: format!("spec.templates[{position}]"),
            };
            if let Some(body) = templates::body(template, &scope, &mut holder.refusals) {
                tags::check(template, &body, &scope, &mut holder.refusals);
                let results = tags::results(template);
                let template = with_metadata_of(holder.spec, template);
                callables.push(Callable { template, body, results });
            }
        }
    }

    let mut find = |field: &str, wanted: Option<&String>| -> Option<TemplateIndex> {
        let wanted = wanted?;
        let found = index.get(&(home.clone(), wanted.clone())).copied();
        match found {
            Some(found) => missing_arguments(&spec.arguments, &written, found, field, &mut top),
            None => top.add(field, format!("there is no template `{wanted}`")),
        }
        found
    };
    let entrypoint = find("spec.entrypoint", spec.entrypoint.as_ref());
    let on_exit = find("spec.onExit", spec.on_exit.as_ref());
    if spec.entrypoint.is_none() {
        top.add("spec.entrypoint", "it is missing");
    }
    if let Some(retry) = &spec.retry_strategy {
        templates::retry(retry, "spec.retryStrategy", &mut top);
    }
    for (position, parameter) in spec.arguments.iter().enumerate() {
        let path = format!("spec.arguments.parameters[{position}]");
        parameters::given(parameter, &path, &mut top);
    }

    let mut found = top.into_found();
    found.extend(holders.into_iter().flat_map(|holder| holder.refusals.into_found()));
    let (Some(entrypoint), true) = (entrypoint, found.is_empty()) else {
        return Err(found);
    };
    let mut program = Program {
        name: name.clone(),
        namespace: workflow.metadata.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        labels: workflow.metadata.labels.clone(),
        annotations: workflow.metadata.annotations.clone(),
        entrypoint,
        on_exit,
        arguments: spec.arguments,
        parallelism: spec.parallelism,
        retry_strategy: spec.retry_strategy,
        service_account: spec.service_account.unwrap_or_else(|| "default".to_owned()),
        pod_metadata: spec.pod_metadata,
        volumes: spec.volumes,
        templates: callables,
        config_maps,
        gates: Vec::new(),
    };
    program.gates = gate_places::places(&program);
    Ok(program)
}

/// Returns a template with the labels and annotations that its object has for all pods: these take
/// precedence over its own, as in Argo.
fn with_metadata_of(spec: &WorkflowSpec, template: &Template) -> Template {
    let mut template = template.clone();
    if let Some(PodMetadata { labels, annotations }) = spec.pod_metadata.clone() {
        let metadata = template.metadata.get_or_insert_default();
        metadata.labels.extend(labels);
        metadata.annotations.extend(annotations);
    }
    template
}

fn one_workflow(manifests: &[Manifest]) -> Result<&Workflow, Vec<Refusal>> {
    let mut workflows = manifests.iter().filter_map(|manifest| match manifest {
        Manifest::Workflow(workflow) => Some(workflow),
        _ => None,
    });
    let mut refusals = Refusals::of("Workflow", "(none)");
    match (workflows.next(), workflows.next()) {
        (Some(workflow), None) => return Ok(workflow),
        (None, _) => refusals.add("", "there is no Workflow among the manifests"),
        (Some(_), Some(second)) => {
            refusals = Refusals::of("Workflow", &second.metadata.name);
            refusals
                .add("", "only one Workflow can be submitted at a time; submit them one by one");
        }
    }
    Err(refusals.into_found())
}

/// Merges the specs; also returns the object that contains the entrypoint.
fn merged_spec(
    workflow: &Workflow,
    holders: &[Holder<'_>],
    top: &mut Refusals,
) -> (MergedSpec, Option<String>) {
    let own = &workflow.spec;
    let mut base = None;
    if let Some(reference) = &own.workflow_template_ref {
        base = holders.iter().find(|holder| holder.key.as_ref() == Some(&reference.name));
        if base.is_none() {
            let message = format!("there is no WorkflowTemplate `{}`", reference.name);
            top.add("spec.workflowTemplateRef.name", message);
        }
        if !own.templates.is_empty() {
            top.add("spec.templates", "give either templates or `workflowTemplateRef`, not both");
        }
    }
    let home = base.and_then(|holder| holder.key.clone());
    let default = WorkflowSpec::default();
    let base = base.map_or(&default, |holder| holder.spec);
    let parameters = |spec: &WorkflowSpec| {
        spec.arguments.clone().map(|arguments| arguments.parameters).unwrap_or_default()
    };
    let mut arguments = parameters(base);
    for parameter in parameters(own) {
        match arguments.iter_mut().find(|known| known.name == parameter.name) {
            Some(known) => *known = parameter,
            None => arguments.push(parameter),
        }
    }
    let mut volumes = own.volumes.clone();
    volumes.extend(base.volumes.iter().cloned());
    let pod_metadata = own.pod_metadata.clone().or_else(|| base.pod_metadata.clone());
    let spec = MergedSpec {
        entrypoint: own.entrypoint.clone().or_else(|| base.entrypoint.clone()),
        on_exit: own.on_exit.clone().or_else(|| base.on_exit.clone()),
        arguments,
        parallelism: own.parallelism.or(base.parallelism),
        retry_strategy: own.retry_strategy.clone().or_else(|| base.retry_strategy.clone()),
        service_account: own
            .service_account_name
            .clone()
            .or_else(|| base.service_account_name.clone()),
        pod_metadata: pod_metadata.unwrap_or_default(),
        volumes,
    };
    (spec, home)
}
