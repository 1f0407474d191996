//! `workflow submit`: start a migration.

use std::{
    thread,
    time::{Duration, Instant},
};

use contract::Exit;
use engine::{Shutdown, Verdict};
use generator::Steps;
use runs::{Answer, Backend, Run, Submission, workflow_flag};
use serde_json::json;

use super::wait;
use crate::{
    args::{Format, Submit},
    input::{self, Source},
    output::{self, failure},
};

/// How long a workflow that is replaced may take to end.
const REPLACE_WITHIN: Duration = Duration::from_mins(3);

/// How long the cleanup of a workflow that is replaced may be unable to begin.
const HELD_WITHIN: Duration = Duration::from_secs(15);

/// Runs `workflow submit`. A running workflow of the same name is not touched before the new one
/// compiled and its credentials are there.
pub(crate) fn run(backend: &dyn Backend, flags: &Submit, format: Format) -> anyhow::Result<Exit> {
    let source = input::read(backend.keep(), &flags.input)?;
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
        let message = "Argo could not keep a run of this file; split it as the finding says";
        return Err(failure(Exit::Invalid, message.to_owned()));
    }
    require_secrets(backend, &source)?;
    let name = &flags.input.installation.workflow_name;
    let previous = backend.find(name)?;
    if let Some(old) = previous.as_ref().filter(|old| !old.is_complete) {
        output::message(&format!("stopping the running workflow `{name}` first"));
        end(backend, old)?;
        output::message("stopped");
    }
    let approval = flags.approve_all.then(|| Answer {
        verdict: Verdict::Approved,
        by: backend.user(),
        reason: Some("submit --approve-all".to_owned()),
    });
    let run = backend.submit(&Submission {
        name,
        compiled,
        approval: approval.as_ref(),
        previous: previous.as_ref(),
    })?;
    match format {
        // The last look is the one document then.
        Format::Json if flags.wait => {}
        Format::Json => output::json(&json!({ "name": run.name, "uid": run.uid }))?,
        Format::Text => {
            output::result("Workflow submitted successfully")?;
            output::result(&format!("  Name: {}\n  Run:  {}", run.name, run.uid))?;
        }
    }
    if flags.wait {
        let limit = (flags.timeout > 0).then(|| Duration::from_secs(flags.timeout));
        return wait::until_end(backend, &run, limit, flags.wait_interval, format);
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}

/// Ends a run in good order: its cleanup runs.
pub(super) fn end(backend: &dyn Backend, old: &Run) -> anyhow::Result<()> {
    let name = &old.name;
    backend.stop(old, Shutdown::Stop)?;
    let started = Instant::now();
    let mut held_since: Option<Instant> = None;
    loop {
        match backend.find(name)? {
            None => return Ok(()),
            Some(run) if run.uid != old.uid => {
                let message = format!(
                    "somebody else has submitted `{name}` meanwhile; look with `workflow status{}`",
                    workflow_flag(name)
                );
                return Err(failure(Exit::Conflict, message));
            }
            Some(run) if run.is_complete => return Ok(()),
            Some(run) => match backend.look(&run).map(|sight| sight.cleanup_held) {
                // Nobody gets on by waiting for an image that is not there.
                Ok(Some(trouble)) => {
                    let since = *held_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > HELD_WITHIN {
                        output::message(&format!(
                            "its cleanup cannot begin: {trouble}; it is ended without"
                        ));
                        backend.stop(&run, Shutdown::Terminate)?;
                        held_since = None;
                    }
                }
                Ok(None) => held_since = None,
                // It went in between, or the next look says why not.
                Err(_) => {}
            },
        }
        if started.elapsed() > REPLACE_WITHIN {
            let message = format!(
                "workflow `{name}` is still stopping; look with `workflow status`, or end it with \
                 `workflow stop --terminate {name}`, then try again"
            );
            return Err(failure(Exit::TimedOut, message));
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// Refuses to start what would fail for want of a password.
fn require_secrets(backend: &dyn Backend, source: &Source) -> anyhow::Result<()> {
    let keep = backend.keep();
    let mut missing = Vec::new();
    for name in source.secret_names() {
        if !keep.has_credentials(&name)? {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> =
        missing.iter().map(|name| format!("  {}", source.command_for(name))).collect();
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let there_is_no = match keep.steps() {
        Steps::Pods => format!("there is no Secret {names} in the namespace"),
        Steps::Processes => format!("there are no credentials {names}"),
    };
    let message =
        format!("{there_is_no}, which the migration file names; run\n{}", commands.join("\n"));
    Err(failure(Exit::NotFound, message))
}
