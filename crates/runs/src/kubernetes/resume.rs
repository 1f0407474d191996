//! Resumes a run that failed: what succeeded is kept, what failed runs again.
//!
//! Argo's controller makes a node for every task that has none. So the nodes that failed are taken
//! out of the status, with their pods, and the nodes that hold them run again. Which ones these are
//! is decided as the embedded engine decides it ([`engine::resume`]).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use argo::{NodePhase, convention::resume::WHOLE};
use engine::{ResumePlan, resume};
use serde_json::{Map, Value, json};

use super::{
    error::{ArgoError, UnpackError},
    fault::Fault,
    nodes::{self, NodeStorage},
    objects,
    observe::RunObjects,
    server::{Server, text},
};
use crate::{
    error::BackendError,
    object_kind::ObjectKind,
    run::{ResumeReport, Run},
};

/// How long the pods of the steps that run again may take to be deleted.
const MAX_DELETION_TIME: Duration = Duration::from_mins(2);

/// Resumes a run.
pub(super) async fn resume(server: &Server, run: &Run) -> Result<ResumeReport, BackendError> {
    let run_objects = RunObjects::read(server, run).await?;
    let name = &run.name;
    if objects::is_on_hold(&run_objects.workflow) {
        return Err(ArgoError::HalfSubmitted { name: name.clone() }.into());
    }
    if !run_objects.status.phase.is_complete() {
        if run_objects.workflow.pointer("/spec/suspend").and_then(Value::as_bool) != Some(true) {
            return Ok(ResumeReport::AlreadyRunning);
        }
        let patch = json!({ "metadata": { "uid": run.uid }, "spec": { "suspend": null } });
        server.merge(ObjectKind::Workflow, name, &patch).await?;
        return Ok(ResumeReport::Continued);
    }
    if !run_objects.status.phase.is_failure() {
        let phase = run_objects.status.phase;
        return Err(ArgoError::NotFailed { name: name.clone(), phase }.into());
    }
    if nodes::storage(&run_objects.workflow) == NodeStorage::Offloaded {
        return Err(ArgoError::Offloaded { name: name.clone() }.into());
    }
    if run_objects.status.nodes.is_empty() {
        let reason = run_objects.status.message.as_deref().unwrap_or("no reason given").to_owned();
        return Err(ArgoError::NoSteps { name: name.clone(), reason }.into());
    }
    let (plan, again) =
        resume::plan(&run_objects.status, name, &whole_templates(&run_objects.templates));
    remove_pods(server, &run_objects, &plan).await?;
    let patch = patch(&run_objects.workflow, &run_objects.nodes, &plan)?;
    match server.merge(ObjectKind::Workflow, name, &patch).await {
        Err(Fault::Conflict { .. }) => Err(ArgoError::Changed { name: name.clone() }.into()),
        done => {
            done?;
            Ok(ResumeReport::Retried(again))
        }
    }
}

/// Returns the names of the templates that are tried again whole.
fn whole_templates(objects: &[Value]) -> BTreeSet<String> {
    let templates =
        objects.iter().filter_map(|object| object.pointer("/spec/templates")?.as_array()).flatten();
    templates
        .filter(|template| {
            let annotations = template.pointer("/metadata/annotations");
            let word = annotations.and_then(|known| known.get(WHOLE.0)).and_then(Value::as_str);
            word == Some(WHOLE.1)
        })
        .map(|template| text(template, "/name").to_owned())
        .collect()
}

/// Returns the change of the Workflow; it fails if the Workflow changed since it was read.
fn patch(
    workflow: &Value,
    nodes: &Map<String, Value>,
    plan: &ResumePlan,
) -> Result<Value, UnpackError> {
    let mut changed = Map::new();
    for (id, node) in nodes {
        if plan.removed.contains(id) {
            changed.insert(id.clone(), Value::Null);
            continue;
        }
        let mut change = Map::new();
        if plan.revived.contains(id) {
            change.insert("phase".to_owned(), NodePhase::Running.as_str().into());
            for field in ["finishedAt", "message", "outboundNodes"] {
                change.insert(field.to_owned(), Value::Null);
            }
        }
        let children = node.get("children").and_then(Value::as_array);
        let stays =
            |child: &&Value| child.as_str().is_none_or(|child| !plan.removed.contains(child));
        if let Some(children) = children
            && children.iter().any(|child| !stays(&child))
        {
            let left: Vec<Value> = children.iter().filter(stays).cloned().collect();
            change.insert("children".to_owned(), left.into());
        }
        if !change.is_empty() {
            changed.insert(id.clone(), change.into());
        }
    }
    let mut status = json!({ "phase": NodePhase::Running, "finishedAt": null, "message": null });
    if let Some(status) = status.as_object_mut() {
        match nodes::storage(workflow) {
            NodeStorage::Compressed => {
                let mut whole = Value::Object(nodes.clone());
                merge(&mut whole, &Value::Object(changed));
                let whole = whole.as_object().cloned().unwrap_or_default();
                status.insert("compressedNodes".to_owned(), nodes::pack(&whole)?.into());
            }
            NodeStorage::Plain | NodeStorage::Offloaded => {
                status.insert("nodes".to_owned(), changed.into());
            }
        }
        if let Some(conditions) = workflow.pointer("/status/conditions").and_then(Value::as_array) {
            let left: Vec<Value> = conditions
                .iter()
                .filter(|condition| text(condition, "/type") != "Completed")
                .cloned()
                .collect();
            status.insert("conditions".to_owned(), left.into());
        }
        if let Some(results) =
            workflow.pointer("/status/taskResultsCompletionStatus").and_then(Value::as_object)
        {
            let gone = results.keys().filter(|id| plan.removed.contains(*id));
            let gone: Map<String, Value> = gone.map(|id| (id.clone(), Value::Null)).collect();
            status.insert("taskResultsCompletionStatus".to_owned(), gone.into());
        }
        if workflow.pointer("/status/storedWorkflowTemplateSpec").is_some() {
            let spec = json!({ "shutdown": null, "suspend": null });
            status.insert("storedWorkflowTemplateSpec".to_owned(), spec);
        }
    }
    Ok(json!({
        "metadata": {
            "resourceVersion": text(workflow, "/metadata/resourceVersion"),
            "labels": {
                "workflows.argoproj.io/completed": null,
                "workflows.argoproj.io/phase": NodePhase::Running,
            },
        },
        "spec": { "shutdown": null, "suspend": null },
        "status": status,
    }))
}

/// Changes a value as a merge patch says (RFC 7396).
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let Value::Object(fields) = value else { return };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Removes the Jobs and pods of what is tried again, and waits until they are gone: the new pods
/// have the same names.
async fn remove_pods(
    server: &Server,
    run_objects: &RunObjects,
    plan: &ResumePlan,
) -> Result<(), BackendError> {
    let (jobs, pods) = run_objects.jobs_and_pods(server).await?;
    for (node, job) in jobs {
        if plan.removed.contains(&node) {
            server.delete(ObjectKind::Job, &job, None).await?;
        }
    }
    let pods: Vec<_> = pods
        .into_iter()
        .filter(|pod| plan.removed.contains(&pod.node) && pod.source.worker.is_none())
        .collect();
    for pod in &pods {
        server.delete(ObjectKind::Pod, pod.name(), pod.pod.metadata.uid.as_deref()).await?;
    }
    let started = Instant::now();
    for pod in &pods {
        while let Some(found) = server.get(ObjectKind::Pod, pod.name()).await? {
            if Some(text(&found, "/metadata/uid")) != pod.pod.metadata.uid.as_deref() {
                break;
            }
            if started.elapsed() > MAX_DELETION_TIME {
                return Err(ArgoError::PodEnding { pod: pod.name().to_owned() }.into());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nodes of a run that failed: `id type phase boundary children`.
    const NODES: &str = "\
w             DAG       Failed    -   a,b,c
a             Pod       Succeeded w   -
b             Retry     Failed    w   b(0),b(1)
b(0)          Pod       Failed    w   -
b(1)          Pod       Failed    w   e
c             Steps     Failed    w   c[0]
c[0]          StepGroup Succeeded c   kept,tolerated
kept          Pod       Succeeded c   c[1]
tolerated     Pod       Failed    c   c[1]
c[1]          StepGroup Failed    c   failing,fine
failing       Pod       Failed    c   -
fine          Pod       Succeeded c   -
e             Skipped   Omitted   w   -
f             Steps     Failed    w   f[0]
f[0]          StepGroup Failed    f   x
x             Pod       Succeeded f   -
w.onExit      Steps     Succeeded -   y
y             Pod       Succeeded w.onExit -";

    fn nodes() -> Map<String, Value> {
        let mut nodes = Map::new();
        for line in NODES.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [id, kind, phase, boundary, children] = words.as_slice() else { panic!("{line}") };
            let children: Vec<&str> = children.split(',').filter(|child| *child != "-").collect();
            let mut node = json!({
                "id": id, "name": if *id == "y" { "w.onExit[0].y" } else { id },
                "displayName": id, "type": kind, "phase": phase, "children": children,
                "templateName": id, "finishedAt": "2026-11-20T10:00:00Z",
            });
            if *boundary != "-" {
                node["boundaryID"] = (*boundary).into();
            }
            nodes.insert((*id).to_owned(), node);
        }
        nodes
    }

    fn plan() -> (ResumePlan, Vec<String>) {
        let workflow = json!({ "status": { "phase": "Failed" } });
        let status = nodes::status(&workflow, &nodes()).expect("a status");
        let template = json!({
            "name": "f", "metadata": { "annotations": { "argosy.dev/retry": "whole" } },
        });
        let templates = json!({ "spec": { "templates": [{ "name": "c" }, template] } });
        resume::plan(&status, "w", &whole_templates(&[templates]))
    }

    #[test]
    fn what_argo_wrote_is_decided_about_as_what_the_engine_wrote() {
        let (plan, again) = plan();
        let removed = ["b", "b(0)", "b(1)", "e", "f", "f[0]", "failing", "w.onExit", "x", "y"];
        assert_eq!(plan.removed.iter().collect::<Vec<_>>(), removed);
        assert_eq!(plan.revived.iter().collect::<Vec<_>>(), ["c", "c[1]", "w"]);
        assert_eq!(again, ["b", "f", "failing"]);
    }

    #[test]
    fn the_change_leaves_no_child_that_is_gone() {
        let (plan, _) = plan();
        let workflow = json!({
            "metadata": { "resourceVersion": "7" },
            "status": {
                "conditions": [{ "type": "PodRunning" }, { "type": "Completed" }],
                "taskResultsCompletionStatus": { "b(1)": true, "a": true },
                "storedWorkflowTemplateSpec": { "shutdown": "Stop" },
            },
        });
        let patch = patch(&workflow, &nodes(), &plan).expect("a patch");
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let status = &patch["status"];
        assert_eq!(status["nodes"]["b"], Value::Null);
        assert_eq!(status["nodes"]["w"]["children"], json!(["a", "c"]));
        assert_eq!(status["nodes"]["w"]["phase"], "Running");
        assert_eq!(status["nodes"]["c[1]"]["children"], json!(["fine"]));
        assert!(status["nodes"].get("a").is_none());
        assert_eq!(status["conditions"], json!([{ "type": "PodRunning" }]));
        assert_eq!(status["taskResultsCompletionStatus"], json!({ "b(1)": null }));
    }

    #[test]
    fn packed_nodes_are_changed_whole() {
        let (plan, _) = plan();
        let packed = nodes::pack(&nodes()).expect("packed");
        let workflow = json!({ "status": { "compressedNodes": packed } });
        let patch = patch(&workflow, &nodes(), &plan).expect("a patch");
        let changed = nodes::nodes(&patch).expect("unpacked");
        assert!(!changed.contains_key("b"));
        assert_eq!(changed["w"]["phase"], "Running");
        assert_eq!(changed["w"].get("finishedAt"), None);
        assert_eq!(changed["a"], nodes()["a"]);
    }
}
