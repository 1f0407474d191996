//! `workflow submit` and `workflow resume`: start a migration, or go on with one.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use engine::{Existing, RunRecord, Shutdown, Store, StoreError, Submission};
use generator::Output;
use serde_json::json;
use session::StateDir;
use step_api::Exit;

use super::{decide, status::workflow_flag, stop, wait};
use crate::{
    args::{Format, Named, Submit},
    input::{self, Source},
    launch, local,
    output::{self, failure},
};

/// How long a workflow that is replaced may take to end.
const REPLACE_WITHIN: Duration = Duration::from_mins(3);

/// Runs `workflow submit`. A running workflow of the same name is not touched before the new one
/// compiled and its credentials are there.
pub(crate) fn run(state: &StateDir, flags: &Submit, format: Format) -> anyhow::Result<Exit> {
    let source = input::read(state, &flags.input)?;
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
    let store = local::open(state)?;
    require_secrets(&store, &source)?;
    let name = &flags.input.installation.workflow_name;
    if let Some(old) = local::live_run(&store, name)? {
        replace(state, &store, &old)?;
    }
    for secret in &compiled.secrets {
        for (key, value) in &secret.data {
            store.secrets().write(&secret.name, key, value.as_bytes())?;
        }
    }
    let run = submitted(&store, name, compiled)?;
    if flags.approve_all {
        decide::approve_all(&store, &run)?;
    }
    launch::engine(state, &store, &run.uid)?;
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
        return wait::until_end(&store, &run, limit, flags.wait_interval, format);
    }
    output::hint(&format!("workflow status {name}"));
    Ok(Exit::Done)
}

/// Runs `workflow resume`.
pub(crate) fn resume(state: &StateDir, flags: &Named, format: Format) -> anyhow::Result<Exit> {
    let store = local::open(state)?;
    let run = local::run(&store, &flags.name)?;
    if run.is_complete() {
        let again = store.reopen(&run.uid).map_err(local::error)?;
        launch::engine(state, &store, &run.uid)?;
        output::tell(&format!(
            "workflow `{}` goes on; what succeeded stays, and this is tried again: {}",
            run.name,
            if again.is_empty() { "what had not begun".to_owned() } else { again.join(", ") }
        ));
    } else if store.is_engine_alive(&run.uid)? {
        output::tell(&format!("workflow `{}` is running already", run.name));
    } else {
        launch::engine(state, &store, &run.uid)?;
        output::tell(&format!("workflow `{}` goes on where it stopped", run.name));
    }
    if format == Format::Json {
        output::json(&json!({ "name": run.name, "uid": run.uid }))?;
    }
    output::hint(&format!("workflow status {}", run.name));
    Ok(Exit::Done)
}

/// Refuses to start what would fail for want of a password.
fn require_secrets(store: &Store, source: &Source) -> anyhow::Result<()> {
    let kept: BTreeMap<String, Vec<String>> = store.secrets().list()?.into_iter().collect();
    let missing: Vec<String> =
        source.secret_names().into_iter().filter(|name| !kept.contains_key(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> = missing
        .iter()
        .map(|name| format!("  workflow configure credentials create {name}"))
        .collect();
    let message = format!(
        "{} of the migration file {} not kept on this machine; run\n{}",
        missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        if missing.len() == 1 { "is" } else { "are" },
        commands.join("\n")
    );
    Err(failure(Exit::NotFound, message))
}

/// Ends the old workflow in good order: its cleanup runs.
fn replace(state: &StateDir, store: &Store, old: &RunRecord) -> anyhow::Result<()> {
    output::tell(&format!("stopping the running workflow `{}` first", old.name));
    stop::request(state, store, old, Shutdown::Stop)?;
    let started = Instant::now();
    while !store.run_by_uid(&old.uid)?.is_complete() {
        if started.elapsed() > REPLACE_WITHIN {
            let message = format!(
                "workflow `{}` is still stopping; look with `workflow status`, or end it with \
                 `workflow stop --terminate {}`, then submit again",
                old.name, old.name
            );
            return Err(failure(Exit::TimedOut, message));
        }
        thread::sleep(Duration::from_millis(100));
    }
    output::tell("stopped");
    Ok(())
}

fn submitted(store: &Store, name: &str, compiled: &Output) -> anyhow::Result<RunRecord> {
    let submission = Submission {
        name: name.to_owned(),
        uid: uuid::Uuid::new_v4().to_string(),
        manifests: compiled.manifests.clone(),
        created_at: jiff::Timestamp::now(),
        existing: Existing::Refuse,
    };
    store.submit(submission).map_err(|error| match error {
        StoreError::Conflict { name, .. } => failure(
            Exit::Conflict,
            format!(
                "somebody else has just submitted `{name}`; look with `workflow status{}`",
                workflow_flag(&name)
            ),
        ),
        other => local::error(other),
    })
}
