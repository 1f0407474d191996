//! Waits for the end of a run and reports what happens until then.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use argo::NodePhase;
use cli_support::output;
use contract::{Exit, Failure};
use jiff::Timestamp;
use runs::{Backend, NodeWaiting, Run, RunModel, workflow_flag};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{args::Format, view::text};

/// How long the engine may be unreachable.
const MAX_UNREACHABLE: Duration = Duration::from_mins(5);

/// Waits until the run has ended, or until the limit. The run does not need this process: Ctrl-C
/// ends the waiting and not the migration.
pub(crate) async fn until_end(
    backend: &dyn Backend,
    run: &Run,
    limit: Option<Duration>,
    interval: f64,
    format: Format,
) -> anyhow::Result<Exit> {
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(2));
    let started = Instant::now();
    let mut reporter = Reporter::default();
    let mut interrupt = Interrupt::listen()?;
    let mut unreachable_since: Option<Instant> = None;
    loop {
        let model = match backend.model(run).await {
            Ok(model) => model,
            // The run does not end because its engine cannot be reached for a while.
            Err(error)
                if error.exit() == Exit::Temporary
                    && unreachable_since.is_none_or(|since| since.elapsed() < MAX_UNREACHABLE) =>
            {
                if unreachable_since.is_none() {
                    reporter.clear();
                    output::message(&format!("{}; trying again", Failure::from(error)));
                }
                unreachable_since.get_or_insert_with(Instant::now);
                if interrupt.came_within(interval).await {
                    return Ok(Exit::Interrupted);
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        unreachable_since = None;
        reporter.report(&model, backend.now());
        let exit = if model.has_ended() {
            Some(if model.phase == NodePhase::Succeeded { Exit::Done } else { Exit::Failed })
        } else if let Some(trouble) = &model.trouble {
            output::message(&format!("workflow `{}`: {}", run.name, trouble.message));
            Some(Exit::Failed)
        } else if limit.is_some_and(|limit| started.elapsed() >= limit) {
            output::message(&format!("timed out: workflow `{}` is still running", run.name));
            Some(Exit::TimedOut)
        } else {
            let left = limit.map_or(interval, |limit| limit.saturating_sub(started.elapsed()));
            interrupt.came_within(interval.min(left)).await.then(|| {
                reporter.clear();
                output::message(&format!(
                    "interrupted: workflow `{}` continues without this terminal; `workflow stop \
                     {}` ends it",
                    run.name, run.name
                ));
                Exit::Interrupted
            })
        };
        let Some(exit) = exit else { continue };
        match format {
            Format::Json => output::json(&model)?,
            Format::Text if model.has_ended() => {
                output::result(&format!("\n{}", text::render(&model, backend.now())))?;
            }
            Format::Text => {}
        }
        output::hint(&model.next_command);
        return Ok(exit);
    }
}

/// Ctrl-C, and the signal that ends processes.
struct Interrupt {
    keyboard: Signal,
    end: Signal,
}

impl Interrupt {
    fn listen() -> anyhow::Result<Self> {
        let keyboard = signal(SignalKind::interrupt())?;
        Ok(Self { keyboard, end: signal(SignalKind::terminate())? })
    }

    /// Sleeps; returns early, and `true`, when a signal comes.
    async fn came_within(&mut self, pause: Duration) -> bool {
        let Self { keyboard, end } = self;
        tokio::select! {
            _ = keyboard.recv() => true,
            _ = end.recv() => true,
            () = tokio::time::sleep(pause) => false,
        }
    }
}

/// Reports each change once.
#[derive(Default)]
struct Reporter {
    phases: BTreeMap<String, NodePhase>,
    gates: BTreeSet<String>,
    bar: Option<indicatif::ProgressBar>,
}

impl Reporter {
    fn report(&mut self, model: &RunModel, now: Timestamp) {
        let changes = self.changes(model);
        if !changes.is_empty() || model.has_ended() {
            self.clear();
        }
        for line in changes {
            output::message(&line);
        }
        for gate in model.waiting_gates() {
            if self.gates.insert(gate.name.clone()) {
                let flag = workflow_flag(&model.name);
                output::message(&format!(
                    "waiting for approval: workflow approve step {}{flag}",
                    gate.name
                ));
            }
        }
        self.show(&running(model, now).join("   "));
    }

    /// Returns a line for each step whose phase changed.
    fn changes(&mut self, model: &RunModel) -> Vec<String> {
        let mut changes = Vec::new();
        for (position, node) in model.nodes.iter().enumerate().skip(1) {
            let before = self.phases.insert(node.name.clone(), node.phase);
            let has_changed = before != Some(node.phase) && node.phase != NodePhase::Pending;
            if has_changed && node.is_leaf(position) && !node.is_waiting_gate() {
                changes.push(text::line(node));
            }
        }
        changes
    }

    /// Shows the running steps in one line that is overwritten, on a terminal only.
    fn show(&mut self, running: &str) {
        if running.is_empty() || !std::io::stderr().is_terminal() {
            return self.clear();
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(running.to_owned());
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Returns what the running steps have done or wait for.
fn running(model: &RunModel, now: Timestamp) -> Vec<String> {
    let running = model.nodes.iter().filter(|node| node.phase == NodePhase::Running);
    running
        .filter_map(|node| {
            let waiting = match &node.waiting {
                Some(waiting @ NodeWaiting::Request(_)) => Some(waiting.phrase(now)),
                _ => None,
            };
            let progress = node.progress.as_ref().map(ToString::to_string);
            let text = waiting.or(progress).filter(|text| !text.is_empty())?;
            Some(format!("{}: {text}", node.display_name))
        })
        .collect()
}
