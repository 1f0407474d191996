//! The end of a run before its end.
//!
//! Argo ends its own pods. The Jobs of the fleets are not its own, and their workers would go on
//! writing to the target: after a stop until the cleanup tells them, after a termination, which
//! runs no cleanup, until the Workflow is deleted. So the Jobs are suspended: that ends their
//! workers and starts no new ones. They are not deleted, for then nothing would be left to say how
//! the fleet fared, and the logs of its workers would be gone; `resume` replaces them, and they go
//! with their Workflow.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use argo::convention::label::GROUP;
use cli_support::output::failure;
use contract::Exit;
use engine::Shutdown;
use serde_json::{Value, json};

use super::{
    fault::Fault,
    kind::Kind,
    objects, run_of,
    server::{Server, text},
    submit,
};
use crate::backend::{Run, Stopped};

/// How long a submission that is under way is waited for.
const SUBMITTED_WITHIN: Duration = Duration::from_secs(20);
/// How long Argo's controller may take to end a run that is terminated.
const ENDED_WITHIN: Duration = Duration::from_secs(20);
/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Asks for the end of a run. Of one that has ended, `Terminate` ends the fleets that whoever ended
/// it left behind.
pub(super) async fn stop(
    server: &Server,
    run: &Run,
    shutdown: Shutdown,
) -> anyhow::Result<Stopped> {
    let mut stopped = Stopped::default();
    if !is_handed_over(server, run).await? {
        submit::remove(server, &run.name, &run.uid).await?;
        stopped.remarks.push(format!(
            "the submission of `{}` did not finish, so nothing of it ever ran: it was removed",
            run.name
        ));
        return Ok(stopped);
    }
    match shutdown {
        Shutdown::Stop => {
            ask(server, run, "Stop").await?;
            stopped.asked = Some(shutdown);
            match end_fleets(server, run).await {
                Err(Fault::Forbidden { .. }) => {
                    let remark = "this account may not suspend its Jobs; its cleanup ends them";
                    stopped.remarks.push(remark.to_owned());
                }
                ended => stopped.fleets = ended?,
            }
        }
        Shutdown::Terminate => terminate(server, run, &mut stopped).await?,
    }
    Ok(stopped)
}

/// The fleets come first: who may not end them must not take away those who watch them.
async fn terminate(server: &Server, run: &Run, stopped: &mut Stopped) -> anyhow::Result<()> {
    stopped.fleets = match end_fleets(server, run).await {
        Err(fault @ Fault::Forbidden { .. }) => return Err(refused(&run.name, &fault)),
        ended => ended?,
    };
    if run.is_complete {
        return Ok(());
    }
    let asked = ask(server, run, "Terminate").await.map_err(anyhow::Error::from);
    asked.with_context(|| match stopped.fleets.as_slice() {
        [] => format!("terminating `{}`", run.name),
        fleets => {
            format!("terminating `{}`, of which this was ended: {}", run.name, fleets.join(", "))
        }
    })?;
    stopped.asked = Some(Shutdown::Terminate);
    // One that was being made when we looked is there once the run has ended.
    let started = Instant::now();
    while is_running(server, run).await? {
        if started.elapsed() > ENDED_WITHIN {
            stopped.remarks.push(format!(
                "Argo's controller has not ended it yet; is it running? `workflow stop --terminate \
                 {}` again ends what fleet it may still make",
                run.name
            ));
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    stopped.fleets.extend(end_fleets(server, run).await?);
    Ok(())
}

fn refused(name: &str, fault: &Fault) -> anyhow::Error {
    let message = format!(
        "nothing was ended: after a termination nobody else tells the workers of `{name}` to end; \
         `workflow stop {name}` runs the cleanup, which does, and needs no such right. This one is \
         {fault}"
    );
    failure(Exit::NotPermitted, message)
}

async fn ask(server: &Server, run: &Run, strategy: &str) -> Result<(), Fault> {
    let patch = json!({ "metadata": { "uid": run.uid }, "spec": { "shutdown": strategy } });
    server.merge(Kind::Workflow, &run.name, &patch).await?;
    Ok(())
}

/// Suspends the Jobs of a run that are at work; says which.
async fn end_fleets(server: &Server, run: &Run) -> Result<Vec<String>, Fault> {
    let pause = json!({ "spec": { "suspend": true } });
    let mut ended = Vec::new();
    for job in server.list(Kind::Job, "").await? {
        if objects::is_owned_by(&job, &run.uid) && is_at_work(&job) {
            server.merge(Kind::Job, text(&job, "/metadata/name"), &pause).await?;
            ended.push(in_words(&job));
        }
    }
    Ok(ended)
}

fn is_at_work(job: &Value) -> bool {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array);
    let has_ended = conditions.into_iter().flatten().any(|condition| {
        ["Complete", "Failed"].contains(&text(condition, "/type"))
            && text(condition, "/status") == "True"
    });
    let is_suspended = job.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    !has_ended && !is_suspended
}

/// `Job argosy-rfs-x7k2p (group everything-else, 3 workers)`.
fn in_words(job: &Value) -> String {
    let labels = job.pointer("/metadata/labels");
    let group = labels.and_then(|labels| labels.get(GROUP)).and_then(Value::as_str);
    let group = group.filter(|group| !group.is_empty());
    let group = group.map(|group| format!("group {group}, ")).unwrap_or_default();
    let workers = job.pointer("/status/active").and_then(Value::as_u64).unwrap_or(0);
    let s = if workers == 1 { "" } else { "s" };
    format!("Job {} ({group}{workers} worker{s})", text(job, "/metadata/name"))
}

async fn is_running(server: &Server, run: &Run) -> anyhow::Result<bool> {
    let found = server.get(Kind::Workflow, &run.name).await?;
    let now = found.as_ref().map(run_of).transpose()?;
    Ok(now.is_some_and(|now| now.uid == run.uid && !now.is_complete))
}

/// Waits until a submission is over; one that stays has died.
async fn is_handed_over(server: &Server, run: &Run) -> anyhow::Result<bool> {
    let started = Instant::now();
    loop {
        let found = server.get(Kind::Workflow, &run.name).await?;
        let is_held = found.is_some_and(|workflow| {
            text(&workflow, "/metadata/uid") == run.uid && objects::is_held(&workflow)
        });
        if !is_held {
            return Ok(true);
        }
        if started.elapsed() > SUBMITTED_WITHIN {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
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
        assert!(is_at_work(&job(&json!({}), false)));
        assert!(is_at_work(&job(&conditions("Suspended", "False"), false)));
        for kind in ["Complete", "Failed"] {
            assert!(!is_at_work(&job(&conditions(kind, "True"), false)));
        }
        assert!(!is_at_work(&job(&json!({}), true)));
    }

    #[test]
    fn a_fleet_is_named_with_its_group_and_its_workers() {
        let words = in_words(&job(&json!({ "active": 3 }), false));
        assert_eq!(words, "Job argosy-rfs-x (group orders, 3 workers)");
        let bare = json!({ "metadata": { "name": "j" }, "status": { "active": 1 } });
        assert_eq!(in_words(&bare), "Job j (1 worker)");
    }
}
