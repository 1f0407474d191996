//! What is known of a run on a cluster.
//!
//! ```text
//!  Workflow ---------------> nodes, phases ----+
//!  WorkflowTemplates ------> outline ----------+--> Observation
//!  ConfigMap of decisions -> gates ------------+
//!  Pods, Jobs, logs -------> progress, what blocks a step, why a step failed
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use argo::{
    NodePhase, NodeStatus, NodeType, WorkflowStatus,
    convention::{
        decisions,
        label::{ARGO_WORKFLOW, WORKFLOW},
    },
};
use contract::{Measure, Progress};
use futures::{AsyncReadExt as _, StreamExt as _, future::ready, stream};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::api::LogParams;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    error::ArgoError,
    gates::{self, GateSources},
    log_text,
    nodes::{self, NodeStorage},
    objects,
    pods::{self, StepPod},
    server::{Server, text},
};
use crate::{
    error::BackendError,
    gates::{Gate, GateState},
    log_record,
    model::{Observation, Outline},
    object_kind::ObjectKind,
    run::Run,
};

/// The most failed steps whose logs are read for the reason.
const MAX_EXPLAINED: usize = 20;
/// The most running steps whose logs are read for their progress.
const MAX_PROGRESS_LOGS: usize = 50;
/// The most logs that are read concurrently.
const MAX_CONCURRENT_LOGS: usize = 8;

/// What the API server has of a run.
pub(super) struct RunObjects {
    /// The Workflow.
    pub(super) workflow: Value,
    /// Its nodes, as Argo wrote them.
    pub(super) nodes: Map<String, Value>,
    /// Its nodes, as we read them.
    pub(super) status: WorkflowStatus,
    /// The objects that hold its templates.
    pub(super) templates: Vec<Value>,
    outline: Outline,
    decisions: BTreeMap<String, String>,
}

/// Why steps failed, by node id; empty if the logs do not say. A failed step does not change, so its
/// log is read once.
#[derive(Debug, Default)]
pub(super) struct Explanations(Mutex<BTreeMap<String, String>>);

impl Explanations {
    fn get(&self, node: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }

    fn insert(&self, node: &str, reason: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(node.to_owned(), reason);
    }
}

impl RunObjects {
    /// Reads the Workflow and the objects that belong to it.
    pub(super) async fn read(server: &Server, run: &Run) -> Result<Self, BackendError> {
        let Run { name, uid, .. } = run;
        let found = server.get(ObjectKind::Workflow, name).await?;
        let same = found.filter(|workflow| text(workflow, "/metadata/uid") == uid);
        let workflow =
            same.ok_or_else(|| ArgoError::Gone { name: name.clone(), uid: uid.clone() })?;
        let selector = format!("{WORKFLOW}={name}");
        let mut templates = server.list(ObjectKind::WorkflowTemplate, &selector).await?;
        // The controller uses the copy that it made when the run started.
        if let Some(spec) = workflow.pointer("/status/storedWorkflowTemplateSpec") {
            let root = text(&workflow, "/spec/workflowTemplateRef/name");
            templates.retain(|template| text(template, "/metadata/name") != root);
            templates.push(json!({
                "kind": "WorkflowTemplate",
                "metadata": { "name": root },
                "spec": spec,
            }));
        }
        let decisions = server.get(ObjectKind::ConfigMap, &decisions::map_name(name)).await?;
        let decisions = decisions.as_ref().and_then(|map| map.get("data")?.as_object());
        let decisions = decisions
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        let nodes = nodes::nodes(&workflow)?;
        let status = nodes::status(&workflow, &nodes)?;
        templates.push(workflow);
        let outline = Outline::read(&templates);
        let workflow = templates.pop().unwrap_or_default();
        Ok(Self { workflow, nodes, status, templates, outline, decisions })
    }

    /// Returns the gates.
    pub(super) fn gates(&self) -> Vec<Gate> {
        gates::gates(&GateSources {
            run: text(&self.workflow, "/metadata/uid"),
            outline: &self.outline,
            status: &self.status,
            decisions: &self.decisions,
            is_ending: !text(&self.workflow, "/spec/shutdown").is_empty(),
        })
    }

    /// Reads the pods of the run, with those of its Jobs.
    pub(super) async fn pods(&self, server: &Server) -> Result<Vec<StepPod>, BackendError> {
        Ok(self.jobs_and_pods(server).await?.1)
    }

    /// Reads the Jobs of the run, by the node that created them, and its pods.
    pub(super) async fn jobs_and_pods(
        &self,
        server: &Server,
    ) -> Result<(Vec<(String, String)>, Vec<StepPod>), BackendError> {
        let (name, uid) =
            (text(&self.workflow, "/metadata/name"), text(&self.workflow, "/metadata/uid"));
        let mut pods: Vec<Pod> =
            parsed(server.list(ObjectKind::Pod, &format!("{ARGO_WORKFLOW}={name}")).await?);
        let mut jobs = server.list(ObjectKind::Job, "").await?;
        jobs.retain(|job| objects::is_owned_by(job, uid));
        if !jobs.is_empty() {
            let of_jobs = server.list(ObjectKind::Pod, "batch.kubernetes.io/job-name").await?;
            // The pods of a Job that is not ours lack the label of the workflow.
            let known: BTreeSet<Option<String>> =
                pods.iter().map(|pod| pod.metadata.uid.clone()).collect();
            let others = parsed::<Pod>(of_jobs).into_iter();
            pods.extend(others.filter(|pod| !known.contains(&pod.metadata.uid)));
        }
        let jobs: Vec<Job> = parsed(jobs);
        let made_by = jobs.iter().filter_map(|job| {
            Some((pods::node_of_job(&self.nodes, job)?, job.metadata.name.clone()?))
        });
        Ok((made_by.collect(), pods::of_run(&self.nodes, uid, pods, &jobs)))
    }

    /// Returns everything that is known of the run.
    pub(super) async fn observe(
        mut self,
        server: &Server,
        explanations: &Explanations,
    ) -> Result<Observation, BackendError> {
        let gates = self.gates();
        let name = text(&self.workflow, "/metadata/name").to_owned();
        let exit_handler = format!("{name}.onExit");
        let mut notes = notes(&self.workflow, &self.status, &gates, &server.namespace);
        let mut blocked = BTreeMap::new();
        let mut cleanup_blocked = None;
        let mut progress = progress(&self.status);
        // A run that succeeded needs no explanation.
        if self.status.phase != NodePhase::Succeeded {
            let pods = self.pods(server).await?;
            progress.extend(logged_progress(server, &self.status, &pods).await);
            for pod in &pods {
                let Some(node) = self.status.nodes.get_mut(&pod.node) else { continue };
                if !node.phase.is_complete()
                    && let Some(trouble) = pods::blocked(&pod.pod)
                {
                    if node.name.starts_with(&exit_handler) {
                        cleanup_blocked = Some(trouble.clone());
                    }
                    blocked.insert(node.id.clone(), trouble.clone());
                    node.message = Some(trouble);
                }
            }
            let not_succeeded = self.status.nodes.values_mut();
            for node in not_succeeded.filter(|node| node.phase != NodePhase::Succeeded) {
                let message = node.message.as_deref().unwrap_or_default();
                if let Some(trouble) = pods::explain_missing(message, &name) {
                    if !node.phase.is_complete() {
                        blocked.insert(node.id.clone(), trouble.clone());
                    }
                    node.message = Some(trouble);
                }
            }
            explain(server, &mut self.status, &pods, explanations).await;
        }
        notes.extend(cleanup_blocked.iter().map(|trouble| {
            format!(
                "its cleanup cannot start: {trouble}; `workflow stop --terminate {name}` ends the \
                 run without cleanup"
            )
        }));
        let Self { status, outline, .. } = self;
        Ok(Observation {
            status,
            outline,
            progress,
            blocked,
            gates,
            trouble: None,
            notes,
            cleanup_blocked,
        })
    }
}

fn parsed<T: DeserializeOwned>(objects: Vec<Value>) -> Vec<T> {
    objects.into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect()
}

/// Replaces the exit code of each failed step by the last error that the step logged.
async fn explain(
    server: &Server,
    status: &mut WorkflowStatus,
    pods: &[StepPod],
    explanations: &Explanations,
) {
    let is_failed = |node: &&NodeStatus| node.kind == NodeType::Pod && node.phase.is_failure();
    let failed: Vec<String> = status
        .nodes
        .values()
        .filter(is_failed)
        .take(MAX_EXPLAINED)
        .map(|node| node.id.clone())
        .collect();
    for id in failed {
        let reason = if let Some(known) = explanations.get(&id) {
            known
        } else {
            let reason = explanation(server, pods, &id).await.unwrap_or_default();
            explanations.insert(&id, reason.clone());
            reason
        };
        if let Some(node) = status.nodes.get_mut(&id).filter(|_| !reason.is_empty()) {
            node.message = Some(reason);
        }
    }
}

/// Returns why a step failed. Of the workers of a fleet, the last one that says anything counts.
async fn explanation(server: &Server, pods: &[StepPod], node: &str) -> Option<String> {
    for pod in pods.iter().rev() {
        if pod.node != node {
            continue;
        }
        let reason = match pods::blocked(&pod.pod) {
            Some(reason) => Some(reason),
            None => last_error(server, pod.name()).await,
        };
        if reason.is_some() {
            return reason;
        }
    }
    None
}

/// Returns the last error that a step logged; nothing when its log is gone.
async fn last_error(server: &Server, pod: &str) -> Option<String> {
    let log = tail(server, pod, 100).await?;
    log_record::last_error(log.lines().filter(|line| !log_text::is_executors(line)))
}

/// Returns the last lines of a step's log; nothing when it is gone.
async fn tail(server: &Server, pod: &str, lines: i64) -> Option<String> {
    let parameters = LogParams {
        container: Some("main".to_owned()),
        tail_lines: Some(lines),
        limit_bytes: Some(1 << 20),
        ..LogParams::default()
    };
    let mut log = Vec::new();
    server.log(pod, &parameters).await.ok()?.read_to_end(&mut log).await.ok()?;
    Some(String::from_utf8_lossy(&log).into_owned())
}

/// Reads the progress that running steps log every few seconds; Argo updates its own every minute.
async fn logged_progress(
    server: &Server,
    status: &WorkflowStatus,
    pods: &[StepPod],
) -> BTreeMap<String, Progress> {
    let is_running = |pod: &&StepPod| {
        let node = status.nodes.get(&pod.node);
        pod.has_begun()
            && pod.source.worker.is_none()
            && node.is_some_and(|node| node.phase == NodePhase::Running)
    };
    let read_one = |pod: &StepPod| {
        let (node, name) = (pod.node.clone(), pod.name().to_owned());
        async move {
            let log = tail(server, &name, 20).await?;
            Some((node, log_record::progress(log.lines())?))
        }
    };
    let running: Vec<_> =
        pods.iter().filter(is_running).take(MAX_PROGRESS_LOGS).map(read_one).collect();
    stream::iter(running).buffer_unordered(MAX_CONCURRENT_LOGS).filter_map(ready).collect().await
}

/// Reads the progress in the status. Argo gives every pod `0/1`, which says nothing.
fn progress(status: &WorkflowStatus) -> BTreeMap<String, Progress> {
    let running = status
        .nodes
        .values()
        .filter(|node| node.kind == NodeType::Pod && node.phase == NodePhase::Running);
    running
        .filter_map(|node| {
            let (done, total) = node.progress.as_deref()?.split_once('/')?;
            let (done, total) = (done.parse().ok()?, total.parse().ok()?);
            // Snapshots count shards, all else counts documents.
            let is_snapshot = node.display_name.starts_with("create-snapshot");
            let what = if is_snapshot { "shards" } else { "documents" };
            let measures = vec![Measure::count(what, done, Some(total))];
            let progress = Progress { measures, ..Progress::default() };
            (total > 1).then(|| (node.id.clone(), progress))
        })
        .collect()
}

/// Returns what a person should know beside phases and nodes.
fn notes(
    workflow: &Value,
    status: &WorkflowStatus,
    gates: &[Gate],
    namespace: &str,
) -> Vec<String> {
    let name = text(workflow, "/metadata/name");
    let mut notes = Vec::new();
    if nodes::storage(workflow) == NodeStorage::Offloaded {
        notes.push(format!(
            "Argo has moved the nodes of this workflow to its database, which only Argo's own \
             server can read; use `argo get {name}` to see them"
        ));
    }
    if status.phase.is_complete() {
        return notes;
    }
    if objects::is_on_hold(workflow) {
        notes.push(
            "it is being submitted; if this does not change, the submission has failed: run \
             `workflow submit` again"
                .to_owned(),
        );
    } else if text(workflow, "/status/phase").is_empty() {
        notes.push(format!(
            "Argo's controller has not started it yet; if this does not change, check that the \
             controller is running and that it watches namespace `{namespace}`"
        ));
    }
    if workflow.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        notes.push(format!(
            "the whole workflow is suspended and starts no steps; run `workflow resume {name}`"
        ));
    }
    let shutdown = text(workflow, "/spec/shutdown");
    if !shutdown.is_empty() {
        notes.push("it was asked to end, and is ending".to_owned());
    }
    let failed: Vec<&str> = status
        .nodes
        .values()
        .filter(|node| {
            node.phase.is_failure()
                && node.kind != NodeType::Suspend
                && !node.name.ends_with(')')
                && matches!(node.kind, NodeType::Pod | NodeType::Retry)
        })
        .map(|node| node.display_name.as_str())
        .collect();
    let waiting: Vec<&str> = gates
        .iter()
        .filter(|gate| gate.state == GateState::Waiting)
        .map(|gate| gate.name.as_str())
        .collect();
    if !failed.is_empty() && !waiting.is_empty() {
        notes.push(format!(
            "`{}` failed, so the workflow cannot succeed any more; it ends when you decide at `{}`, \
             or run `workflow stop {name}`",
            failed.join("`, `"),
            waiting.join("`, `")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, kind: NodeType, phase: NodePhase, progress: &str) -> (String, NodeStatus) {
        let node = NodeStatus {
            id: id.to_owned(),
            name: format!("w.{id}"),
            display_name: id.to_owned(),
            kind,
            phase,
            progress: Some(progress.to_owned()),
            ..NodeStatus::default()
        };
        (id.to_owned(), node)
    }

    #[test]
    fn progress_is_what_a_step_told_and_not_what_argo_makes_up() {
        let running =
            |id: &str, progress: &str| node(id, NodeType::Pod, NodePhase::Running, progress);
        let nodes = BTreeMap::from([
            running("follow", "12/40"),
            running("create-snapshot", "2/8"),
            running("initialize", "0/1"),
            node("old", NodeType::Pod, NodePhase::Succeeded, "3/3"),
        ]);
        let progress = progress(&WorkflowStatus { nodes, ..WorkflowStatus::default() });
        assert_eq!(progress.keys().collect::<Vec<_>>(), ["create-snapshot", "follow"]);
        assert_eq!(progress["follow"].to_string(), "12/40 documents");
        assert_eq!(progress["create-snapshot"].to_string(), "2/8 shards");
    }

    #[test]
    fn a_run_that_failed_and_waits_says_so() {
        let nodes = BTreeMap::from([
            node("verify", NodeType::Retry, NodePhase::Failed, "0/1"),
            node("gate", NodeType::Suspend, NodePhase::Running, "0/1"),
        ]);
        let phase = NodePhase::Running;
        let status = WorkflowStatus { phase, nodes, ..WorkflowStatus::default() };
        let gate = Gate {
            name: "gate".to_owned(),
            state: GateState::Waiting,
            by: None,
            at: None,
            reason: None,
        };
        let workflow = json!({ "metadata": { "name": "w" }, "status": { "phase": "Running" } });
        let told = notes(&workflow, &status, &[gate], "ma");
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("`verify` failed"), "{told:?}");
        assert_eq!(notes(&workflow, &status, &[], "ma"), Vec::<String>::new());
    }

    #[test]
    fn what_keeps_a_run_from_beginning_is_said() {
        let status = WorkflowStatus::default();
        let fresh = json!({ "metadata": { "name": "w" } });
        assert!(notes(&fresh, &status, &[], "ma")[0].contains("namespace `ma`"));
        let on_hold = objects::put_on_hold(fresh);
        assert!(notes(&on_hold, &status, &[], "ma")[0].contains("being submitted"));
        let elsewhere =
            json!({ "status": { "phase": "Succeeded", "offloadNodeStatusVersion": "x" } });
        let done = WorkflowStatus { phase: NodePhase::Succeeded, ..status };
        assert!(notes(&elsewhere, &done, &[], "ma")[0].contains("argo get"));
    }
}
