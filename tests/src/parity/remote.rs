//! All cases under Argo's controller, in one namespace.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use argo::Manifest;
use serde_json::{Value, json};

use super::{corpus::Case, local::WHO};
use crate::{
    eventually::{Observed, eventually},
    namespace::Namespace,
};

const ARGO: &str = "/apis/argoproj.io/v1alpha1";
const WITHIN: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(500);
/// With more of them, all wait for the node, and Argo's own containers give up.
const AT_ONCE: usize = 6;

/// Runs all cases; returns the status of each, in their order.
pub fn run(cases: &[Case], namespace: &Namespace) -> Result<Vec<Value>> {
    // Some of the steps run a Job.
    namespace.allow_pods(vec![json!({
        "apiGroups": ["batch"], "resources": ["jobs"],
        "verbs": ["create", "get", "list", "watch"],
    })])?;
    make_shared_objects(cases, namespace)?;
    let workflows = namespace.path(ARGO, "workflows");
    let submit = |case: &Case| -> Result<()> {
        let workflow = case.manifests.iter().find(|manifest| manifest.kind() == "Workflow");
        let workflow = serde_json::to_value(workflow.context("a case has a workflow")?)?;
        namespace.create(&workflows, &workflow).with_context(|| case.name.clone())?;
        Ok(())
    };
    let started = Instant::now();
    let mut again: BTreeSet<String> = BTreeSet::new();
    let mut to_come = cases.iter();
    let mut running: BTreeMap<&str, &Case> = BTreeMap::new();
    let mut ended: BTreeMap<&str, Value> = BTreeMap::new();
    while ended.len() < cases.len() {
        for case in to_come.by_ref().take(AT_ONCE - running.len()) {
            submit(case)?;
            running.insert(&case.name, case);
        }
        thread::sleep(POLL);
        let list = namespace.get(&workflows)?;
        for workflow in list["items"].as_array().into_iter().flatten() {
            let name = workflow["metadata"]["name"].as_str().unwrap_or_default();
            let Some(case) = running.get(name) else { continue };
            if workflow["status"]["finishedAt"].is_string() {
                if executor_failed(workflow) && again.insert(name.to_owned()) {
                    namespace.delete(&format!("{workflows}/{name}"))?;
                    until_pods_are_gone(name, namespace)?;
                    submit(case)?;
                    continue;
                }
                ended.insert(&case.name, workflow["status"].clone());
                running.remove(name);
            } else {
                answer(case, workflow, &format!("{workflows}/{name}"), namespace)?;
            }
        }
        if started.elapsed() > WITHIN {
            let names: Vec<&&str> = running.keys().collect();
            bail!("not within {WITHIN:?}: {names:?}");
        }
    }
    let status = |case: &Case| ended.remove(&*case.name).context("a name is there twice");
    cases.iter().map(status).collect()
}

/// Whether a container that Argo puts beside each step broke down: that says nothing of the
/// workflow. It ends with 64 when it did its work, and an output is missing.
fn executor_failed(workflow: &Value) -> bool {
    let nodes = workflow["status"]["nodes"].as_object().into_iter().flatten();
    let mut messages = nodes.filter_map(|(_, node)| node["message"].as_str());
    messages.any(|message| message.starts_with("wait: ") && !message.contains("(exit code 64)"))
}

/// Pods are named after workflow and node: a workflow of the same name would take old ones for its
/// own.
fn until_pods_are_gone(workflow: &str, namespace: &Namespace) -> Result<()> {
    let selector = format!("workflows.argoproj.io/workflow={workflow}");
    let pods = namespace.path("/api/v1", &format!("pods?labelSelector={selector}"));
    eventually(&format!("the end of the pods of `{workflow}`"), WITHIN, || {
        let list = namespace.get(&pods)?;
        let is_empty = list["items"].as_array().is_none_or(Vec::is_empty);
        Ok(Observed::when(is_empty, (), |()| format!("{:#}", list["items"])))
    })
}

/// Answers the gates at which a workflow waits.
fn answer(case: &Case, workflow: &Value, path: &str, namespace: &Namespace) -> Result<()> {
    let nodes = workflow["status"]["nodes"].as_object().into_iter().flatten();
    let waits = |node: &Value| {
        let elsewhere = node["templateRef"]["template"].as_str();
        let template = node["templateName"].as_str().or(elsewhere);
        node["type"] == "Suspend"
            && node["phase"] == "Running"
            && template.is_some_and(|template| case.gates.contains(template))
    };
    for (id, node) in nodes.filter(|(_, node)| waits(node)) {
        if let Some(shutdown) = case.steering.shutdown {
            namespace.merge(path, &json!({ "spec": { "shutdown": shutdown.word() } }))?;
            return Ok(());
        }
        let name = node["displayName"].as_str().unwrap_or_default();
        let is_rejected = case.steering.rejected.contains(name);
        let (phase, word) =
            if is_rejected { ("Failed", "rejected") } else { ("Succeeded", "approved") };
        let node = format!("/status/nodes/{}", id.replace('~', "~0").replace('/', "~1"));
        // A whole second, as all times of a status.
        let at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second())?.to_string();
        namespace.patch(
            path,
            &json!([
                { "op": "test", "path": format!("{node}/phase"), "value": "Running" },
                { "op": "replace", "path": format!("{node}/phase"), "value": phase },
                { "op": "add", "path": format!("{node}/finishedAt"), "value": at },
                { "op": "add", "path": format!("{node}/message"), "value": format!("{word} by {WHO}") },
            ]),
        )?;
    }
    Ok(())
}

/// Makes what workflows refer to. An object that two of them have must be the same.
fn make_shared_objects(cases: &[Case], namespace: &Namespace) -> Result<()> {
    let mut made: BTreeMap<(&str, &str), &Manifest> = BTreeMap::new();
    let shared = cases.iter().flat_map(|case| &case.manifests);
    for manifest in shared.filter(|manifest| manifest.kind() != "Workflow") {
        let path = match manifest {
            Manifest::WorkflowTemplate(_) => namespace.path(ARGO, "workflowtemplates"),
            Manifest::ConfigMap(_) => namespace.path("/api/v1", "configmaps"),
            other => bail!("a `{}` is not made here", other.kind()),
        };
        let key = (manifest.kind(), &*manifest.metadata().name);
        if let Some(known) = made.insert(key, manifest) {
            ensure!(known == manifest, "there are two different {key:?}");
            continue;
        }
        let mut object = serde_json::to_value(manifest)?;
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        namespace.create(&path, &object)?;
    }
    Ok(())
}
