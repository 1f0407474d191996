//! The end of a run before its end.
//!
//! Argo ends its own pods. The Jobs of the fleet are not its own: they are suspended, which ends
//! their workers and starts no new ones.

use std::time::{Duration, Instant};

use engine::Shutdown;
use serde_json::json;

use super::{
    kind::Kind,
    objects,
    server::{Server, text},
    submit,
};
use crate::{backend::Run, output};

/// How long a submission that is under way is waited for.
const SUBMITTED_WITHIN: Duration = Duration::from_secs(20);

/// Asks for the end of a run.
pub(super) async fn stop(server: &Server, run: &Run, shutdown: Shutdown) -> anyhow::Result<()> {
    if !is_handed_over(server, run).await? {
        output::tell(&format!(
            "the submission of `{}` did not finish, so nothing of it ever ran: it is removed",
            run.name
        ));
        return submit::remove(server, &run.name, &run.uid).await;
    }
    let strategy = match shutdown {
        Shutdown::Stop => "Stop",
        Shutdown::Terminate => "Terminate",
    };
    let patch = json!({ "metadata": { "uid": run.uid }, "spec": { "shutdown": strategy } });
    server.merge(Kind::Workflow, &run.name, &patch).await?;
    let pause = json!({ "spec": { "suspend": true } });
    for job in server.list(Kind::Job, "").await? {
        let has_ended = job.pointer("/status/completionTime").is_some();
        if objects::is_owned_by(&job, &run.uid) && !has_ended {
            server.merge(Kind::Job, text(&job, "/metadata/name"), &pause).await?;
        }
    }
    Ok(())
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
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
