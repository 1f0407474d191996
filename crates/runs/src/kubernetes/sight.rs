//! One look at a run on a cluster.
//!
//! ```text
//!  Workflow ---------------> nodes, phases ----+
//!  WorkflowTemplates ------> outline ----------+--> Sight
//!  ConfigMap of decisions -> gates ------------+
//!  Pods, Jobs, logs -------> how far a step is, what keeps it from getting on, why one failed
//! ```

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use argo::{
    NodePhase, NodeType, WorkflowStatus,
    convention::{
        decisions,
        label::{ARGO_WORKFLOW, WORKFLOW},
    },
};
use cli_support::output::failure;
use contract::{Exit, Measure, Progress};
use engine::{Gate, GateState};
use futures::{AsyncReadExt as _, StreamExt as _, future::ready, stream};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::api::LogParams;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    gates::{self, Known},
    kind::Kind,
    log_text,
    nodes::{self, Kept},
    objects,
    pods::{self, StepPod},
    server::{Server, text},
};
use crate::{
    backend::{Run, Sight},
    log_record,
    model::Outline,
};

/// Steps whose logs are read to say why they failed.
const EXPLAINED: usize = 20;
/// Steps whose logs are read to say how far they are, and how many of these at once.
const LISTENED: usize = 50;
const AT_ONCE: usize = 8;

/// What the API server has of a run.
pub(super) struct Seen {
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

/// Why steps failed, by node id: what has failed stays as it is, so it is asked once.
pub(super) type Explained = RefCell<BTreeMap<String, Option<String>>>;

impl Seen {
    /// Asks for the Workflow and what tells of it.
    pub(super) async fn look(server: &Server, run: &Run) -> anyhow::Result<Self> {
        let Run { name, uid, .. } = run;
        let found = server.get(Kind::Workflow, name).await?;
        let same = found.filter(|workflow| text(workflow, "/metadata/uid") == uid);
        let workflow = same.ok_or_else(|| {
            let message = format!(
                "run `{uid}` of workflow `{name}` is no longer there: somebody removed or replaced \
                 it; look with `workflow status --all`"
            );
            failure(Exit::NotFound, message)
        })?;
        let selector = format!("{WORKFLOW}={name}");
        let mut templates = server.list(Kind::WorkflowTemplate, &selector).await?;
        // What the controller goes by is what it took over when the run began.
        if let Some(spec) = workflow.pointer("/status/storedWorkflowTemplateSpec") {
            let root = text(&workflow, "/spec/workflowTemplateRef/name");
            templates.retain(|template| text(template, "/metadata/name") != root);
            templates.push(json!({
                "kind": "WorkflowTemplate",
                "metadata": { "name": root },
                "spec": spec,
            }));
        }
        let decisions = server.get(Kind::ConfigMap, &decisions::map_name(name)).await?;
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
        gates::gates(&Known {
            run: text(&self.workflow, "/metadata/uid"),
            outline: &self.outline,
            status: &self.status,
            decisions: &self.decisions,
            is_ending: !text(&self.workflow, "/spec/shutdown").is_empty(),
        })
    }

    /// Asks for the pods of the run, those of its Jobs with them.
    pub(super) async fn pods(&self, server: &Server) -> anyhow::Result<Vec<StepPod>> {
        Ok(self.jobs_and_pods(server).await?.1)
    }

    /// Asks for the Jobs of the run, by the node that made them, and for its pods.
    pub(super) async fn jobs_and_pods(
        &self,
        server: &Server,
    ) -> anyhow::Result<(Vec<(String, String)>, Vec<StepPod>)> {
        let (name, uid) =
            (text(&self.workflow, "/metadata/name"), text(&self.workflow, "/metadata/uid"));
        let mut pods: Vec<Pod> =
            read(server.list(Kind::Pod, &format!("{ARGO_WORKFLOW}={name}")).await?);
        let mut jobs = server.list(Kind::Job, "").await?;
        jobs.retain(|job| objects::is_owned_by(job, uid));
        if !jobs.is_empty() {
            let of_jobs = server.list(Kind::Pod, "batch.kubernetes.io/job-name").await?;
            // The pods of a Job that is not ours lack the label of the workflow.
            let known: BTreeSet<Option<String>> =
                pods.iter().map(|pod| pod.metadata.uid.clone()).collect();
            let others = read::<Pod>(of_jobs).into_iter();
            pods.extend(others.filter(|pod| !known.contains(&pod.metadata.uid)));
        }
        let jobs: Vec<Job> = read(jobs);
        let made_by = jobs.iter().filter_map(|job| {
            Some((pods::node_of_job(&self.nodes, job)?, job.metadata.name.clone()?))
        });
        Ok((made_by.collect(), pods::of_run(&self.nodes, uid, pods, &jobs)))
    }

    /// Makes the whole sight.
    pub(super) async fn sight(
        mut self,
        server: &Server,
        explained: &Explained,
    ) -> anyhow::Result<Sight> {
        let gates = self.gates();
        let name = text(&self.workflow, "/metadata/name").to_owned();
        let exit = format!("{name}.onExit");
        let mut notes = notes(&self.workflow, &self.status, &gates, &server.namespace);
        let mut cleanup_held = None;
        let mut progress = progress(&self.status);
        // Of what succeeded nobody asks why.
        if self.status.phase != NodePhase::Succeeded {
            let pods = self.pods(server).await?;
            progress.extend(told_progress(server, &self.status, &pods).await);
            for pod in &pods {
                let Some(node) = self.status.nodes.get_mut(&pod.node) else { continue };
                if !node.phase.is_complete()
                    && let Some(trouble) = pods::trouble(&pod.pod)
                {
                    if node.name.starts_with(&exit) {
                        cleanup_held = Some(trouble.clone());
                    }
                    node.message = Some(trouble);
                }
            }
            for node in
                self.status.nodes.values_mut().filter(|node| node.phase != NodePhase::Succeeded)
            {
                let told = node.message.as_deref().unwrap_or_default();
                if let Some(trouble) = pods::podless_trouble(told, &name) {
                    node.message = Some(trouble);
                }
            }
            explain(server, &mut self.status, &pods, explained).await;
        }
        notes.extend(cleanup_held.iter().map(|trouble| {
            format!("its cleanup cannot begin: {trouble}; `workflow stop --terminate {name}` ends it without")
        }));
        let Self { status, outline, .. } = self;
        Ok(Sight { status, outline, progress, gates, trouble: None, notes, cleanup_held })
    }
}

fn read<T: DeserializeOwned>(objects: Vec<Value>) -> Vec<T> {
    objects.into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect()
}

/// Puts what a failed step said in the place of its exit code.
async fn explain(
    server: &Server,
    status: &mut WorkflowStatus,
    pods: &[StepPod],
    explained: &Explained,
) {
    let failed = status
        .nodes
        .values_mut()
        .filter(|node| node.kind == NodeType::Pod && node.phase.is_failure());
    for node in failed.take(EXPLAINED) {
        let known = explained.borrow().get(&node.id).cloned();
        let said = if let Some(said) = known {
            said
        } else {
            let mut said = None;
            // Of the workers of a fleet, the last one that says anything.
            for pod in pods.iter().rev().filter(|pod| pod.node == node.id) {
                said = match pods::trouble(&pod.pod) {
                    Some(trouble) => Some(trouble),
                    None => last_words(server, pod.name()).await,
                };
                if said.is_some() {
                    break;
                }
            }
            explained.borrow_mut().insert(node.id.clone(), said.clone());
            said
        };
        if said.is_some() {
            node.message = said;
        }
    }
}

/// Returns the last error that a step logged; nothing when its log is gone.
async fn last_words(server: &Server, pod: &str) -> Option<String> {
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

/// Reads how far the running steps say they are: every few seconds, where Argo tells each minute.
async fn told_progress(
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
    let tell = |pod: &StepPod| {
        let (node, name) = (pod.node.clone(), pod.name().to_owned());
        async move {
            let log = tail(server, &name, 20).await?;
            Some((node, log_record::progress(log.lines())?))
        }
    };
    let running = pods.iter().filter(is_running).take(LISTENED).map(tell);
    stream::iter(running).buffer_unordered(AT_ONCE).filter_map(ready).collect().await
}

/// Reads how far the running steps are. Argo gives every pod `0/1`, which says nothing.
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

/// Says what a person should know beside phases and nodes.
fn notes(
    workflow: &Value,
    status: &WorkflowStatus,
    gates: &[Gate],
    namespace: &str,
) -> Vec<String> {
    let name = text(workflow, "/metadata/name");
    let mut notes = Vec::new();
    if nodes::kept(workflow) == Kept::Elsewhere {
        notes.push(format!(
            "Argo has moved the nodes of this workflow to its database, which only Argo's own \
             server reads; look with `argo get {name}`"
        ));
    }
    if status.phase.is_complete() {
        return notes;
    }
    if objects::is_held(workflow) {
        notes.push(
            "it is being submitted; if this stays so, the submission died: run `workflow submit` \
             again"
                .to_owned(),
        );
    } else if text(workflow, "/status/phase").is_empty() {
        notes.push(format!(
            "Argo's controller has not taken it up yet; if this stays so: is the controller \
             running, and does it watch namespace `{namespace}`?"
        ));
    }
    if workflow.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        notes.push(format!(
            "the whole workflow is suspended and starts nothing; run `workflow resume {name}`"
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
            "`{}` failed, so the workflow cannot succeed any more; it ends when `{}` is answered, \
             or by `workflow stop {name}`",
            failed.join("`, `"),
            waiting.join("`, `")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use argo::NodeStatus;

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
        let held = objects::held(fresh);
        assert!(notes(&held, &status, &[], "ma")[0].contains("being submitted"));
        let elsewhere =
            json!({ "status": { "phase": "Succeeded", "offloadNodeStatusVersion": "x" } });
        let done = WorkflowStatus { phase: NodePhase::Succeeded, ..status };
        assert!(notes(&elsewhere, &done, &[], "ma")[0].contains("argo get"));
    }
}
