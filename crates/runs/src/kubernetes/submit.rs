//! From compiled manifests to a Workflow that Argo runs.
//!
//! ```text
//! 1  accounts and shared templates   applied; a foreign owner of them may have done it before
//! 2  the run of that name, ended     deleted with all it owns, and waited for
//! 3  the new Workflow, held back     created: of two people at once, one gets here
//! 4  its templates, maps, secrets    applied, owned by it
//! 5  the hold taken away             Argo's controller takes it up
//! 6  a look whether it did           it may have looked before it knew of the template
//! ```
//!
//! Whoever is killed in between leaves a held Workflow that owns all the rest: the next submission
//! replaces it.

use std::time::{Duration, Instant};

use argo::convention::{
    decisions::{self, APPROVED},
    label::{SUBMISSION, WORKFLOW},
};
use cli_support::output::{self, failure};
use contract::Exit;
use engine::Verdict;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    fault::Fault,
    gates::{Record, record_key},
    kind::Kind,
    objects::{self, Objects},
    run_of,
    server::{Server, text},
};
use crate::{
    backend::{Answer, Run, Submission},
    commands::workflow_flag,
    model::Outline,
};

/// Objects applied at once.
const AT_ONCE: usize = 8;
/// How long the pods of an ended run may take to go.
const GONE_WITHIN: Duration = Duration::from_mins(3);
/// How often is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long is looked whether the controller takes up what it was handed.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// Submits a workflow.
pub(super) async fn submit(server: &Server, submission: &Submission<'_>) -> anyhow::Result<Run> {
    let Submission { name, compiled, approval, previous } = submission;
    let mut objects = objects::sorted(&compiled.manifests, &compiled.secrets, name)?;
    if let Some(answer) = approval {
        approve_all(&mut objects, answer, server.now())?;
    }
    for (kind, object) in objects.access.iter().chain(&objects.shared) {
        apply_shared(server, *kind, object).await?;
    }
    if let Some(old) = server.get(Kind::Workflow, name).await? {
        let uid = text(&old, "/metadata/uid");
        if previous.is_none_or(|previous| previous.uid != uid) {
            return Err(taken(name));
        }
        remove(server, name, uid).await?;
    }
    for secret in &compiled.secrets {
        clear(server, Kind::Secret, &secret.name).await?;
    }
    let workflow = create_held(server, name, &objects.workflow).await?;
    let uid = text(&workflow, "/metadata/uid").to_owned();
    let completed = complete(server, name, &uid, &objects).await;
    if let Err(error) = completed {
        // Nobody needs half a submission; should this fail too, the next one replaces it.
        server.delete(Kind::Workflow, name, Some(&uid)).await.ok();
        return Err(error);
    }
    see_it_begin(server, name, &uid).await?;
    run_of(&workflow)
}

fn taken(name: &str) -> anyhow::Error {
    let message = format!(
        "somebody else has just submitted `{name}`; look with `workflow status{}`",
        workflow_flag(name)
    );
    failure(Exit::Conflict, message)
}

/// Applies what all workflows share. Who may not, can go on if somebody else has done it.
async fn apply_shared(server: &Server, kind: Kind, object: &Value) -> anyhow::Result<()> {
    let Err(fault) = server.apply(kind, object).await else { return Ok(()) };
    if !matches!(fault, Fault::Forbidden { .. }) {
        return Err(fault.into());
    }
    let name = text(object, "/metadata/name");
    match server.get(kind, name).await {
        // Whoever installed it made it just so.
        Ok(Some(found)) if objects::holds(&found, object) => Ok(()),
        Ok(Some(_)) => {
            output::message(&format!(
                "{} `{name}` is left as it is: this account may not change it",
                kind.name()
            ));
            Ok(())
        }
        Ok(None) | Err(_) => Err(fault.into()),
    }
}

/// Deletes an ended run and what it owns, and waits until its pods have gone: the pods of the next
/// run have the same names.
pub(super) async fn remove(server: &Server, name: &str, uid: &str) -> anyhow::Result<()> {
    match server.delete_with_dependents(Kind::Workflow, name, uid).await {
        // The uid is another: somebody was faster.
        Err(Fault::Conflict { .. }) => return Err(taken(name)),
        done => done?,
    };
    let started = Instant::now();
    let mut told = false;
    while let Some(found) = server.get(Kind::Workflow, name).await? {
        if text(&found, "/metadata/uid") != uid {
            return Err(taken(name));
        }
        if started.elapsed() > GONE_WITHIN {
            let finalizers = found.pointer("/metadata/finalizers").cloned().unwrap_or_default();
            let message = format!(
                "workflow `{name}` is still being deleted (it waits for {finalizers}); are its \
                 pods still ending? Look with `kubectl get pods -n {} -l \
                 workflows.argoproj.io/workflow={name}`, then try again",
                server.namespace
            );
            return Err(failure(Exit::TimedOut, message));
        }
        if !told && started.elapsed() > Duration::from_secs(5) {
            told = true;
            output::message("waiting for the pods of the ended run to go");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // The garbage collector may still be at these, and must not meet their successors.
    for kind in [Kind::WorkflowTemplate, Kind::ConfigMap] {
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
async fn clear(server: &Server, kind: Kind, name: &str) -> anyhow::Result<()> {
    if server.get(kind, name).await?.is_some() {
        server.delete(kind, name, None).await?;
    }
    Ok(())
}

/// Creates the Workflow, held back. An answer that was lost on the way is no failure: the
/// annotation says whose Workflow it is.
async fn create_held(server: &Server, name: &str, workflow: &Value) -> anyhow::Result<Value> {
    let mut workflow = objects::held(workflow.clone());
    let id = uuid::Uuid::new_v4().to_string();
    if let Some(metadata) = workflow.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(SUBMISSION.to_owned(), id.clone().into());
        }
    }
    for _ in 0..3 {
        match server.create(Kind::Workflow, &workflow).await {
            Err(fault) if fault.is_passing() => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let found = server.get(Kind::Workflow, name).await?;
                let is_ours = |found: &Value| {
                    let annotations = found.pointer("/metadata/annotations");
                    annotations.and_then(|known| known.get(SUBMISSION)).and_then(Value::as_str)
                        == Some(id.as_str())
                };
                match found {
                    Some(found) if is_ours(&found) => return Ok(found),
                    Some(_) => return Err(taken(name)),
                    None => {}
                }
            }
            Err(Fault::Conflict { .. }) => return Err(taken(name)),
            done => return Ok(done?),
        }
    }
    Ok(server.create(Kind::Workflow, &workflow).await?)
}

/// Applies what the Workflow owns, and hands it over to Argo.
async fn complete(server: &Server, name: &str, uid: &str, objects: &Objects) -> anyhow::Result<()> {
    // Answers to the gates of a former run are no answers to these.
    clear(server, Kind::ConfigMap, &decisions::map_name(name)).await?;
    stream::iter(&objects.owned)
        .map(|(kind, object)| async move {
            let object = objects::owned(object.clone(), name, uid);
            server.apply(*kind, &object).await.map(|_| ())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    match server.merge(Kind::Workflow, name, &objects::let_go(uid)).await {
        Err(Fault::NotFound { .. } | Fault::Conflict { .. }) => Err(taken(name)),
        done => {
            done?;
            Ok(())
        }
    }
}

/// Waits until the controller has taken the Workflow up. The controller reads templates from a
/// memory of its own, which may lag behind: then the run is over before it began, and is begun
/// again. Should nobody take it up, `workflow status` says so.
async fn see_it_begin(server: &Server, name: &str, uid: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < BEGUN_WITHIN {
        let Some(workflow) = server.get(Kind::Workflow, name).await? else { return Ok(()) };
        let is_ours = text(&workflow, "/metadata/uid") == uid;
        if !is_ours || has_begun(&workflow) {
            return Ok(());
        }
        if was_too_early(&workflow) {
            match server.merge(Kind::Workflow, name, &objects::begun_again(uid)).await {
                Err(Fault::NotFound { .. } | Fault::Conflict { .. }) => return Ok(()),
                done => {
                    done?;
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn has_begun(workflow: &Value) -> bool {
    !text(workflow, "/status/phase").is_empty() && !was_too_early(workflow)
}

/// Whether the controller ended the run because it did not know the template, which was there
/// before the run was handed over.
fn was_too_early(workflow: &Value) -> bool {
    let message = text(workflow, "/status/message");
    let root = text(workflow, "/spec/workflowTemplateRef/name");
    text(workflow, "/status/phase") == "Error"
        && message.contains("workflowtemplates.argoproj.io")
        && message.contains(&format!("\"{root}\" not found"))
}

/// Answers every gate in advance.
fn approve_all(objects: &mut Objects, answer: &Answer, at: Timestamp) -> anyhow::Result<()> {
    debug_assert_eq!(answer.verdict, Verdict::Approved, "only approval can be given in advance");
    let mut all: Vec<Value> = objects.owned.iter().map(|(_, object)| object.clone()).collect();
    all.push(objects.workflow.clone());
    let record = Record::new(answer, None, at).text();
    let workflow = text(&objects.workflow, "/metadata/name");
    let decisions = decisions::map_name(workflow);
    let Some((_, map)) = objects.owned.iter_mut().find(|(kind, object)| {
        *kind == Kind::ConfigMap && text(object, "/metadata/name") == decisions
    }) else {
        anyhow::bail!("the manifests have no ConfigMap of decisions");
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
        assert!(was_too_early(&early) && !has_begun(&early));
        let other = workflow("Error", "workflowtemplates.argoproj.io \"v\" not found");
        assert!(!was_too_early(&other) && has_begun(&other));
        assert!(has_begun(&workflow("Running", "")));
        assert!(!has_begun(&json!({ "metadata": { "name": "w" } })));
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
        let answer = Answer { verdict: Verdict::Approved, by: "ann".to_owned(), reason: None };
        approve_all(&mut objects, &answer, Timestamp::UNIX_EPOCH).expect("approved");
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
