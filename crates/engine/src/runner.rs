//! How does one engine run one run? It decides, supervises processes, records what happens, and
//! waits.
//!
//! ```text
//!   +--> read new entries ---> operate ---> append ---> supervise processes -----+
//!   |                                                                            |
//!   +------- wait: a process ended | poll interval | a deadline was reached -----+
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
    lock,
    operate::operate,
    orphans,
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
    /// The programs that run for images.
    pub programs: Programs,
    /// What every process inherits, beside the environment of its manifest.
    pub child_env: BTreeMap<String, String>,
    /// How often to check for decisions and stop requests.
    pub poll: Duration,
    /// How long a process may take to end after the request before it is killed.
    pub grace: Duration,
    /// The wait after the first failed worker of a Job; it doubles with each failure, up to a
    /// minute.
    pub job_backoff: Duration,
}

impl Options {
    /// Returns the default timing, and an empty environment for processes.
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
    #[error(
        "the engine cannot use its journal and stops; fix the cause, then run `workflow resume`"
    )]
    Journal(#[from] JournalError),
    /// Files or processes.
    #[error("the engine cannot use the files or start the processes of the run")]
    Files(#[from] io::Error),
}

/// Runs a run until it ends or `interrupt` does. Of two concurrent engines, the second one gets
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
    // The form in which every process of the run has it in its environment.
    let folder = fs_err::canonicalize(folder)?;
    let (state, _) = store.load(uid)?;
    if state.is_complete() {
        return Ok(EngineOutcome::Finished(status::workflow_status(&state, &BTreeMap::new())));
    }
    orphans::end_orphans(&folder, options.grace).await?;
    let launcher = Arc::new(Processes { clock: store.clock().clone() });
    let io = EngineIo {
        journal: Box::new(store.journal(uid)),
        launcher,
        clock: store.clock().clone(),
        secrets: store.secrets(),
        folder,
    };
    run_with(&program, state.identity, options, io, interrupt).await
}

/// Everything outside the engine that it reads and writes.
pub(crate) struct EngineIo {
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) folder: PathBuf,
}

/// As [`run`], without the lock, and with the given access to the outside.
pub(crate) async fn run_with(
    program: &Program,
    identity: RunIdentity,
    options: Options,
    io: EngineIo,
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
        reported: BTreeMap::new(),
        progress_read_at: None,
        events,
        wake_at: None,
        io,
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

/// Whether something changed after which more can be decided immediately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    No,
}

/// A process of a node: the node's id and the worker's number.
pub(crate) type ProcessKey = (String, u32);

/// The end of a process.
#[derive(Debug)]
pub(crate) struct ProcessEvent {
    pub(crate) key: ProcessKey,
    pub(crate) result: ProcessResult,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) signals: mpsc::UnboundedSender<Signal>,
    /// The files in which it reports its progress.
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
    /// The progress that was last stored, by node.
    pub(crate) reported: BTreeMap<String, NodeProgress>,
    /// When the progress of all steps was last read.
    pub(crate) progress_read_at: Option<Timestamp>,
    pub(crate) events: mpsc::UnboundedSender<ProcessEvent>,
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) io: EngineIo,
}

impl Engine<'_> {
    /// Works until the run has ended, or until an interrupt.
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
            self.read_progress();
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
        self.io.clock.now()
    }

    pub(crate) fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Reads the entries that other processes wrote.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        for (sequence, entry) in self.io.journal.entries_after(self.last)? {
            self.state.apply(&entry);
            self.last = sequence;
        }
        Ok(())
    }

    /// Decides with all entries; discards decisions that missed a newer entry.
    fn decide(&mut self) -> Result<(), JournalError> {
        loop {
            self.catch_up()?;
            let now = self.now();
            let decided = operate(self.program, &mut self.state, now);
            self.wake_at = decided.wake_at;
            if decided.entries.is_empty() {
                return Ok(());
            }
            match self.io.journal.append(self.last, &decided.entries)? {
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

    /// Records what happened, after any entries that others wrote meanwhile.
    pub(crate) fn record(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        loop {
            if let Append::Written(last) = self.io.journal.append(self.last, entries)? {
                self.last = last;
                for entry in entries {
                    self.state.apply(entry);
                }
                return Ok(());
            }
            self.catch_up()?;
        }
    }

    /// Records that the processes of an earlier engine are gone. They count neither as succeeded
    /// nor as failed, and are started again.
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
        status::workflow_status(&self.state, &self.reported)
    }

    /// Ends all processes without recording it: the run continues with the next engine.
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
