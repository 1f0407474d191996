//! A run that failed goes on: what succeeded stays, what failed is made again.
//!
//! Argo's controller makes a node for every task that has none. So the nodes that failed are taken
//! out of the status, with their pods, and the nodes that hold them run again:
//!
//! ```text
//!   w         DAG        Failed     Running again
//!   |-- a     Pod        Succeeded  stays
//!   |-- b     Retry      Failed     goes, with its tries
//!   |-- c     Steps      Failed     Running again (or goes with all in it: `argosy.dev/retry: whole`)
//!   |   `-- [1]          Failed     Running again
//!   |       `-- d  Pod   Failed     goes
//!   `-- e     Pod        Omitted    goes
//!   w.onExit  ...        any        goes, and what is in it
//! ```
//!
//! The embedded engine does the same with its own nodes (`engine::reopen`).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use argo::{NodePhase, NodeStatus, NodeType, WorkflowStatus};
use serde_json::{Map, Value, json};
use step_api::Exit;

use super::{
    fault::Fault,
    kind::Kind,
    nodes::{self, Kept},
    objects,
    server::{Server, text},
    sight::Seen,
};
use crate::{
    backend::{Resumed, Run},
    output::failure,
    view::text::phase_name,
};

/// The annotation of a template that says how a failed run goes on with it.
const RETRY: &str = "argosy.dev/retry";
/// Its only value: nothing in it stays.
const WHOLE: &str = "whole";
/// How long the pods of what is tried again may take to go.
const GONE_WITHIN: Duration = Duration::from_mins(2);

/// Goes on with a run.
pub(super) async fn resume(server: &Server, run: &Run) -> anyhow::Result<Resumed> {
    let seen = Seen::look(server, run).await?;
    let name = &run.name;
    if objects::is_held(&seen.workflow) {
        let message = format!(
            "the submission of `{name}` did not finish, so there is nothing to go on with; run \
             `workflow submit` again"
        );
        return Err(failure(Exit::Conflict, message));
    }
    if !seen.status.phase.is_complete() {
        if seen.workflow.pointer("/spec/suspend").and_then(Value::as_bool) != Some(true) {
            return Ok(Resumed::Running);
        }
        let patch = json!({ "metadata": { "uid": run.uid }, "spec": { "suspend": null } });
        server.merge(Kind::Workflow, name, &patch).await?;
        return Ok(Resumed::Continued);
    }
    if !seen.status.phase.is_failure() {
        let phase = phase_name(seen.status.phase);
        let message = format!(
            "workflow `{name}` is {phase}; only one that failed can be gone on with, `workflow \
             submit` starts it anew"
        );
        return Err(failure(Exit::Conflict, message));
    }
    if nodes::kept(&seen.workflow) == Kept::Elsewhere {
        let message = format!(
            "Argo has moved the nodes of `{name}` to its database, which only Argo's own server \
             changes; run `argo retry {name}`, or `workflow submit` to start it anew"
        );
        return Err(failure(Exit::Failed, message));
    }
    if seen.status.nodes.is_empty() {
        let message = format!(
            "workflow `{name}` failed before anything of it ran: {}; mend that and run `workflow \
             submit`",
            seen.status.message.as_deref().unwrap_or("no reason given")
        );
        return Err(failure(Exit::Conflict, message));
    }
    let plan = Plan::of(&seen.status, name, &whole_templates(&seen.templates));
    remove_pods(server, &seen, &plan).await?;
    let patch = patch(&seen.workflow, &seen.nodes, &plan)?;
    match server.merge(Kind::Workflow, name, &patch).await {
        Err(Fault::Conflict { .. }) => {
            let message = format!(
                "workflow `{name}` changed meanwhile; look with `workflow status {name}`, then try \
                 again"
            );
            Err(failure(Exit::Conflict, message))
        }
        done => {
            done?;
            Ok(Resumed::Retried(plan.tried_again(&seen.status)))
        }
    }
}

/// What goes and what runs again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    removed: BTreeSet<String>,
    revived: BTreeSet<String>,
    /// The tries of retried nodes, which go or stay with those.
    tries: BTreeSet<String>,
    exit: String,
}

impl Plan {
    fn of(status: &WorkflowStatus, workflow: &str, whole: &BTreeSet<String>) -> Self {
        let retried = status.nodes.values().filter(|node| node.kind == NodeType::Retry);
        let tries = retried.flat_map(|node| node.children.iter().cloned()).collect();
        let exit = format!("{workflow}.onExit");
        let mut members: BTreeMap<&str, Vec<&NodeStatus>> = BTreeMap::new();
        for node in status.nodes.values() {
            members.entry(node.boundary_id.as_deref().unwrap_or_default()).or_default().push(node);
        }
        let mut plan = Self { tries, exit, ..Self::default() };
        Walk { status, whole, members: &members }.go_through("", &mut plan);
        let of_exit = status.nodes.values().filter(|node| plan.is_exit(node));
        let of_exit: Vec<String> = of_exit.map(|node| node.id.clone()).collect();
        plan.removed.extend(of_exit);
        plan
    }

    fn is_exit(&self, node: &NodeStatus) -> bool {
        node.name.starts_with(&self.exit)
    }

    /// Returns the display names of what failed and is tried again, in the order it began.
    fn tried_again(&self, status: &WorkflowStatus) -> Vec<String> {
        let mut failed: Vec<&NodeStatus> = status
            .nodes
            .values()
            .filter(|node| self.removed.contains(&node.id) && node.phase.is_failure())
            .filter(|node| !self.tries.contains(&node.id))
            .filter(|node| {
                node.boundary_id.as_ref().is_none_or(|boundary| !self.removed.contains(boundary))
            })
            .collect();
        if failed.iter().any(|node| !self.is_exit(node)) {
            failed.retain(|node| !self.is_exit(node));
        }
        failed.sort_by_key(|node| (&node.started_at, &node.name));
        failed.into_iter().map(|node| node.display_name.clone()).collect()
    }
}

struct Walk<'a> {
    status: &'a WorkflowStatus,
    /// The names of the templates that are tried again whole.
    whole: &'a BTreeSet<String>,
    /// The nodes by the DAG or steps node that they belong to.
    members: &'a BTreeMap<&'a str, Vec<&'a NodeStatus>>,
}

impl Walk<'_> {
    /// Decides about the members of a DAG or steps node that is Running again.
    fn go_through(&self, boundary: &str, plan: &mut Plan) {
        let members = self.members.get(boundary).map(Vec::as_slice).unwrap_or_default();
        // What a group tolerated when it succeeded is over.
        let settled: BTreeSet<&str> = members
            .iter()
            .filter(|node| is_group(node) && node.phase == NodePhase::Succeeded)
            .flat_map(|group| group.children.iter().map(String::as_str))
            .collect();
        for node in members {
            let is_over = node.phase == NodePhase::Succeeded || settled.contains(node.id.as_str());
            if !is_over && !plan.tries.contains(&node.id) && !plan.is_exit(node) {
                self.decide(node, plan);
            }
        }
    }

    fn decide(&self, node: &NodeStatus, plan: &mut Plan) {
        match node.kind {
            NodeType::Dag | NodeType::Steps if self.is_whole(node) => {
                self.remove_whole(node, plan);
            }
            NodeType::Dag | NodeType::Steps => {
                plan.revived.insert(node.id.clone());
                self.go_through(&node.id, plan);
            }
            NodeType::StepGroup | NodeType::TaskGroup => {
                plan.revived.insert(node.id.clone());
            }
            NodeType::Retry => self.decide_retry(node, plan),
            NodeType::Pod | NodeType::Suspend | NodeType::Skipped => {
                plan.removed.insert(node.id.clone());
            }
        }
    }

    /// The last try of a DAG or steps holds what succeeded in it, so it goes on; a try of a pod
    /// holds nothing, and the count begins anew.
    fn decide_retry(&self, node: &NodeStatus, plan: &mut Plan) {
        let tries: Vec<&NodeStatus> =
            node.children.iter().filter_map(|id| self.status.nodes.get(id)).collect();
        match tries.last() {
            Some(last)
                if matches!(last.kind, NodeType::Dag | NodeType::Steps) && !self.is_whole(last) =>
            {
                plan.revived.insert(node.id.clone());
                self.decide(last, plan);
            }
            _ => {
                plan.removed.insert(node.id.clone());
                for one in tries {
                    self.remove_whole(one, plan);
                }
            }
        }
    }

    fn remove_whole(&self, node: &NodeStatus, plan: &mut Plan) {
        plan.removed.insert(node.id.clone());
        for inner in self.members.get(node.id.as_str()).into_iter().flatten() {
            self.remove_whole(inner, plan);
        }
    }

    fn is_whole(&self, node: &NodeStatus) -> bool {
        node.template_name.as_ref().is_some_and(|name| self.whole.contains(name))
    }
}

fn is_group(node: &NodeStatus) -> bool {
    matches!(node.kind, NodeType::StepGroup | NodeType::TaskGroup)
}

/// Returns the names of the templates that are tried again whole.
fn whole_templates(objects: &[Value]) -> BTreeSet<String> {
    let templates =
        objects.iter().filter_map(|object| object.pointer("/spec/templates")?.as_array()).flatten();
    templates
        .filter(|template| {
            let annotations = template.pointer("/metadata/annotations");
            let word = annotations.and_then(|known| known.get(RETRY)).and_then(Value::as_str);
            word == Some(WHOLE)
        })
        .map(|template| text(template, "/name").to_owned())
        .collect()
}

/// Returns the change of the Workflow; it fails if the Workflow changed since it was read.
fn patch(workflow: &Value, nodes: &Map<String, Value>, plan: &Plan) -> anyhow::Result<Value> {
    let mut changed = Map::new();
    for (id, node) in nodes {
        if plan.removed.contains(id) {
            changed.insert(id.clone(), Value::Null);
            continue;
        }
        let mut change = Map::new();
        if plan.revived.contains(id) {
            change.insert("phase".to_owned(), "Running".into());
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
    let mut status = json!({ "phase": "Running", "finishedAt": null, "message": null });
    if let Some(status) = status.as_object_mut() {
        match nodes::kept(workflow) {
            Kept::Packed => {
                let mut whole = Value::Object(nodes.clone());
                merge(&mut whole, &Value::Object(changed));
                let whole = whole.as_object().cloned().unwrap_or_default();
                status.insert("compressedNodes".to_owned(), nodes::pack(&whole)?.into());
            }
            Kept::Plain | Kept::Elsewhere => {
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
                "workflows.argoproj.io/phase": "Running",
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
async fn remove_pods(server: &Server, seen: &Seen, plan: &Plan) -> anyhow::Result<()> {
    let (jobs, pods) = seen.jobs_and_pods(server).await?;
    for (node, job) in jobs {
        if plan.removed.contains(&node) {
            server.delete(Kind::Job, &job, None).await?;
        }
    }
    let pods: Vec<_> = pods
        .into_iter()
        .filter(|pod| plan.removed.contains(&pod.node) && pod.source.worker.is_none())
        .collect();
    for pod in &pods {
        server.delete(Kind::Pod, pod.name(), pod.pod.metadata.uid.as_deref()).await?;
    }
    let started = Instant::now();
    for pod in &pods {
        while let Some(found) = server.get(Kind::Pod, pod.name()).await? {
            if Some(text(&found, "/metadata/uid")) != pod.pod.metadata.uid.as_deref() {
                break;
            }
            if started.elapsed() > GONE_WITHIN {
                let message =
                    format!("pod `{}` is still ending; try again when it is gone", pod.name());
                return Err(failure(Exit::TimedOut, message));
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
b             Retry     Failed    w   b(0),b(1),e
b(0)          Pod       Failed    w   -
b(1)          Pod       Failed    w   -
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

    fn plan() -> (WorkflowStatus, Plan) {
        let workflow = json!({ "status": { "phase": "Failed" } });
        let status = nodes::status(&workflow, &nodes());
        let plan = Plan::of(&status, "w", &BTreeSet::from(["f".to_owned()]));
        (status, plan)
    }

    #[test]
    fn what_did_not_succeed_goes_and_what_holds_the_rest_runs_again() {
        let (status, plan) = plan();
        let removed = ["b", "b(0)", "b(1)", "e", "f", "f[0]", "failing", "w.onExit", "x", "y"];
        assert_eq!(plan.removed.iter().collect::<Vec<_>>(), removed);
        assert_eq!(plan.revived.iter().collect::<Vec<_>>(), ["c", "c[1]", "w"]);
        assert_eq!(plan.tried_again(&status), ["b", "f", "failing"]);
    }

    #[test]
    fn the_change_leaves_no_child_that_is_gone() {
        let (_, plan) = plan();
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
        let (_, plan) = plan();
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
