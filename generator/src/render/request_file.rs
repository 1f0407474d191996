//! What carries a request that is too long for an argument? A ConfigMap, mounted into the pod.

use argo::{
    ConfigMap, Template,
    container::{ConfigMapVolume, Volume, VolumeMount},
    names,
};

use super::{object, scope::Scope, step::Program};

/// Returns a copy of a program's template `run` that reads the request from a ConfigMap, and the
/// ConfigMap.
pub(super) fn request_file(
    program: Program,
    task: &str,
    request: String,
    scope: &Scope<'_>,
) -> (Template, ConfigMap) {
    let name = names::join(&["request", scope.migration(), scope.group(), task]);
    let object_name = names::join(&[scope.workflow, &name]);
    let mut run = scope.templates.run(program).clone();
    run.name = name;
    if let Some(inputs) = &mut run.inputs {
        inputs.parameters.retain(|input| input.name != "request");
    }
    run.volumes.push(Volume {
        name: "request".to_owned(),
        empty_dir: None,
        config_map: Some(ConfigMapVolume { name: object_name.clone(), optional: None }),
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
    let labels = object::labels(scope.workflow, Some(scope.labels));
    let object =
        object::config_map(&object_name, labels, [("request.json".to_owned(), request)].into());
    (run, object)
}
