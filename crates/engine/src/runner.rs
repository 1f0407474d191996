//! One engine at work on one run: decide, start and watch processes, write it down, wait.
//!
//! ```text
//!   +--> read what others wrote --> operate --> append --> supervise processes --+
//!   |                                                                            |
//!   +------- wait: a process ended | somebody wrote (poll) | a time came --------+
//! ```

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Duration};

use argo::WorkflowStatus;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::{
    clock::Clock,
    journal::{Append, Journal, JournalError, NodeProgress, Sequence},
    launch::{Launcher, ProcessResult, Programs, Signal},
    leftover, lock,
    operate::operate,
    prepare::ProgressFiles,
    process::Processes,
    program::Program,
    secrets::Secrets,
    state::{Entry, ProcessEnd, RunIdentity, RunState},
    status,
    store::{Store, error::StoreError},
};

/// How an engine works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs that stand for images.
    pub programs: Programs,
    /// What every process inherits, beside the environment of its manifest.
    pub child_env: BTreeMap<String, String>,
    /// How often to look for what people want.
    pub poll: Duration,
    /// How long a process that was asked to end may take before it is forced to.
    pub grace: Duration,
    /// The wait after the first failed worker of a Job; it doubles with each, up to a minute.
    pub job_backoff: Duration,
}

impl Options {
    /// The usual timing, and an empty environment.
    pub fn new(programs: Programs) -> Self {
        Self {
            programs,
            child_env: BTreeMap::new(),
            poll: Duration::from_millis(200),
            grace: Duration::from_secs(30),
            job_backoff: Duration::from_secs(1),
        }
    }
}

/// What an engine returns when it stops.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineOutcome {
    /// The run has ended.
    Finished(WorkflowStatus),
    /// The engine was interrupted; the run can be continued.
    Interrupted(WorkflowStatus),
}

/// An engine that cannot work.
#[derive(Debug, Error)]
pub enum RunError {
    /// Another one works on the run.
    #[error("another engine is already running this workflow")]
    AlreadyRunning,
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal.
    #[error("the engine cannot write down what it does and stops; the run can be resumed")]
    Journal(#[from] JournalError),
    /// Files or processes.
    #[error("the engine cannot use the files or processes of the run")]
    Files(#[from] io::Error),
}

/// Runs a run until it ends or `interrupt` does. Of two engines at once, the second gets
/// [`RunError::AlreadyRunning`].
pub async fn run(
    store: &Store,
    uid: &str,
    options: Options,
    interrupt: impl Future<Output = ()>,
) -> Result<EngineOutcome, RunError> {
    let folder = store.run_folder(uid);
    let program = store.program(uid)?;
    let lock = {
        let folder = folder.clone();
        let taken = tokio::task::spawn_blocking(move || lock::take(&folder)).await;
        taken.map_err(io::Error::other)??
    };
    let Some(_lock) = lock else { return Err(RunError::AlreadyRunning) };
    // As every process of the run will name it.
    let folder = fs_err::canonicalize(folder)?;
    let (state, _) = store.load(uid)?;
    if state.is_complete() {
        return Ok(EngineOutcome::Finished(status::workflow_status(&state, &BTreeMap::new())));
    }
    leftover::end_leftovers(&folder, options.grace).await?;
    let launcher = Arc::new(Processes { clock: store.clock().clone() });
    let border = Border {
        journal: Box::new(store.journal(uid)),
        launcher,
        clock: store.clock().clone(),
        secrets: store.secrets(),
        folder,
    };
    run_with(&program, state.identity, options, border, interrupt).await
}

/// What an engine touches of the world.
pub(crate) struct Border {
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) folder: PathBuf,
}

/// As [`run`], with a given border to the world, and without the lock.
pub(crate) async fn run_with(
    program: &Program,
    identity: RunIdentity,
    options: Options,
    border: Border,
    interrupt: impl Future<Output = ()>,
) -> Result<EngineOutcome, RunError> {
    let (events, mut ended) = mpsc::unbounded_channel();
    let mut engine = Engine {
        program,
        options,
        state: RunState::new(identity),
        last: 0,
        running: BTreeMap::new(),
        plans: BTreeMap::new(),
        told: BTreeMap::new(),
        listened_at: None,
        events,
        wake_at: None,
        border,
    };
    tokio::pin!(interrupt);
    let stopped = engine.work(&mut ended, interrupt).await;
    if !matches!(stopped, Ok(StopReason::Finished)) {
        engine.interrupt(&mut ended).await;
    }
    Ok(match stopped? {
        StopReason::Finished => EngineOutcome::Finished(engine.status()),
        StopReason::Interrupted => EngineOutcome::Interrupted(engine.status()),
    })
}

/// Why an engine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopReason {
    Finished,
    Interrupted,
}

/// Whether something changed that may let more happen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    No,
}

/// A process of a node: the node's id and the worker's number.
pub(crate) type ProcessKey = (String, u32);

/// A process has ended.
#[derive(Debug)]
pub(crate) struct ProcessEvent {
    pub(crate) key: ProcessKey,
    pub(crate) result: ProcessResult,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) signals: mpsc::UnboundedSender<Signal>,
    /// Where it tells its progress.
    pub(crate) progress: ProgressFiles,
    /// Why and when it was asked to end.
    pub(crate) asked: Option<(Reason, Timestamp)>,
}

/// Why a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The run is being ended.
    Shutdown,
    /// It took longer than it may.
    Deadline,
    /// Its Job has ended.
    Job,
}

pub(crate) struct Engine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) options: Options,
    pub(crate) state: RunState,
    last: Sequence,
    pub(crate) running: BTreeMap<ProcessKey, Running>,
    /// Job manifests that were read, by node.
    pub(crate) plans: BTreeMap<String, crate::job::JobPlan>,
    /// The progress that was last written down, by node.
    pub(crate) told: BTreeMap<String, NodeProgress>,
    /// When the progress of all steps was last read.
    pub(crate) listened_at: Option<Timestamp>,
    pub(crate) events: mpsc::UnboundedSender<ProcessEvent>,
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) border: Border,
}

impl Engine<'_> {
    /// Works until the run has ended, or somebody interrupts.
    async fn work(
        &mut self,
        ended: &mut mpsc::UnboundedReceiver<ProcessEvent>,
        mut interrupt: impl Future<Output = ()> + Unpin,
    ) -> Result<StopReason, RunError> {
        self.catch_up()?;
        self.forget_lost_processes()?;
        loop {
            self.decide()?;
            if self.state.is_complete() && self.running.is_empty() {
                return Ok(StopReason::Finished);
            }
            if self.supervise()? == Changed::Yes {
                continue;
            }
            self.take_progress();
            let wait = self.time_to_wait();
            tokio::select! {
                event = ended.recv() => {
                    if let Some(event) = event {
                        self.process_ended(event)?;
                    }
                    while let Ok(event) = ended.try_recv() {
                        self.process_ended(event)?;
                    }
                }
                () = tokio::time::sleep(wait) => {}
                () = &mut interrupt => return Ok(StopReason::Interrupted),
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.border.clock.now()
    }

    pub(crate) fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Takes in what others wrote.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        for (sequence, entry) in self.border.journal.entries_after(self.last)? {
            self.state.apply(&entry);
            self.last = sequence;
        }
        Ok(())
    }

    /// Decides with everything known; what was decided with less is thrown away.
    fn decide(&mut self) -> Result<(), JournalError> {
        loop {
            self.catch_up()?;
            let now = self.now();
            let decided = operate(self.program, &mut self.state, now);
            self.wake_at = decided.wake_at;
            if decided.entries.is_empty() {
                return Ok(());
            }
            match self.border.journal.append(self.last, &decided.entries)? {
                Append::Written(last) => {
                    self.last = last;
                    return Ok(());
                }
                Append::Behind => {
                    self.state = RunState::new(self.state.identity.clone());
                    self.last = 0;
                }
            }
        }
    }

    /// Writes down what happened, whatever others wrote meanwhile.
    pub(crate) fn record(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        loop {
            if let Append::Written(last) = self.border.journal.append(self.last, entries)? {
                self.last = last;
                for entry in entries {
                    self.state.apply(entry);
                }
                return Ok(());
            }
            self.catch_up()?;
        }
    }

    /// Processes of an engine before this one are gone: they count neither way, and are started
    /// again.
    fn forget_lost_processes(&mut self) -> Result<(), JournalError> {
        let at = self.now();
        let lost: Vec<Entry> = self
            .state
            .nodes
            .values()
            .flat_map(|node| node.processes.keys().map(|worker| (node.id.clone(), *worker)))
            .map(|(node, worker)| Entry::ProcessEnded { node, worker, end: ProcessEnd::Lost, at })
            .collect();
        if lost.is_empty() { Ok(()) } else { self.record(&lost) }
    }

    fn time_to_wait(&self) -> Duration {
        let until = self.wake_at.map(|at| at.duration_since(self.now()));
        let until = until.map(|wait| Duration::try_from(wait).unwrap_or(Duration::ZERO));
        let least = Duration::from_millis(1);
        until.map_or(self.options.poll, |wait| wait.clamp(least, self.options.poll.max(least)))
    }

    fn status(&self) -> WorkflowStatus {
        status::workflow_status(&self.state, &self.told)
    }

    /// Ends all processes without writing anything: the run goes on when it is resumed.
    async fn interrupt(&mut self, ended: &mut mpsc::UnboundedReceiver<ProcessEvent>) {
        for running in self.running.values() {
            let _gone = running.signals.send(Signal::Ask);
        }
        let all = async {
            while !self.running.is_empty() {
                let Some(event) = ended.recv().await else { break };
                self.running.remove(&event.key);
            }
        };
        if tokio::time::timeout(self.options.grace, all).await.is_ok() {
            return;
        }
        for running in self.running.values() {
            let _gone = running.signals.send(Signal::Force);
        }
        while !self.running.is_empty() {
            let Some(event) = ended.recv().await else { break };
            self.running.remove(&event.key);
        }
    }
}
