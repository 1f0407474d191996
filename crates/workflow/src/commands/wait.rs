//! Waits for the end of a run and tells what happens on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use argo::NodePhase;
use contract::{Exit, exit::exit_of};
use runs::{Backend, Branch, Run, workflow_flag};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use super::status;
use crate::{
    args::Format,
    output,
    view::{look::Look, text},
};

/// How long what runs the workflow may be away.
const AWAY_WITHIN: Duration = Duration::from_mins(5);

/// Waits until the run has ended, or until the limit. The run does not need us: Ctrl-C ends the
/// waiting and not the migration, and says so.
pub(crate) fn until_end(
    backend: &dyn Backend,
    run: &Run,
    limit: Option<Duration>,
    interval: f64,
    format: Format,
) -> anyhow::Result<Exit> {
    let interval = Duration::try_from_secs_f64(interval).unwrap_or(Duration::from_secs(2));
    let started = Instant::now();
    let mut told = Told::default();
    let mut interrupt = Interrupt::listen()?;
    let mut away_since: Option<Instant> = None;
    loop {
        let look = match status::look(backend, run) {
            Ok(look) => look,
            // The run does not end because its engine cannot be asked for a while.
            Err(error)
                if exit_of(&error) == Exit::Temporary
                    && away_since.is_none_or(|since| since.elapsed() < AWAY_WITHIN) =>
            {
                if away_since.is_none() {
                    told.clear();
                    output::message(&format!("{error:#}; trying again"));
                }
                away_since.get_or_insert_with(Instant::now);
                if interrupt.came_within(interval) {
                    return Ok(Exit::Interrupted);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        away_since = None;
        told.tell(&look);
        let ended = if look.status.phase.is_complete() {
            let succeeded = look.status.phase == NodePhase::Succeeded;
            Some(if succeeded { Exit::Done } else { Exit::Failed })
        } else if let Some(trouble) = &look.trouble {
            output::message(&format!("workflow `{}`: {}", run.name, trouble.message));
            Some(Exit::Failed)
        } else if limit.is_some_and(|limit| started.elapsed() >= limit) {
            output::message(&format!("timed out: workflow `{}` still runs", run.name));
            Some(Exit::TimedOut)
        } else {
            let left = limit.map_or(interval, |limit| limit.saturating_sub(started.elapsed()));
            interrupt.came_within(interval.min(left)).then(|| {
                told.clear();
                output::message(&format!(
                    "interrupted: workflow `{}` goes on without this terminal; `workflow stop {}` \
                     ends it",
                    run.name, run.name
                ));
                Exit::Interrupted
            })
        };
        let Some(exit) = ended else { continue };
        match format {
            Format::Json => output::json(&look.json())?,
            Format::Text if look.status.phase.is_complete() => {
                output::result(&format!("\n{}", look.text()))?;
            }
            Format::Text => {}
        }
        output::hint(&look.next_command());
        return Ok(exit);
    }
}

/// Ctrl-C, and the signal that ends processes.
struct Interrupt {
    runtime: Runtime,
    keyboard: Signal,
    end: Signal,
}

impl Interrupt {
    fn listen() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        let (keyboard, end) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, keyboard, end })
    }

    /// Sleeps; returns early, and `true`, when a signal comes.
    fn came_within(&mut self, pause: Duration) -> bool {
        let Self { runtime, keyboard, end } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = keyboard.recv() => true,
                _ = end.recv() => true,
                () = tokio::time::sleep(pause) => false,
            }
        })
    }
}

/// What was told already, so that only news is told.
#[derive(Default)]
struct Told {
    phases: BTreeMap<String, NodePhase>,
    gates: BTreeSet<String>,
    bar: Option<indicatif::ProgressBar>,
}

impl Told {
    fn tell(&mut self, look: &Look) {
        let mut running = Vec::new();
        let news = self.news(&look.branches, &mut running);
        if !news.is_empty() || look.status.phase.is_complete() {
            self.clear();
        }
        for line in news {
            output::message(&line);
        }
        for gate in look.waiting() {
            if self.gates.insert(gate.name.clone()) {
                let flag = workflow_flag(&look.name);
                output::message(&format!(
                    "waiting for approval: workflow approve step {}{flag}",
                    gate.name
                ));
            }
        }
        self.show(&running.join("   "));
    }

    /// Returns a line for each step whose phase changed, and collects what runs.
    fn news(&mut self, branches: &[Branch], running: &mut Vec<String>) -> Vec<String> {
        let mut news = Vec::new();
        for branch in branches {
            let before = self.phases.insert(branch.name.clone(), branch.phase);
            let is_news = before != Some(branch.phase) && branch.phase != NodePhase::Pending;
            if is_news && branch.branches.is_empty() && !branch.is_waiting_gate() {
                news.push(text::line(branch));
            }
            if let (NodePhase::Running, Some(progress)) = (branch.phase, &branch.progress) {
                running.push(format!("{}: {progress}", branch.title));
            }
            news.extend(self.news(&branch.branches, running));
        }
        news
    }

    /// Shows what runs in one line that is written over, on a terminal only.
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
