//! Follows a workflow to its end: says what changed, and approves each gate that waits, as a
//! person would after looking at the status.

use std::{
    collections::BTreeMap,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use test_machine::{shell, terminal::say};

/// The name that a workflow has unless another is given.
pub(super) const WORKFLOW: &str = "migration-workflow";

const LIMIT: Duration = Duration::from_mins(10);

/// How the workflow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Succeeded,
    Failed,
}

/// What `workflow status --output json` prints, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Status {
    phase: String,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    gates: Vec<Gate>,
}

#[derive(Debug, Deserialize)]
struct Node {
    name: String,
    phase: String,
    #[serde(rename = "type")]
    kind: String,
    progress: Option<Progress>,
}

#[derive(Debug, Deserialize)]
struct Progress {
    measures: Vec<Measure>,
}

#[derive(Clone, Debug, Deserialize)]
struct Measure {
    what: String,
    done: u64,
    total: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Gate {
    name: String,
    state: String,
}

/// Asks for the status until the workflow has ended. `workflow` makes the program's command.
pub(super) fn to_the_end(workflow: &dyn Fn() -> Command) -> Result<Ending> {
    let started = Instant::now();
    let mut seen = BTreeMap::new();
    let mut approved: Vec<String> = Vec::new();
    loop {
        let text = shell::output(workflow().args(["status", WORKFLOW, "--output", "json"]))?;
        let status: Status = serde_json::from_str(&text)
            .with_context(|| format!("`workflow status` printed something else: {text}"))?;
        for node in status.nodes.iter().filter(|node| node.is_step_at_work()) {
            let line = node.line();
            if seen.insert(node.name.clone(), line.clone()).as_ref() != Some(&line) {
                say(format!("{:>4} s  {line}", started.elapsed().as_secs()));
            }
        }
        match status.phase.as_str() {
            "Succeeded" => return Ok(Ending::Succeeded),
            "Failed" | "Error" => return Ok(Ending::Failed),
            _ => {}
        }
        for gate in status.gates.iter().filter(|gate| gate.state == "waiting") {
            // A gate may be shown as waiting for a moment after it was approved.
            if !approved.contains(&gate.name) {
                say(format!("\nthe workflow waits at the gate {}", gate.name));
                shell::run(workflow().args(["status", WORKFLOW]))?;
                shell::run(workflow().args(["approve", "step", &gate.name]))?;
                approved.push(gate.name.clone());
            }
        }
        if started.elapsed() > LIMIT {
            bail!("the workflow has not ended after {} s:\n{text}", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

impl Node {
    /// Whether it is a program that runs or ran, and not a group of others or one yet to come.
    fn is_step_at_work(&self) -> bool {
        ["Pod", "Retry"].contains(&self.kind.as_str())
            && !["Pending", "Skipped", "Omitted"].contains(&self.phase.as_str())
    }

    fn line(&self) -> String {
        // The path without the workflow's own name: two groups have steps of the same name.
        let name = self.name.split_once('.').map_or(self.name.as_str(), |(_, path)| path);
        let measures = self.progress.iter().flat_map(|progress| &progress.measures);
        let mut line = format!("{name}: {}", self.phase);
        for Measure { what, done, total } in measures {
            if let Some(total) = total {
                line.push_str(&format!(", {done} of {total} {what}"));
            }
        }
        line
    }
}
