//! What runs are there, how are they, and what do people want of them? The state directory.
//!
//! ```text
//! <state>/
//!   argosy.db                  runs, journal, progress (SQLite, write-ahead log)
//!   secrets/<name>/<key>       see `secrets`
//!   runs/<uid>/
//!     engine.lock              locked while an engine is at work
//!     logs/<node id>.log       see `logs`
//!     <node id>/               files of a node: its volumes and progress
//! ```
//!
//! Every method opens a short transaction; an engine in another process sees what was written at
//! its next look.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argo::{Manifest, NodePhase, WorkflowStatus};
use contract::Progress;
use fs_err as fs;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use thiserror::Error;

use crate::{
    clock::Clock,
    database,
    fleet::{self, Fleet},
    gates::{self, Decided, Gate, GateState},
    journal::{self, Append, Journal, JournalError, NodeProgress, Sequence},
    lock::{self, EngineLock, Locked},
    logs::{self, LogFile},
    node::Pause,
    program::{self, Program},
    record::{RUN_COLUMNS, RunRecord, run_row},
    refusal::Refusal,
    reopen,
    runner::LOCK_TRIES,
    secrets::Secrets,
    state::{Entry, GateAnswer, RunIdentity, RunState, Shutdown, Verdict},
    status,
};

/// A state directory.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    clock: Clock,
    database: Arc<Mutex<Connection>>,
    /// The run that was last folded: a status that is shown again needs only what is new.
    last_folded: Arc<Mutex<Option<Folded>>>,
}

/// A run's journal, folded up to a place.
#[derive(Debug)]
struct Folded {
    state: RunState,
    last: Sequence,
}

/// What a person wants to run.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The run's name; the Workflow manifest must have the same.
    pub name: String,
    /// A new id, of letters, digits and `-`.
    pub uid: String,
    /// The compiled manifests.
    pub manifests: Vec<Manifest>,
    /// When.
    pub created_at: Timestamp,
    /// What to do when a run of that name has not ended.
    pub existing: Existing,
}

/// What to do when a run of the same name has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail with [`StoreError::Conflict`].
    Refuse,
    /// End it in the same transaction; fails if its engine is alive (stop it first).
    Abandon,
}

/// The status of a run, with what its steps told about their progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunStatus {
    /// Phases and nodes as Argo has them.
    pub status: WorkflowStatus,
    /// Progress in detail, by node id.
    pub progress: BTreeMap<String, Progress>,
    /// How it was asked to end, if it was.
    pub shutdown: Option<Shutdown>,
}

/// A state directory that does not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory.
    #[error("the state directory cannot be used")]
    Files(#[from] io::Error),
    /// The database.
    #[error("the state database failed; is the disk full, or the state directory read-only?")]
    Database(#[from] rusqlite::Error),
    /// The database is of a later version.
    #[error(
        "the state directory was written by a newer version (its tables are of version {0}); use that version"
    )]
    Version(i64),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The manifests cannot be run here.
    #[error("the manifests cannot be run here: {}", list(.0))]
    Refused(Vec<Refusal>),
    /// The Workflow has another name, or the id could leave the state directory.
    #[error("the submission does not fit its manifests: {0}")]
    Submission(String),
    /// A run of that name has not ended.
    #[error(
        "workflow `{name}` is already there and has not ended; stop it or wait for it, then submit again"
    )]
    Conflict {
        /// The name.
        name: String,
        /// The id of the run that is there.
        uid: String,
    },
    /// An engine is at work on the run.
    #[error("an engine is running workflow `{name}`; stop it first with `workflow stop`")]
    EngineAlive {
        /// The name.
        name: String,
    },
    /// The run did not fail.
    #[error(
        "workflow `{name}` is {phase}; only one that failed can be gone on with, `workflow submit` starts it anew"
    )]
    NotFailed {
        /// The name.
        name: String,
        /// How far it is.
        phase: NodePhase,
    },
    /// Somebody submitted that name again after the run.
    #[error("workflow `{name}` was submitted again since; the newer run is `{uid}`")]
    Superseded {
        /// The name.
        name: String,
        /// The id of the newer run.
        uid: String,
    },
    /// There is no such run.
    #[error("there is no run `{0}`; `workflow status --all` lists what there is")]
    NotFound(String),
    /// Stored values of another version.
    #[error("the state of run `{uid}` cannot be read; was it written by another version?")]
    Stored {
        /// The run.
        uid: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Store {
    /// Opens the state directory, which is made if it is not there.
    pub fn open(folder: impl Into<PathBuf>, clock: Clock) -> Result<Self, StoreError> {
        let folder = folder.into();
        // Names of clusters and indices are nobody else's business.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let database = database::open(&folder.join("argosy.db"))?;
        let database = Arc::new(Mutex::new(database));
        Ok(Self { folder, clock, database, last_folded: Arc::default() })
    }

    /// Returns the clock that this store was opened with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the secrets of this state directory.
    pub fn secrets(&self) -> Secrets {
        Secrets::in_folder(self.folder.join("secrets"))
    }

    /// Returns the folder of a run.
    pub fn run_folder(&self, uid: &str) -> PathBuf {
        self.folder.join("runs").join(uid)
    }

    /// Takes a run in; nothing runs yet. Of two at once with one name, one wins.
    pub fn submit(&self, submission: Submission) -> Result<RunRecord, StoreError> {
        let Submission { name, uid, manifests, created_at, existing } = submission;
        let program = program::check(&manifests).map_err(StoreError::Refused)?;
        if program.name() != name {
            let message = format!("the Workflow is named `{}`, not `{name}`", program.name());
            return Err(StoreError::Submission(message));
        }
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if uid.is_empty() || !uid.chars().all(fits) {
            return Err(StoreError::Submission(format!("`{uid}` is not an id")));
        }
        let to_json = |source| StoreError::Stored { uid: uid.clone(), source };
        let manifests = serde_json::to_string(&manifests).map_err(to_json)?;

        let mut database = self.database();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let live: Option<String> = transaction
            .query_row("SELECT uid FROM runs WHERE name = ?1 AND live = 1", params![name], |row| {
                row.get(0)
            })
            .optional()?;
        let lock = match live {
            None => None,
            Some(live) if existing == Existing::Refuse => {
                return Err(StoreError::Conflict { name, uid: live });
            }
            Some(live) => {
                let lock = self.lock_without_engine(&live, &name)?;
                transaction.execute(
                    "UPDATE runs SET live = 0, phase = ?2, finished_at = ?3, \
                     message = 'abandoned for a new submission' WHERE uid = ?1",
                    params![live, NodePhase::Error.as_str(), created_at.to_string()],
                )?;
                Some(lock)
            }
        };
        transaction.execute(
            "INSERT INTO runs (uid, name, created_at, phase, live, manifests) \
             VALUES (?1, ?2, ?3, ?4, 1, ?5)",
            params![uid, name, created_at.to_string(), NodePhase::Pending.as_str(), manifests],
        )?;
        transaction.commit()?;
        // Until now no engine could start on the run that was abandoned.
        drop(lock);
        drop(database);
        Ok(RunRecord {
            uid,
            name,
            created_at,
            started_at: None,
            finished_at: None,
            phase: NodePhase::Pending,
            message: None,
        })
    }

    /// Returns all runs, the newest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let database = self.database();
        let mut statement = database
            .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY number DESC"))?;
        let rows = statement.query_map([], run_row)?;
        rows.map(|row| row?.into_record()).collect()
    }

    /// Returns the newest run of a name.
    pub fn run(&self, name: &str) -> Result<RunRecord, StoreError> {
        let sql =
            format!("SELECT {RUN_COLUMNS} FROM runs WHERE name = ?1 ORDER BY number DESC LIMIT 1");
        self.one_run(&sql, name)
    }

    /// Returns the run of a uid.
    pub fn run_by_uid(&self, uid: &str) -> Result<RunRecord, StoreError> {
        self.one_run(&format!("SELECT {RUN_COLUMNS} FROM runs WHERE uid = ?1"), uid)
    }

    /// Returns the status of a run, with the progress of its steps.
    pub fn status(&self, uid: &str) -> Result<RunStatus, StoreError> {
        let (state, _) = self.load(uid)?;
        let reports = self.reports(uid)?;
        let progress = reports
            .iter()
            .filter_map(|(node, report)| {
                let detail = report.detail.as_deref()?;
                Some((node.clone(), serde_json::from_str(detail).ok()?))
            })
            .collect();
        Ok(RunStatus {
            status: status::workflow_status(&state, &reports),
            progress,
            shutdown: state.shutdown,
        })
    }

    /// Returns whether an engine is at work on the run.
    pub fn is_engine_alive(&self, uid: &str) -> Result<bool, StoreError> {
        Ok(lock::is_taken(&self.run_folder(uid))?)
    }

    /// Returns the gates of a run, in the order of its templates.
    pub fn gates(&self, uid: &str) -> Result<Vec<Gate>, StoreError> {
        let program = self.program(uid)?;
        let (state, _) = self.load(uid)?;
        Ok(gates::gates(&program, &state))
    }

    /// Answers a gate. Of two people at once, one wins and the other gets
    /// [`Decided::NotWaiting`] with the winner's answer.
    pub fn decide(
        &self,
        uid: &str,
        gate: &str,
        verdict: Verdict,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Decided, StoreError> {
        let program = self.program(uid)?;
        loop {
            let (state, last) = self.load(uid)?;
            let Some(place) = program.gates().iter().find(|place| place.name == gate) else {
                return Ok(Decided::Unknown);
            };
            let known = gates::gates(&program, &state);
            let Some(stands) = known.into_iter().find(|known| known.name == gate) else {
                return Ok(Decided::Unknown);
            };
            let entry = gates::decision_entry(place, &state);
            let decided = match (stands.state, verdict) {
                (GateState::Waiting, _) => Decided::Recorded,
                (GateState::Pending, Verdict::Approved) if entry.is_some() => {
                    Decided::ApprovedInAdvance
                }
                _ => return Ok(Decided::NotWaiting(stands)),
            };
            let answer = GateAnswer {
                verdict,
                by: by.to_owned(),
                at: self.clock.now(),
                reason: reason.map(str::to_owned),
            };
            let nodes = gates::waiting_nodes(gate, &state);
            let entry = Entry::GateAnswered { gate: gate.to_owned(), answer, nodes, entry };
            if self.append(uid, last, &[entry])? != Append::Behind {
                return Ok(decided);
            }
        }
    }

    /// Asks for the end of a run; its engine sees it at its next look. Returns whether there was
    /// anything to end.
    pub fn request_stop(&self, uid: &str, shutdown: Shutdown) -> Result<bool, StoreError> {
        self.append_unless_complete(uid, || Entry::ShutdownRequested {
            shutdown,
            at: self.clock.now(),
        })
    }

    /// Makes a run that failed ready to be gone on with: an engine that runs it then makes only
    /// what did not succeed. Returns the display names of what failed and is tried again.
    pub fn reopen(&self, uid: &str) -> Result<Vec<String>, StoreError> {
        let program = self.program(uid)?;
        // Held to the end: no engine starts meanwhile.
        let _lock = self.lock_without_engine(uid, program.name())?;
        loop {
            let (state, last) = self.load(uid)?;
            let name = state.identity.name.clone();
            if !state.phase.is_failure() {
                return Err(StoreError::NotFailed { name, phase: state.phase });
            }
            let (nodes, again) = reopen::plan_of(&program, &state);
            let removed = nodes.removed.clone();
            let entry = Entry::RunReopened { nodes, at: self.clock.now() };

            let mut database = self.database();
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let newest: String = transaction.query_row(
                "SELECT uid FROM runs WHERE name = ?1 ORDER BY number DESC LIMIT 1",
                params![name],
                |row| row.get(0),
            )?;
            if newest != uid {
                return Err(StoreError::Superseded { name, uid: newest });
            }
            if journal::append_within(&transaction, uid, last, &[entry])? == Append::Behind {
                continue;
            }
            for node in &removed {
                transaction.execute(
                    "DELETE FROM progress WHERE uid = ?1 AND node = ?2",
                    params![uid, node],
                )?;
            }
            transaction.commit()?;
            return Ok(again);
        }
    }

    /// Takes the lock of a run. Who looks whether an engine is alive holds it for a moment too.
    fn lock_without_engine(&self, uid: &str, name: &str) -> Result<EngineLock, StoreError> {
        for _ in 0..LOCK_TRIES {
            if let Locked::Ours(lock) = lock::take(&self.run_folder(uid))? {
                return Ok(lock);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Err(StoreError::EngineAlive { name: name.to_owned() })
    }

    /// Returns the Jobs of a run, in the order in which their nodes were made.
    pub fn fleets(&self, uid: &str) -> Result<Vec<Fleet>, StoreError> {
        let (state, _) = self.load(uid)?;
        Ok(fleet::fleets(&state))
    }

    /// Asks for another number of workers of a Job node, or for a pause. Returns whether there
    /// was anything to change.
    pub fn change_job(
        &self,
        uid: &str,
        node: &str,
        parallelism: Option<u32>,
        pause: Option<Pause>,
    ) -> Result<bool, StoreError> {
        let (state, _) = self.load(uid)?;
        if state.nodes.get(node).is_none_or(crate::node::Node::is_fulfilled) {
            return Ok(false);
        }
        let node = node.to_owned();
        self.append_unless_complete(uid, || Entry::JobChanged {
            node: node.clone(),
            parallelism,
            pause,
        })
    }

    /// Returns the log files of a run, in the order in which their nodes were made.
    pub fn log_files(&self, uid: &str) -> Result<Vec<LogFile>, StoreError> {
        let (state, _) = self.load(uid)?;
        Ok(logs::files(&self.run_folder(uid), &state)?)
    }

    /// Forgets a run and removes its files; fails while an engine is at work on it.
    pub fn forget(&self, uid: &str) -> Result<(), StoreError> {
        let run = self.run_by_uid(uid)?;
        let folder = self.run_folder(uid);
        // Held to the end: no engine starts meanwhile.
        let _lock = self.lock_without_engine(uid, &run.name)?;
        let mut database = self.database();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for table in ["progress", "journal", "runs"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE uid = ?1"), params![uid])?;
        }
        transaction.commit()?;
        drop(database);
        *self.last_folded.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Returns the manifests of a run, as they were submitted.
    pub fn manifests(&self, uid: &str) -> Result<Vec<Manifest>, StoreError> {
        let text: Option<String> = self
            .database()
            .query_row("SELECT manifests FROM runs WHERE uid = ?1", params![uid], |row| row.get(0))
            .optional()?;
        let text = text.ok_or_else(|| StoreError::NotFound(uid.to_owned()))?;
        let stored = |source| StoreError::Stored { uid: uid.to_owned(), source };
        let values: Vec<serde_json::Value> = serde_json::from_str(&text).map_err(stored)?;
        values.into_iter().map(|value| Manifest::from_value(value).map_err(stored)).collect()
    }

    pub(crate) fn program(&self, uid: &str) -> Result<Program, StoreError> {
        program::check(&self.manifests(uid)?).map_err(StoreError::Refused)
    }

    /// Folds the journal of a run.
    pub(crate) fn load(&self, uid: &str) -> Result<(RunState, Sequence), StoreError> {
        let RunRecord { uid, name, created_at, phase, message, finished_at, .. } =
            self.run_by_uid(uid)?;
        let mut folded = self.last_folded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = folded.take().filter(|known| known.state.identity.uid == uid);
        let mut known = known.unwrap_or_else(|| Folded {
            state: RunState::new(RunIdentity { name, uid, created_at }),
            last: 0,
        });
        let uid = known.state.identity.uid.clone();
        for (sequence, entry) in journal::read(&self.database(), &uid, known.last)? {
            known.state.apply(&entry);
            known.last = sequence;
        }
        let (mut state, last) = (known.state.clone(), known.last);
        *folded = Some(known);
        drop(folded);
        if let Some(at) = finished_at
            && !state.is_complete()
        {
            // Abandoned: no engine wrote the end.
            state.apply(&Entry::RunEnded { phase, message, at });
        }
        Ok((state, last))
    }

    /// Returns the journal of a run, as its engine uses it.
    pub(crate) fn journal(&self, uid: &str) -> StoredJournal {
        StoredJournal { store: self.clone(), uid: uid.to_owned() }
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot have left the connection half changed: a transaction that was
        // not committed is rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, uid: &str, after: Sequence, entries: &[Entry]) -> Result<Append, StoreError> {
        Ok(journal::append(&mut self.database(), uid, after, entries)?)
    }

    fn append_unless_complete(
        &self,
        uid: &str,
        entry: impl Fn() -> Entry,
    ) -> Result<bool, StoreError> {
        loop {
            let (state, last) = self.load(uid)?;
            if state.is_complete() {
                return Ok(false);
            }
            if self.append(uid, last, &[entry()])? != Append::Behind {
                return Ok(true);
            }
        }
    }

    fn reports(&self, uid: &str) -> Result<BTreeMap<String, NodeProgress>, StoreError> {
        let database = self.database();
        let mut statement =
            database.prepare_cached("SELECT node, detail, count FROM progress WHERE uid = ?1")?;
        let rows = statement.query_map(params![uid], |row| {
            Ok((row.get(0)?, NodeProgress { detail: row.get(1)?, count: row.get(2)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn one_run(&self, sql: &str, key: &str) -> Result<RunRecord, StoreError> {
        let row = self.database().query_row(sql, params![key], run_row).optional()?;
        row.ok_or_else(|| StoreError::NotFound(key.to_owned()))?.into_record()
    }
}

/// The journal of one run in a store.
#[derive(Debug)]
pub(crate) struct StoredJournal {
    store: Store,
    uid: String,
}

impl Journal for StoredJournal {
    fn entries_after(&mut self, after: Sequence) -> Result<Vec<(Sequence, Entry)>, JournalError> {
        journal::read(&self.store.database(), &self.uid, after)
    }

    fn append(&mut self, after: Sequence, entries: &[Entry]) -> Result<Append, JournalError> {
        journal::append(&mut self.store.database(), &self.uid, after, entries)
    }

    fn report(&mut self, node: &str, progress: &NodeProgress) -> Result<(), JournalError> {
        let NodeProgress { detail, count } = progress;
        self.store
            .database()
            .prepare_cached(
                "INSERT INTO progress (uid, node, detail, count) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (uid, node) DO UPDATE SET detail = ?3, count = ?4",
            )?
            .execute(params![self.uid, node, detail, count])?;
        Ok(())
    }
}

/// Returns the folder of the logs of a run.
pub(crate) fn log_folder(run_folder: &Path) -> PathBuf {
    run_folder.join("logs")
}
