//! `workflow approve step` and `workflow reject step`: a person's decision at a gate.

use cli_support::output::{self, failure};
use contract::Exit;
use globset::{Glob, GlobMatcher};
use runs::{Backend, Decision, DecisionOutcome, Gate, GateState, Run, RunModel, Trouble, Verdict};

use crate::{
    args::{ApproveStep, DecisionFlags, Format, RejectStep},
    view::gate::{story, word},
};

/// Runs `workflow approve step`.
pub(crate) async fn approve(
    backend: &dyn Backend,
    flags: &ApproveStep,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.get(&flags.decision.workflow_name).await?;
    let gates = backend.model(&run).await?.gates;
    if flags.list || format == Format::Json && flags.gates.is_empty() && !flags.all {
        return list(&gates, format);
    }
    let awaited = |gate: &Gate| {
        gate.state == GateState::Waiting || flags.pre_approve && gate.state == GateState::Pending
    };
    let chosen = if flags.all {
        let chosen: Vec<Gate> = gates.iter().filter(|gate| awaited(gate)).cloned().collect();
        if chosen.is_empty() {
            return Err(failure(
                Exit::NotFound,
                format!("no gate is waiting; {}", overview(&gates)),
            ));
        }
        chosen
    } else {
        matching(&gates, &flags.gates, awaited)?
    };
    if let Some(gate) = chosen.iter().find(|gate| gate.state == GateState::Pending)
        && !flags.pre_approve
    {
        let message = format!(
            "gate `{}` is not reached yet; add `--pre-approve` to approve it in advance",
            gate.name
        );
        return Err(failure(Exit::Conflict, message));
    }
    decide(backend, &run, &chosen, Verdict::Approved, &flags.decision, format).await
}

/// Runs `workflow reject step`.
pub(crate) async fn reject(
    backend: &dyn Backend,
    flags: &RejectStep,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.get(&flags.decision.workflow_name).await?;
    let awaited = |gate: &Gate| gate.state == GateState::Waiting;
    let chosen = matching(&backend.model(&run).await?.gates, &flags.gates, awaited)?;
    decide(backend, &run, &chosen, Verdict::Rejected, &flags.decision, format).await
}

async fn decide(
    backend: &dyn Backend,
    run: &Run,
    gates: &[Gate],
    verdict: Verdict,
    flags: &DecisionFlags,
    format: Format,
) -> anyhow::Result<Exit> {
    let by = match &flags.by {
        Some(by) => by.clone(),
        None => backend.process_user().await,
    };
    let decision = Decision {
        verdict,
        by,
        reason: Some(flags.reason.clone()).filter(|reason| !reason.is_empty()),
    };
    let say = |text: &str| match format {
        Format::Text => output::result(text),
        Format::Json => Ok(()),
    };
    let mut exit = Exit::Done;
    for Gate { name, .. } in gates {
        let outcome = backend.decide(run, name, &decision).await?;
        let done = match verdict {
            Verdict::Approved => "Approved",
            Verdict::Rejected => "Rejected",
        };
        match outcome {
            DecisionOutcome::Recorded => say(&format!("✓ {done} {name}"))?,
            DecisionOutcome::ApprovedInAdvance => say(&format!("✓ {done} {name} in advance"))?,
            DecisionOutcome::NotWaiting(gate) => {
                output::message(&format!("✗ {name} is not waiting: {}", story(&gate)));
                exit = Exit::Conflict;
            }
            DecisionOutcome::Unknown => {
                output::message(&format!("✗ there is no gate {name}"));
                exit = Exit::NotFound;
            }
        }
    }
    let RunModel { gates: mut now, trouble, .. } = backend.model(run).await?;
    if format == Format::Json {
        now.retain(|gate| gates.iter().any(|chosen| chosen.name == gate.name));
        output::json(&now)?;
    }
    match trouble {
        Some(Trouble { message, command }) => {
            output::message(&format!("workflow `{}`: {message}", run.name));
            output::hint(&command);
        }
        None => output::hint(&format!("workflow status {}", run.name)),
    }
    Ok(exit)
}

/// Returns the gates that the names and globs select; each of them must select one at least. A name
/// selects its gate in any state; a glob selects only gates for which `awaited` holds.
fn matching(
    gates: &[Gate],
    patterns: &[String],
    awaited: impl Fn(&Gate) -> bool,
) -> anyhow::Result<Vec<Gate>> {
    if patterns.is_empty() {
        let message = format!("name a gate, a glob, or `--all`; {}", overview(gates));
        return Err(failure(Exit::Invalid, message));
    }
    let mut chosen: Vec<Gate> = Vec::new();
    for pattern in patterns {
        let glob: GlobMatcher = Glob::new(pattern)
            .map_err(|error| failure(Exit::Invalid, format!("`{pattern}` is not a glob: {error}")))?
            .compile_matcher();
        let is_meant =
            |gate: &Gate| gate.name == *pattern || glob.is_match(&gate.name) && awaited(gate);
        let mut found = false;
        for gate in gates.iter().filter(|gate| is_meant(gate)) {
            found = true;
            if !chosen.iter().any(|other| other.name == gate.name) {
                chosen.push(gate.clone());
            }
        }
        if !found {
            let message = format!("no gate `{pattern}` is waiting; {}", overview(gates));
            return Err(failure(Exit::NotFound, message));
        }
    }
    Ok(chosen)
}

fn list(gates: &[Gate], format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Json => output::json(&gates)?,
        Format::Text if gates.is_empty() => output::message("this workflow has no gates"),
        Format::Text => {
            for gate in gates {
                output::result(&format!("{}  {}", gate.name, story(gate)))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn overview(gates: &[Gate]) -> String {
    if gates.is_empty() {
        return "this workflow has no gates".to_owned();
    }
    let gates: Vec<String> =
        gates.iter().map(|gate| format!("`{}` ({})", gate.name, word(gate.state))).collect();
    format!("its gates are {}", gates.join(", "))
}
