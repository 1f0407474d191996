//! `workflow submit`: start a migration.

use std::time::{Duration, Instant};

use cli_support::output::{self, failure};
use contract::Exit;
use generator::Steps;
use runs::{Backend, Decision, Run, StopMode, Submission, Verdict, workflow_flag};
use serde_json::json;

use super::wait;
use crate::{
    args::{Format, Submit},
    input::{self, Source},
};

/// How long a workflow that is replaced may take to end.
const MAX_END_TIME: Duration = Duration::from_mins(3);

/// How long the cleanup of a workflow that is replaced may be unable to start.
const MAX_BLOCKED_TIME: Duration = Duration::from_secs(15);

/// The poll interval while waiting for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Runs `workflow submit`. A running workflow of the same name is not touched before the new one
/// compiled and its credentials are there.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Submit,
    format: Format,
) -> anyhow::Result<Exit> {
    let source = input::read(backend, &flags.input).await?;
    let Some(compiled) = &source.compiled.output else {
        match format {
            Format::Json => {
                let findings = generator::findings::json(&source.compiled.findings, &source.text);
                output::json(&json!({ "findings": findings }))?;
            }
            Format::Text => source.show_findings(),
        }
        return Ok(Exit::Invalid);
    };
    source.show_findings();
    if source.compiled.findings.iter().any(|finding| finding.id == generator::RUN_TOO_LARGE) {
        let message = "Argo cannot store a run of this file; split the file as the finding above \
         says";
        return Err(failure(Exit::Invalid, message.to_owned()));
    }
    require_secrets(backend, &source).await?;
    let name = &flags.input.installation.workflow_name;
    let previous = backend.find(name).await?;
    if let Some(old) = previous.as_ref().filter(|old| !old.is_complete) {
        output::message(&format!("stopping the running workflow `{name}` first"));
        end(backend, old).await?;
        output::message("stopped");
    }
    let approval = if flags.approve_all {
        Some(Decision {
            verdict: Verdict::Approved,
            by: backend.process_user().await,
            reason: Some("submit --approve-all".to_owned()),
        })
    } else {
        None
    };
    let submission =
        Submission { name, compiled, approval: approval.as_ref(), previous: previous.as_ref() };
    let run = backend.submit(&submission).await?;
    match format {
        // The final status is the one document then.
        Format::Json if flags.wait => {}
        Format::Json => output::json(&json!({ "name": run.name, "uid": run.uid }))?,
        Format::Text => {
            output::result("Workflow submitted successfully")?;
            output::result(&format!("  Name: {}\n  Run:  {}", run.name, run.uid))?;
        }
    }
    if flags.wait {
        let limit = (flags.timeout > 0).then(|| Duration::from_secs(flags.timeout));
        return wait::until_end(backend, &run, limit, flags.wait_interval, format).await;
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}

/// Ends a run with its cleanup.
pub(super) async fn end(backend: &dyn Backend, old: &Run) -> anyhow::Result<()> {
    let name = &old.name;
    backend.stop(old, StopMode::Stop).await?;
    let started = Instant::now();
    let mut blocked_since: Option<Instant> = None;
    loop {
        match backend.find(name).await? {
            None => return Ok(()),
            Some(run) if run.uid != old.uid => {
                let message = format!(
                    "another process has submitted `{name}` meanwhile; check it with `workflow \
                     status{}`",
                    workflow_flag(name)
                );
                return Err(failure(Exit::Conflict, message));
            }
            Some(run) if run.is_complete => return Ok(()),
            Some(run) => match backend.model(&run).await.map(|model| model.cleanup_blocked) {
                // An image that cannot be pulled does not appear by waiting.
                Ok(Some(trouble)) => {
                    let since = *blocked_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > MAX_BLOCKED_TIME {
                        output::message(&format!(
                            "its cleanup cannot start: {trouble}; the workflow is ended without cleanup"
                        ));
                        backend.stop(&run, StopMode::Terminate).await?;
                        blocked_since = None;
                    }
                }
                Ok(None) => blocked_since = None,
                // The run was removed meanwhile, or the next reading says what is wrong.
                Err(_) => {}
            },
        }
        if started.elapsed() > MAX_END_TIME {
            let message = format!(
                "workflow `{name}` is still stopping; check it with `workflow status`, or end it with \
                 `workflow stop --terminate {name}`, then try again"
            );
            return Err(failure(Exit::TimedOut, message));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Fails if credentials that the migration needs are missing.
async fn require_secrets(backend: &dyn Backend, source: &Source) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for name in source.secret_names() {
        if !backend.has_credentials(&name).await? {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> =
        missing.iter().map(|name| format!("  {}", source.command_for(name))).collect();
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let there_is_no = match backend.steps() {
        Steps::Pods => format!("there is no Secret {names} in the namespace"),
        Steps::Processes => format!("there are no credentials {names}"),
    };
    let message =
        format!("{there_is_no}, which the migration file names; run\n{}", commands.join("\n"));
    Err(failure(Exit::NotFound, message))
}
