//! From compiled manifests to a Workflow that Argo runs.
//!
//! ```text
//! 1  accounts and shared templates   applied, unless an installation has done so
//! 2  the ended run of that name      deleted with everything it owns, until it is gone
//! 3  the new Workflow, on hold       created: of two concurrent submissions, one gets here
//! 4  its templates, maps, secrets    applied, owned by the Workflow
//! 5  the hold removed                Argo's controller starts it
//! 6  a check that it started         the controller may not have known the template yet
//! ```
//!
//! A submission that is killed in between leaves a Workflow on hold that owns all the rest; the next
//! submission replaces it.

use std::time::{Duration, Instant};

use argo::convention::{
    decisions::{self, APPROVED},
    label::{SUBMISSION, WORKFLOW},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    error::ArgoError,
    fault::Fault,
    gates::{DecisionRecord, record_key},
    nodes,
    objects::{self, Objects},
    server::{Server, text},
};
use crate::{
    error::BackendError,
    gates::{Decision, Verdict},
    model::Outline,
    object_kind::ObjectKind,
    run::{Run, Submission},
};

/// The most objects that are applied concurrently.
const MAX_CONCURRENT_APPLIES: usize = 8;
/// Attempts to create the Workflow when responses are lost.
const MAX_CREATE_ATTEMPTS: u32 = 4;
/// How long the pods of an ended run may take to be deleted.
const MAX_DELETION_TIME: Duration = Duration::from_mins(3);
/// The poll interval while waiting for that.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait for the controller to start the new Workflow.
const MAX_START_TIME: Duration = Duration::from_secs(5);

/// Submits a workflow.
pub(super) async fn submit(
    server: &Server,
    submission: &Submission<'_>,
) -> Result<Run, BackendError> {
    let Submission { name, compiled, approval, previous } = submission;
    let mut objects =
        objects::sorted(&compiled.manifests, &compiled.secrets, name).map_err(ArgoError::from)?;
    if let Some(decision) = approval {
        approve_all(&mut objects, decision, server.now())?;
    }
    for (kind, object) in objects.access.iter().chain(&objects.shared) {
        apply_shared(server, *kind, object).await?;
    }
    if let Some(old) = server.get(ObjectKind::Workflow, name).await? {
        let uid = text(&old, "/metadata/uid");
        if previous.is_none_or(|previous| previous.uid != uid) {
            return Err(already_submitted(name));
        }
        remove(server, name, uid).await?;
    }
    for secret in &compiled.secrets {
        clear(server, ObjectKind::Secret, &secret.name).await?;
    }
    let workflow = create_on_hold(server, name, &objects.workflow).await?;
    let uid = text(&workflow, "/metadata/uid").to_owned();
    let completed = complete(server, name, &uid, &objects).await;
    if let Err(error) = completed {
        // Half a submission is useless. If this fails too, the next submission replaces it.
        server.delete(ObjectKind::Workflow, name, Some(&uid)).await.ok();
        return Err(error);
    }
    wait_for_start(server, name, &uid).await?;
    Ok(nodes::run_of(&workflow)?)
}

fn already_submitted(name: &str) -> BackendError {
    BackendError::AlreadySubmitted { name: name.to_owned() }
}

/// Applies an object that all workflows share. Without permission, the submission continues if the
/// object exists already.
async fn apply_shared(
    server: &Server,
    kind: ObjectKind,
    object: &Value,
) -> Result<(), BackendError> {
    let Err(fault) = server.apply(kind, object).await else { return Ok(()) };
    if !matches!(fault, Fault::Forbidden { .. }) {
        return Err(fault.into());
    }
    let name = text(object, "/metadata/name");
    match server.get(kind, name).await {
        // An installation has made it exactly like this.
        Ok(Some(found)) if objects::contains(&found, object) => Ok(()),
        Ok(Some(_)) => {
            server.notices.show(&format!(
                "{} `{name}` is left unchanged: this account may not change it",
                kind.name()
            ));
            Ok(())
        }
        Ok(None) | Err(_) => Err(fault.into()),
    }
}

/// Deletes an ended run and what it owns, and waits until its pods are gone: the pods of the next run
/// have the same names.
pub(super) async fn remove(server: &Server, name: &str, uid: &str) -> Result<(), BackendError> {
    match server.delete_with_dependents(ObjectKind::Workflow, name, uid).await {
        // Another uid: another process was faster.
        Err(Fault::Conflict { .. }) => return Err(already_submitted(name)),
        done => done?,
    };
    let started = Instant::now();
    let mut is_reported = false;
    while let Some(found) = server.get(ObjectKind::Workflow, name).await? {
        if text(&found, "/metadata/uid") != uid {
            return Err(already_submitted(name));
        }
        if started.elapsed() > MAX_DELETION_TIME {
            let finalizers = found.pointer("/metadata/finalizers").cloned().unwrap_or_default();
            let still_deleting = ArgoError::StillDeleting {
                name: name.to_owned(),
                finalizers: finalizers.to_string(),
                namespace: server.namespace.clone(),
            };
            return Err(still_deleting.into());
        }
        if !is_reported && started.elapsed() > Duration::from_secs(5) {
            is_reported = true;
            server.notices.show("waiting for the pods of the ended run to be deleted");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    // The garbage collector may still be deleting these, and must not delete their successors.
    for kind in [ObjectKind::WorkflowTemplate, ObjectKind::ConfigMap] {
        for object in server.list(kind, &format!("{WORKFLOW}={name}")).await? {
            if objects::is_owned_by(&object, uid) {
                let object_uid = text(&object, "/metadata/uid");
                match server.delete(kind, text(&object, "/metadata/name"), Some(object_uid)).await {
                    Err(Fault::Conflict { .. }) => {}
                    done => {
                        done?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Removes an object of a former run, if it is there.
async fn clear(server: &Server, kind: ObjectKind, name: &str) -> Result<(), BackendError> {
    if server.get(kind, name).await?.is_some() {
        server.delete(kind, name, None).await?;
    }
    Ok(())
}

/// Creates the Workflow, on hold. A lost response is not a failure: the annotation says which submission created the Workflow.
async fn create_on_hold(
    server: &Server,
    name: &str,
    workflow: &Value,
) -> Result<Value, BackendError> {
    let mut workflow = objects::put_on_hold(workflow.clone());
    let id = uuid::Uuid::new_v4().to_string();
    if let Some(metadata) = workflow.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(SUBMISSION.to_owned(), id.clone().into());
        }
    }
    for _ in 1..MAX_CREATE_ATTEMPTS {
        match server.create(ObjectKind::Workflow, &workflow).await {
            Err(fault) if fault.is_transient() => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let found = server.get(ObjectKind::Workflow, name).await?;
                let is_ours = |found: &Value| {
                    let annotations = found.pointer("/metadata/annotations");
                    annotations.and_then(|known| known.get(SUBMISSION)).and_then(Value::as_str)
                        == Some(id.as_str())
                };
                match found {
                    Some(found) if is_ours(&found) => return Ok(found),
                    Some(_) => return Err(already_submitted(name)),
                    None => {}
                }
            }
            Err(Fault::Conflict { .. }) => return Err(already_submitted(name)),
            done => return Ok(done?),
        }
    }
    Ok(server.create(ObjectKind::Workflow, &workflow).await?)
}

/// Applies the objects that the Workflow owns, and removes the hold.
async fn complete(
    server: &Server,
    name: &str,
    uid: &str,
    objects: &Objects,
) -> Result<(), BackendError> {
    // Decisions at the gates of a former run do not apply to this one.
    clear(server, ObjectKind::ConfigMap, &decisions::map_name(name)).await?;
    let applies: Vec<_> = objects
        .owned
        .iter()
        .map(|(kind, object)| apply_owned(server, *kind, objects::owned(object.clone(), name, uid)))
        .collect();
    stream::iter(applies).buffer_unordered(MAX_CONCURRENT_APPLIES).try_collect::<()>().await?;
    match server.merge(ObjectKind::Workflow, name, &objects::release(uid)).await {
        Err(Fault::NotFound { .. } | Fault::Conflict { .. }) => Err(already_submitted(name)),
        done => {
            done?;
            Ok(())
        }
    }
}

async fn apply_owned(server: &Server, kind: ObjectKind, object: Value) -> Result<(), Fault> {
    server.apply(kind, &object).await.map(|_| ())
}

/// Waits until the controller has started the Workflow. The controller reads templates from a cache
/// that may lag behind: then the run ends with an error before it starts, and is started again. If
/// the controller does not start it, `workflow status` says so.
async fn wait_for_start(server: &Server, name: &str, uid: &str) -> Result<(), BackendError> {
    let started = Instant::now();
    while started.elapsed() < MAX_START_TIME {
        let Some(workflow) = server.get(ObjectKind::Workflow, name).await? else { return Ok(()) };
        let is_ours = text(&workflow, "/metadata/uid") == uid;
        if !is_ours || has_started(&workflow) {
            return Ok(());
        }
        if has_failed_early(&workflow) {
            match server.merge(ObjectKind::Workflow, name, &objects::restarted(uid)).await {
                Err(Fault::NotFound { .. } | Fault::Conflict { .. }) => return Ok(()),
                done => {
                    done?;
                }
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

fn has_started(workflow: &Value) -> bool {
    !text(workflow, "/status/phase").is_empty() && !has_failed_early(workflow)
}

/// Returns whether the controller ended the run because it did not know the template yet.
fn has_failed_early(workflow: &Value) -> bool {
    let message = text(workflow, "/status/message");
    let root = text(workflow, "/spec/workflowTemplateRef/name");
    text(workflow, "/status/phase") == "Error"
        && message.contains("workflowtemplates.argoproj.io")
        && message.contains(&format!("\"{root}\" not found"))
}

/// Approves every gate in advance.
fn approve_all(
    objects: &mut Objects,
    decision: &Decision,
    at: Timestamp,
) -> Result<(), BackendError> {
    debug_assert_eq!(decision.verdict, Verdict::Approved, "only approval can be given in advance");
    let mut all: Vec<Value> = objects.owned.iter().map(|(_, object)| object.clone()).collect();
    all.push(objects.workflow.clone());
    let record = DecisionRecord::new(decision, None, at).text();
    let workflow = text(&objects.workflow, "/metadata/name");
    let decisions = decisions::map_name(workflow);
    let Some((_, map)) = objects.owned.iter_mut().find(|(kind, object)| {
        *kind == ObjectKind::ConfigMap && text(object, "/metadata/name") == decisions
    }) else {
        return Err(ArgoError::NoDecisions.into());
    };
    let mut data = serde_json::Map::new();
    for gate in Outline::read(&all).gates() {
        data.insert(record_key(&gate.name), record.clone().into());
        data.insert(gate.name, APPROVED.into());
    }
    if let Some(map) = map.as_object_mut() {
        map.insert("data".to_owned(), data.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ended_before_its_template_was_known_has_not_begun() {
        let workflow = |phase: &str, message: &str| {
            json!({
                "spec": { "workflowTemplateRef": { "name": "w" } },
                "status": { "phase": phase, "message": message },
            })
        };
        let early = workflow("Error", "workflowtemplates.argoproj.io \"w\" not found");
        assert!(has_failed_early(&early) && !has_started(&early));
        let other = workflow("Error", "workflowtemplates.argoproj.io \"v\" not found");
        assert!(!has_failed_early(&other) && has_started(&other));
        assert!(has_started(&workflow("Running", "")));
        assert!(!has_started(&json!({ "metadata": { "name": "w" } })));
    }

    #[test]
    fn every_gate_of_an_example_can_be_approved_in_advance() {
        let file = include_str!("../../../../examples/approvals.yaml");
        let installation = generator::Installation {
            default_snapshot_repository: Some(generator::DefaultRepository {
                repo_path_uri: "file:///srv".to_owned(),
                ..generator::DefaultRepository::default()
            }),
            ..generator::Installation::default()
        };
        let output = generator::compile(file, &installation).output.expect("the example compiles");
        let mut objects =
            objects::sorted(&output.manifests, &[], "migration-workflow").expect("sorted");
        let decision = Decision { verdict: Verdict::Approved, by: "ann".to_owned(), reason: None };
        approve_all(&mut objects, &decision, Timestamp::UNIX_EPOCH).expect("approved");
        let decisions = objects
            .owned
            .iter()
            .map(|(_, object)| object)
            .find(|object| text(object, "/metadata/name") == "migration-workflow-decisions");
        let data = decisions.and_then(|map| map["data"].as_object()).expect("entries");
        let gate = "metadata-migrated-shop-orders";
        assert_eq!(data[gate], "approved");
        assert!(data[&record_key(gate)].as_str().expect("text").contains("\"by\":\"ann\""));
    }
}
