//! Ends a run before its end.
//!
//! Argo ends its own pods. The Jobs of the fleets are not Argo's, and their workers would continue to
//! write to the target: after a stop until the cleanup ends them, and after a termination, which
//! runs no cleanup, until the Workflow is deleted. So the Jobs are suspended: that ends their
//! workers and starts no new ones. They are not deleted, because their state and the logs of their
//! workers would be lost. `resume` replaces them, and they are deleted with their Workflow.

use std::time::{Duration, Instant};

use argo::convention::label::GROUP;
use serde_json::{Value, json};

use super::{
    error::ArgoError,
    fault::Fault,
    nodes, objects,
    server::{Server, text},
    submit,
};
use crate::{
    error::BackendError,
    object_kind::ObjectKind,
    run::{Run, StopMode, StopReport},
};

/// How long to wait for a submission that is under way.
const MAX_SUBMISSION_TIME: Duration = Duration::from_secs(20);
/// How long Argo's controller may take to end a run that is terminated.
const MAX_END_TIME: Duration = Duration::from_secs(20);
/// The poll interval while waiting for either.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Ends a run. Of a run that has ended, `Terminate` ends the fleets that were left behind.
pub(super) async fn stop(
    server: &Server,
    run: &Run,
    mode: StopMode,
) -> Result<StopReport, BackendError> {
    let mut report = StopReport::default();
    if !is_handed_over(server, run).await? {
        submit::remove(server, &run.name, &run.uid).await?;
        report.remarks.push(format!(
            "the submission of `{}` did not finish, so nothing of it ever ran: it was removed",
            run.name
        ));
        return Ok(report);
    }
    match mode {
        StopMode::Stop => {
            ask(server, run, "Stop").await?;
            report.requested = Some(mode);
            match end_fleets(server, run).await {
                Err(Fault::Forbidden { .. }) => {
                    let remark = "this account may not suspend its Jobs; its cleanup ends them";
                    report.remarks.push(remark.to_owned());
                }
                ended => report.fleets = ended?,
            }
        }
        StopMode::Terminate => terminate(server, run, &mut report).await?,
    }
    Ok(report)
}

/// Ends the fleets first: without the right to end them, the steps that watch them must stay.
async fn terminate(
    server: &Server,
    run: &Run,
    report: &mut StopReport,
) -> Result<(), BackendError> {
    report.fleets = match end_fleets(server, run).await {
        Err(fault @ Fault::Forbidden { .. }) => {
            return Err(ArgoError::FleetsForbidden { name: run.name.clone(), fault }.into());
        }
        ended => ended?,
    };
    if run.is_complete {
        return Ok(());
    }
    ask(server, run, "Terminate").await.map_err(|source| ArgoError::Terminating {
        name: run.name.clone(),
        fleets: report.fleets.clone(),
        source,
    })?;
    report.requested = Some(StopMode::Terminate);
    // A fleet that was being created meanwhile exists once the run has ended.
    let started = Instant::now();
    while is_running(server, run).await? {
        if started.elapsed() > MAX_END_TIME {
            report.remarks.push(format!(
                "Argo's controller has not ended the run yet; is the controller running? Run `workflow \
                 stop --terminate {}` again later, in case it still starts workers",
                run.name
            ));
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    report.fleets.extend(end_fleets(server, run).await?);
    Ok(())
}

async fn ask(server: &Server, run: &Run, strategy: &str) -> Result<(), Fault> {
    let patch = json!({ "metadata": { "uid": run.uid }, "spec": { "shutdown": strategy } });
    server.merge(ObjectKind::Workflow, &run.name, &patch).await?;
    Ok(())
}

/// Suspends the active Jobs of a run; returns a description of each.
async fn end_fleets(server: &Server, run: &Run) -> Result<Vec<String>, Fault> {
    let pause = json!({ "spec": { "suspend": true } });
    let mut ended = Vec::new();
    for job in server.list(ObjectKind::Job, "").await? {
        if objects::is_owned_by(&job, &run.uid) && is_active(&job) {
            server.merge(ObjectKind::Job, text(&job, "/metadata/name"), &pause).await?;
            ended.push(describe(&job));
        }
    }
    Ok(ended)
}

fn is_active(job: &Value) -> bool {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array);
    let has_ended = conditions.into_iter().flatten().any(|condition| {
        ["Complete", "Failed"].contains(&text(condition, "/type"))
            && text(condition, "/status") == "True"
    });
    let is_suspended = job.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    !has_ended && !is_suspended
}

/// `Job argosy-rfs-x7k2p (group everything-else, 3 workers)`.
fn describe(job: &Value) -> String {
    let labels = job.pointer("/metadata/labels");
    let group = labels.and_then(|labels| labels.get(GROUP)).and_then(Value::as_str);
    let group = group.filter(|group| !group.is_empty());
    let group = group.map(|group| format!("group {group}, ")).unwrap_or_default();
    let workers = job.pointer("/status/active").and_then(Value::as_u64).unwrap_or(0);
    let s = if workers == 1 { "" } else { "s" };
    format!("Job {} ({group}{workers} worker{s})", text(job, "/metadata/name"))
}

async fn is_running(server: &Server, run: &Run) -> Result<bool, BackendError> {
    let found = server.get(ObjectKind::Workflow, &run.name).await?;
    let now = found.as_ref().map(nodes::run_of).transpose()?;
    Ok(now.is_some_and(|now| now.uid == run.uid && !now.is_complete))
}

/// Waits until the submission of the run is complete; returns whether it is.
async fn is_handed_over(server: &Server, run: &Run) -> Result<bool, BackendError> {
    let started = Instant::now();
    loop {
        let found = server.get(ObjectKind::Workflow, &run.name).await?;
        let is_on_hold = found.is_some_and(|workflow| {
            text(&workflow, "/metadata/uid") == run.uid && objects::is_on_hold(&workflow)
        });
        if !is_on_hold {
            return Ok(true);
        }
        if started.elapsed() > MAX_SUBMISSION_TIME {
            return Ok(false);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &Value, suspend: bool) -> Value {
        json!({
            "metadata": { "name": "argosy-rfs-x", "labels": { "argosy.dev/group": "orders" } },
            "spec": { "suspend": suspend },
            "status": status,
        })
    }

    #[test]
    fn a_fleet_is_ended_once_and_only_while_it_works() {
        let conditions = |kind: &str, holds: &str| json!({ "conditions": [{ "type": kind, "status": holds }], "active": 1 });
        assert!(is_active(&job(&json!({}), false)));
        assert!(is_active(&job(&conditions("Suspended", "False"), false)));
        for kind in ["Complete", "Failed"] {
            assert!(!is_active(&job(&conditions(kind, "True"), false)));
        }
        assert!(!is_active(&job(&json!({}), true)));
    }

    #[test]
    fn a_fleet_is_named_with_its_group_and_its_workers() {
        let words = describe(&job(&json!({ "active": 3 }), false));
        assert_eq!(words, "Job argosy-rfs-x (group orders, 3 workers)");
        let bare = json!({ "metadata": { "name": "j" }, "status": { "active": 1 } });
        assert_eq!(describe(&bare), "Job j (1 worker)");
    }
}
