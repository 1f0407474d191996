//! `workflow approve step` and `workflow reject step`: a person's answer to a gate.

use contract::Exit;
use engine::{DecisionOutcome, Gate, GateState, Verdict};
use globset::{Glob, GlobMatcher};
use runs::{Answer, Backend, Run, Sight, Trouble};

use crate::{
    args::{ApproveStep, DecisionFlags, Format, RejectStep},
    output::{self, failure},
    view::gate::{story, word},
};

/// Runs `workflow approve step`.
pub(crate) fn approve(
    backend: &dyn Backend,
    flags: &ApproveStep,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.decision.workflow_name)?;
    let gates = backend.look(&run)?.gates;
    if flags.list || format == Format::Json && flags.gates.is_empty() && !flags.all {
        return list(&gates, format);
    }
    let awaited = |gate: &Gate| {
        gate.state == GateState::Waiting || flags.pre_approve && gate.state == GateState::Pending
    };
    let chosen = if flags.all {
        let chosen: Vec<Gate> = gates.iter().filter(|gate| awaited(gate)).cloned().collect();
        if chosen.is_empty() {
            return Err(failure(Exit::NotFound, format!("no gate waits; {}", overview(&gates))));
        }
        chosen
    } else {
        matching(&gates, &flags.gates, awaited)?
    };
    if let Some(gate) = chosen.iter().find(|gate| gate.state == GateState::Pending)
        && !flags.pre_approve
    {
        let message = format!(
            "gate `{}` is not reached yet; add `--pre-approve` to approve it beforehand",
            gate.name
        );
        return Err(failure(Exit::Conflict, message));
    }
    answer(backend, &run, &chosen, Verdict::Approved, &flags.decision, format)
}

/// Runs `workflow reject step`.
pub(crate) fn reject(
    backend: &dyn Backend,
    flags: &RejectStep,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.decision.workflow_name)?;
    let awaited = |gate: &Gate| gate.state == GateState::Waiting;
    let chosen = matching(&backend.look(&run)?.gates, &flags.gates, awaited)?;
    answer(backend, &run, &chosen, Verdict::Rejected, &flags.decision, format)
}

fn answer(
    backend: &dyn Backend,
    run: &Run,
    gates: &[Gate],
    verdict: Verdict,
    flags: &DecisionFlags,
    format: Format,
) -> anyhow::Result<Exit> {
    let answer = Answer {
        verdict,
        by: flags.by.clone().unwrap_or_else(|| backend.user()),
        reason: Some(flags.reason.clone()).filter(|reason| !reason.is_empty()),
    };
    let say = |text: &str| match format {
        Format::Text => output::result(text),
        Format::Json => Ok(()),
    };
    let mut exit = Exit::Done;
    for Gate { name, .. } in gates {
        let decided = backend.decide(run, name, &answer)?;
        let done = match verdict {
            Verdict::Approved => "Approved",
            Verdict::Rejected => "Rejected",
        };
        match decided {
            DecisionOutcome::Recorded => say(&format!("✓ {done} {name}"))?,
            DecisionOutcome::ApprovedInAdvance => say(&format!("✓ {done} {name} beforehand"))?,
            DecisionOutcome::NotWaiting(gate) => {
                output::message(&format!("✗ {name} does not wait: {}", story(&gate)));
                exit = Exit::Conflict;
            }
            DecisionOutcome::Unknown => {
                output::message(&format!("✗ there is no gate {name}"));
                exit = Exit::NotFound;
            }
        }
    }
    let Sight { gates: mut now, trouble, .. } = backend.look(run)?;
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

/// Returns the gates that the names and globs mean; each of them must mean one at least. A name means
/// its gate however it stands; a glob means those that are awaited.
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
            let message = format!("no gate `{pattern}` waits; {}", overview(gates));
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
