//! The pods of a run: which node does each belong to, and what blocks it?

use std::collections::BTreeMap;

use argo::convention::label;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerStatus, Pod},
};
use serde_json::{Map, Value};

use crate::logs::LogSource;

/// The annotation in which Argo names a pod's node.
const NODE_ID: &str = "workflows.argoproj.io/node-id";
/// The labels that distinguish the fleets of a run.
const FLEET_LABELS: [&str; 3] = ["migration", "group", "task"];

/// A pod of a run, and the node it works for.
#[derive(Clone, Debug)]
pub(super) struct StepPod {
    /// The node's id.
    pub(super) node: String,
    /// The source of its log lines.
    pub(super) source: LogSource,
    /// The pod.
    pub(super) pod: Pod,
}

impl StepPod {
    /// Returns the pod's name.
    pub(super) fn name(&self) -> &str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns whether its container has started.
    pub(super) fn has_begun(&self) -> bool {
        self.main().is_some_and(|main| {
            let state = main.state.as_ref();
            state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
        })
    }

    /// Returns whether it ended.
    pub(super) fn has_ended(&self) -> bool {
        let phase = self.pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    }

    fn main(&self) -> Option<&ContainerStatus> {
        let status = self.pod.status.as_ref()?;
        status.container_statuses.iter().flatten().find(|container| container.name == "main")
    }
}

/// Finds the node of each pod. `nodes` are as Argo wrote them, `owner` is the uid of the Workflow.
pub(super) fn of_run(
    nodes: &Map<String, Value>,
    owner: &str,
    pods: Vec<Pod>,
    jobs: &[Job],
) -> Vec<StepPod> {
    let jobs: BTreeMap<&str, &Job> = jobs
        .iter()
        .filter(|job| is_owned(job.metadata.owner_references.as_deref(), owner))
        .filter_map(|job| Some((job.metadata.uid.as_deref()?, job)))
        .collect();
    let mut pods: Vec<Pod> = pods;
    pods.sort_by_key(|pod| {
        let metadata = &pod.metadata;
        (metadata.creation_timestamp.as_ref().map(|time| time.0), metadata.name.clone())
    });
    let mut workers: BTreeMap<String, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for pod in pods {
        let references = pod.metadata.owner_references.as_deref();
        if is_owned(references, owner) {
            let node = pod.metadata.annotations.as_ref().and_then(|known| known.get(NODE_ID));
            if let Some(node) = node.cloned() {
                let source = source(nodes, &node, &pod, None);
                found.push(StepPod { node, source, pod });
            }
            continue;
        }
        let mut references = references.into_iter().flatten();
        let Some(job) = references.find_map(|owner| jobs.get(owner.uid.as_str())) else { continue };
        let Some(node) = node_of_job(nodes, job) else { continue };
        let next = workers.entry(node.clone()).or_default();
        let source = source(nodes, &node, &pod, Some(*next));
        *next = next.saturating_add(1);
        found.push(StepPod { node, source, pod });
    }
    found
}

fn is_owned(
    references: Option<&[k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference]>,
    uid: &str,
) -> bool {
    references.into_iter().flatten().any(|owner| owner.uid == uid)
}

fn source(nodes: &Map<String, Value>, node: &str, pod: &Pod, worker: Option<u32>) -> LogSource {
    let word = |key: &str| {
        let found = nodes.get(node).and_then(|node| node.get(key)).and_then(Value::as_str);
        found.unwrap_or(node).to_owned()
    };
    let labels = pod.metadata.labels.clone().unwrap_or_default().into_iter().collect();
    // An attempt is named after its step: `follow(1)` is shown as `follow`.
    let name = word("displayName");
    let step = match name.split_once('(') {
        Some((step, rest)) if rest.ends_with(')') => step.to_owned(),
        _ => name,
    };
    LogSource { node: word("name"), step, worker, labels }
}

/// Finds the node that created a Job: the one whose inputs are the labels of the Job.
pub(super) fn node_of_job(nodes: &Map<String, Value>, job: &Job) -> Option<String> {
    let labels = job.metadata.labels.as_ref()?;
    let called_with = |node: &Value, name: &str| {
        let parameters = node.pointer("/inputs/parameters").and_then(Value::as_array);
        let parameter = parameters
            .into_iter()
            .flatten()
            .find(|parameter| parameter.get("name").and_then(Value::as_str) == Some(name));
        parameter
            .and_then(|parameter| parameter.get("value"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let fits = |node: &Value| {
        FLEET_LABELS.iter().all(|name| {
            let word = labels.get(&label::ours(name)).map(String::as_str);
            called_with(node, name) == word.unwrap_or_default()
        })
    };
    // Of several attempts, the newest one created the Job.
    let is_pod = |node: &Value| node.get("type").and_then(Value::as_str) == Some("Pod");
    nodes
        .iter()
        .filter(|(_, node)| is_pod(node) && fits(node))
        .max_by_key(|(_, node)| node.get("startedAt").and_then(Value::as_str).map(str::to_owned))
        .map(|(id, _)| id.clone())
}

/// Returns what blocks a pod and what to do; `None` if nothing does.
pub(super) fn blocked(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    if status.reason.as_deref() == Some("Evicted") {
        let why = status.message.as_deref().unwrap_or("its node ran out of a resource");
        return Some(format!("its pod was evicted: {why}"));
    }
    let unscheduled = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = unscheduled {
        let why = condition.message.as_deref().unwrap_or("no reason given");
        return Some(format!(
            "no node of the cluster can run its pod: {why}; add nodes, or request fewer resources"
        ));
    }
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses);
    containers.flatten().find_map(container_blocked)
}

/// Explains Argo's message about a node whose pod does not exist; `None` if the message is clear.
pub(super) fn explain_missing(message: &str, workflow: &str) -> Option<String> {
    if message.contains("exceeded quota") {
        return Some(format!(
            "a quota of the namespace does not allow its pod: {message}; it continues when other \
             pods have ended or the quota is raised"
        ));
    }
    // A container that is asked to end, or is killed, ends with one of these.
    let was_ended = ["pod deleted", "(exit code 143)", "(exit code 137)"];
    was_ended.iter().any(|end| message.ends_with(end)).then(|| {
        format!(
            "its pod was deleted or ended from outside, perhaps with its node ({message}); once the \
             run has ended, `workflow resume {workflow}` starts it again"
        )
    })
}

fn container_blocked(container: &ContainerStatus) -> Option<String> {
    let ended = |state: &Option<k8s_openapi::api::core::v1::ContainerState>| {
        state.as_ref()?.terminated.as_ref()?.reason.clone()
    };
    let was_killed = [&container.state, &container.last_state]
        .into_iter()
        .any(|state| ended(state).as_deref() == Some("OOMKilled"));
    if was_killed {
        return Some(
            "it used more memory than its limit and was killed; raise the limit, or, for workers, \
             lower `connections` and `bulkBytes` of `documentBackfill`"
                .to_owned(),
        );
    }
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let why = waiting.message.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let image = &container.image;
    Some(match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "RegistryUnavailable" => {
            format!(
                "image `{image}` cannot be pulled{why}; check `--image-registry` and `--image-tag`, \
                 and that the nodes may pull it"
            )
        }
        "InvalidImageName" => format!("`{image}` is not a valid image name{why}"),
        "CreateContainerConfigError" => {
            format!(
                "its container cannot be set up{why}; if a Secret or a ConfigMap was removed, create \
                 it again (`workflow configure credentials create` for credentials), and the pod \
                 continues"
            )
        }
        "CreateContainerError" | "RunContainerError" | "StartError" => {
            format!("its container cannot be started{why}")
        }
        "CrashLoopBackOff" => format!("its container starts and ends again and again{why}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(value: Value) -> Pod {
        serde_json::from_value(value).expect("a pod")
    }

    #[test]
    fn what_blocks_a_pod_is_explained() {
        let waiting = |reason: &str, message: &str| {
            pod(json!({ "status": { "phase": "Pending", "containerStatuses": [{
                "name": "main", "image": "host/argosy-rfs:1", "imageID": "", "ready": false,
                "restartCount": 0,
                "state": { "waiting": { "reason": reason, "message": message } },
            }]}}))
        };
        let said = blocked(&waiting("ImagePullBackOff", "not found")).expect("an explanation");
        assert!(
            said.starts_with("image `host/argosy-rfs:1` cannot be pulled: not found"),
            "{said}"
        );
        let said = blocked(&waiting("CreateContainerConfigError", "secret \"x\" not found"));
        assert!(said.expect("an explanation").contains("secret \"x\" not found"));
        assert_eq!(blocked(&waiting("ContainerCreating", "")), None);

        let unschedulable = pod(json!({ "status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available",
        }]}}));
        let said = blocked(&unschedulable).expect("an explanation");
        assert!(said.contains("0/1 nodes are available"), "{said}");
        let evicted = json!({ "status": {
            "phase": "Failed", "reason": "Evicted", "message": "The node was low on memory",
        }});
        assert!(
            blocked(&pod(evicted)).expect("an explanation").contains("evicted: The node was low")
        );
        let killed = json!({ "status": { "phase": "Failed", "containerStatuses": [{
            "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
        }]}});
        assert!(blocked(&pod(killed)).expect("an explanation").contains("memory"));
        assert_eq!(blocked(&pod(json!({ "status": { "phase": "Running" } }))), None);
    }

    #[test]
    fn a_pod_that_does_not_exist_is_explained() {
        let forbidden = "pods \"w-1\" is forbidden: exceeded quota: narrow, requested: pods=1";
        let said = explain_missing(forbidden, "w").expect("an explanation");
        assert!(said.contains("exceeded quota: narrow") && said.contains("raised"), "{said}");
        for told in ["pod deleted", "main: Error (exit code 143)"] {
            let said = explain_missing(told, "w").expect("an explanation");
            assert!(said.contains("deleted") && said.contains("`workflow resume w`"), "{said}");
        }
        assert_eq!(explain_missing("main: Error (exit code 1)", "w"), None);
    }

    #[test]
    fn workers_of_a_job_belong_to_the_node_that_made_it() {
        let nodes = json!({
            "w-1": {
                "id": "w-1", "name": "w.a.restore[1].workers", "displayName": "workers",
                "type": "Pod", "startedAt": "2026-11-20T10:00:00Z",
                "inputs": { "parameters": [
                    { "name": "group", "value": "g" }, { "name": "migration", "value": "m" },
                    { "name": "task", "value": "workers" },
                ]},
            },
            "w-2": { "id": "w-2", "name": "w.a.follow(1)", "displayName": "follow(1)", "type": "Pod" },
        });
        let nodes = nodes.as_object().cloned().expect("nodes");
        let owner = |kind: &str, uid: &str| json!([{ "apiVersion": "v1", "kind": kind, "name": "x", "uid": uid }]);
        let labels = json!({
            "argosy.dev/group": "g", "argosy.dev/migration": "m", "argosy.dev/task": "workers",
        });
        let job: Job = serde_json::from_value(json!({ "metadata": {
            "uid": "j", "labels": labels, "ownerReferences": owner("Workflow", "u"),
        }}))
        .expect("a job");
        let pods = vec![
            pod(json!({ "metadata": { "name": "late", "ownerReferences": owner("Job", "j"),
                "creationTimestamp": "2026-11-20T10:00:02Z" } })),
            pod(json!({ "metadata": { "name": "early", "ownerReferences": owner("Job", "j"),
                "creationTimestamp": "2026-11-20T10:00:01Z" } })),
            pod(json!({ "metadata": { "name": "step", "ownerReferences": owner("Workflow", "u"),
                "annotations": { "workflows.argoproj.io/node-id": "w-2" } } })),
            pod(json!({ "metadata": { "name": "old", "ownerReferences": owner("Workflow", "v"),
                "annotations": { "workflows.argoproj.io/node-id": "w-2" } } })),
        ];
        let found = of_run(&nodes, "u", pods, &[job]);
        let run_objects: Vec<_> = found
            .iter()
            .map(|pod| (pod.name(), pod.node.as_str(), pod.source.step.as_str(), pod.source.worker))
            .collect();
        assert_eq!(
            run_objects,
            [
                ("step", "w-2", "follow", None),
                ("early", "w-1", "workers", Some(0)),
                ("late", "w-1", "workers", Some(1)),
            ]
        );
    }
}
