//! What may each kind of template hold?

use argo::{Container, RetryStrategy, Template, container::Volume};

use crate::{
    check::{calls, parameters::only_config_map, scope::Scope},
    duration,
    expression::{self, Dialect},
    job, mounts,
    program::Body,
    refusal::Refusals,
    substitute::{stand_in, tags},
};

/// Fields of a pod that a variable may refer to.
const POD_FIELDS: [&str; 4] =
    ["metadata.name", "metadata.namespace", "metadata.uid", "spec.serviceAccountName"];

/// Resolves what a template does; `None` if it cannot be determined.
pub(crate) fn body(
    template: &Template,
    scope: &Scope<'_>,
    refusals: &mut Refusals,
) -> Option<Body> {
    let Template {
        name,
        inputs,
        outputs: _,
        metadata: _,
        parallelism: _,
        retry_strategy,
        active_deadline_seconds,
        service_account_name: _,
        automount_service_account_token: _,
        volumes,
        container,
        dag,
        steps,
        suspend,
        resource,
    } = template;
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        refusals.add(scope.at("name"), "letters, digits and `-` are needed");
    }
    for (position, input) in inputs.iter().flat_map(|inputs| &inputs.parameters).enumerate() {
        if let Some(from) = &input.value_from {
            let path = scope.at(&format!("inputs.parameters[{position}].valueFrom"));
            only_config_map(from, &path, refusals);
        }
    }
    if let Some(retry_strategy) = retry_strategy {
        retry(retry_strategy, &scope.at("retryStrategy"), refusals);
    }
    if let Some(seconds) = active_deadline_seconds
        && tags(seconds).next().is_none()
        && seconds.parse::<u64>().is_err()
    {
        refusals.add(scope.at("activeDeadlineSeconds"), format!("`{seconds}` is not a number"));
    }
    let is_of_pod = |character: char| !character.is_ascii_uppercase();
    if (container.is_some() || resource.is_some()) && !name.chars().all(is_of_pod) {
        let message =
            "upper-case letters are not allowed here: the names of pods contain this name";
        refusals.add(scope.at("name"), message);
    }
    let all_volumes: Vec<&Volume> = volumes.iter().chain(&scope.spec.volumes).collect();

    match (container, dag, steps, suspend, resource) {
        (Some(container), None, None, None, None) => {
            self::container(container, &all_volumes, &scope.at("container"), refusals);
            output_files(template, container, &all_volumes, scope, refusals);
            Some(Body::Container(Box::new(container.clone())))
        }
        (None, Some(dag), None, None, None) => {
            derived_outputs(template, scope, refusals);
            calls::dag(dag, scope, refusals).map(Body::Dag)
        }
        (None, None, Some(steps), None, None) => {
            derived_outputs(template, scope, refusals);
            calls::steps(steps, scope, refusals).map(Body::Steps)
        }
        (None, None, None, Some(suspend), None) => {
            if let Some(text) = &suspend.duration
                && tags(text).next().is_none()
                && let Err(error) = duration::parse(text)
            {
                refusals.add(scope.at("suspend.duration"), error);
            }
            no_outputs(template, "a suspend template", scope, refusals);
            Some(Body::Suspend { duration: suspend.duration.clone() })
        }
        (None, None, None, None, Some(resource)) => {
            no_outputs(template, "a resource template", scope, refusals);
            if resource.action != "create" {
                let message = format!("`{}` is not supported here; use `create`", resource.action);
                refusals.add(scope.at("resource.action"), message);
            }
            let conditions = [
                ("successCondition", &resource.success_condition),
                ("failureCondition", &resource.failure_condition),
            ];
            for (field, condition) in conditions {
                if let Some(text) = condition
                    && let Err(error) = job::Condition::parse(&stand_in(text, "0"))
                {
                    refusals.add(scope.at(&format!("resource.{field}")), error);
                }
            }
            let path = scope.at("resource.manifest");
            match job::read(&stand_in(&resource.manifest, "1")) {
                Ok(plan) => {
                    let volumes: Vec<&Volume> = plan.volumes.iter().collect();
                    self::container(&plan.container, &volumes, &path, refusals);
                }
                Err(error) => refusals.add(path, error),
            }
            Some(Body::Resource(resource.clone()))
        }
        _ => {
            let message = "exactly one of `container`, `dag`, `steps`, `suspend` and `resource` \
                           is needed";
            refusals.add(scope.path.clone(), message);
            None
        }
    }
}

/// Checks a retry rule.
pub(crate) fn retry(strategy: &RetryStrategy, path: &str, refusals: &mut Refusals) {
    let RetryStrategy { limit, retry_policy, expression, backoff } = strategy;
    let is_number = |text: &String| tags(text).next().is_some() || text.parse::<u32>().is_ok();
    if limit.as_ref().is_some_and(|limit| !is_number(limit)) {
        refusals.add(format!("{path}.limit"), "a number is needed");
    }
    if let Some(policy) = retry_policy
        && !["Always", "OnFailure", "OnError"].contains(&policy.as_str())
    {
        let message =
            format!("`{policy}` is not supported here; use `Always`, `OnFailure` or `OnError`");
        refusals.add(format!("{path}.retryPolicy"), message);
    }
    if let Some(text) = expression
        && let Err(error) = expression::parse(&stand_in(text, "0"), Dialect::Retry)
    {
        refusals.add(format!("{path}.expression"), error);
    }
    let Some(backoff) = backoff else { return };
    if backoff.duration.is_none() {
        refusals.add(format!("{path}.backoff"), "`duration` is needed");
    }
    let durations = [
        ("duration", &backoff.duration),
        ("cap", &backoff.cap),
        ("maxDuration", &backoff.max_duration),
    ];
    for (field, value) in durations {
        if let Some(text) = value
            && tags(text).next().is_none()
            && let Err(error) = duration::parse(text)
        {
            refusals.add(format!("{path}.backoff.{field}"), error);
        }
    }
    if backoff.factor.as_ref().is_some_and(|factor| !is_number(factor)) {
        refusals.add(format!("{path}.backoff.factor"), "a number is needed");
    }
}

fn container(container: &Container, volumes: &[&Volume], path: &str, refusals: &mut Refusals) {
    if container.command.is_empty() {
        let message =
            "`command` is required: on this machine there is no image from which to read it";
        refusals.add(format!("{path}.command"), message);
    }
    for (position, variable) in container.env.iter().enumerate() {
        let path = format!("{path}.env[{position}]");
        let Some(from) = &variable.value_from else { continue };
        let sources = [
            from.secret_key_ref.is_some(),
            from.config_map_key_ref.is_some(),
            from.field_ref.is_some(),
            variable.value.is_some(),
        ];
        if sources.into_iter().filter(|given| *given).count() != 1 {
            refusals.add(path, "exactly one source of the value is needed");
            continue;
        }
        if let Some(field) = &from.field_ref {
            let field = &field.field_path;
            let is_map = ["metadata.labels['", "metadata.annotations['"]
                .iter()
                .any(|start| field.starts_with(start) && field.ends_with("']"));
            if !is_map && !POD_FIELDS.contains(&field.as_str()) {
                let message = format!("the field `{field}` is not allowed here");
                refusals.add(format!("{path}.valueFrom.fieldRef.fieldPath"), message);
            }
        }
    }
    for (position, mount) in container.volume_mounts.iter().enumerate() {
        let path = format!("{path}.volumeMounts[{position}]");
        let Some(volume) = volumes.iter().find(|volume| volume.name == mount.name) else {
            refusals.add(path, format!("there is no volume `{}`", mount.name));
            continue;
        };
        let kinds = [
            volume.empty_dir.is_some(),
            volume.config_map.is_some(),
            volume.persistent_volume_claim.is_some(),
        ];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            let message = "its volume must be an `emptyDir`, a `configMap` or a \
                           `persistentVolumeClaim`";
            refusals.add(path, message);
        } else if !mounts::is_plain(&mount.mount_path) || !mounts::is_name(&mount.name) {
            refusals.add(path, "an absolute path without `.` and `..` is needed");
        }
    }
}

/// Output files must lie in a folder of the pod: the others would be shared by all processes.
fn output_files(
    template: &Template,
    container: &Container,
    volumes: &[&Volume],
    scope: &Scope<'_>,
    refusals: &mut Refusals,
) {
    let outputs = template.outputs.iter().flat_map(|outputs| &outputs.parameters);
    for (position, output) in outputs.enumerate() {
        let path = scope.at(&format!("outputs.parameters[{position}].valueFrom"));
        let from = output.value_from.clone().unwrap_or_default();
        let Some(file) = &from.path else {
            refusals.add(path, "`path` is needed");
            continue;
        };
        let mount = mounts::mount_of(file, &container.volume_mounts);
        let is_folder = |name: &str| {
            volumes.iter().any(|volume| volume.name == name && volume.empty_dir.is_some())
        };
        if !mounts::is_plain(file) || !mount.is_some_and(|mount| is_folder(&mount.name)) {
            let message = "a file under the mount of an `emptyDir` volume is needed: other files \
                           would be shared by all steps here";
            refusals.add(format!("{path}.path"), message);
        }
    }
}

fn derived_outputs(template: &Template, scope: &Scope<'_>, refusals: &mut Refusals) {
    let outputs = template.outputs.iter().flat_map(|outputs| &outputs.parameters);
    for (position, output) in outputs.enumerate() {
        let path = scope.at(&format!("outputs.parameters[{position}].valueFrom"));
        let from = output.value_from.clone().unwrap_or_default();
        let tag = from.parameter.as_deref().map(str::trim);
        let is_tag = tag.is_some_and(|text| text.starts_with("{{") && text.ends_with("}}"));
        if !is_tag {
            refusals.add(path, "`parameter` with one `{{...}}` is needed");
        }
    }
}

fn no_outputs(template: &Template, what: &str, scope: &Scope<'_>, refusals: &mut Refusals) {
    if template.outputs.iter().any(|outputs| !outputs.parameters.is_empty()) {
        refusals.add(scope.at("outputs"), format!("outputs of {what} are not supported here"));
    }
}
