//! Which runs exist, how far are they, and what did people request? The state directory.
//!
//! ```text
//!   submit  gates  resume  logs  watch   what people ask for, each a part of `Store`
//!       \      |      |     /     /
//!             Store                  open; status, stop, forget; folds journals
//!         /     |      \
//!     runs   entries  progress       the tables, and all SQL
//! ```
//!
//! Every method opens a short transaction; an engine in another process sees what was written when
//! it polls next. A method may block its thread for as long as another process writes.

mod database;
mod entries;
pub(crate) mod error;
mod gates;
mod logs;
mod progress;
mod resume;
pub(crate) mod runs;
pub(crate) mod submit;
pub(crate) mod watch;

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use argo::{Manifest, WorkflowStatus};
use contract::Progress;
use fs_err as fs;
use rusqlite::{Connection, TransactionBehavior};

use self::{error::StoreError, runs::RunRecord};
use crate::{
    check,
    clock::Clock,
    journal::{Append, Journal, JournalError, NodeProgress, Sequence},
    layout,
    lock::{self, EngineLock},
    program::Program,
    secrets::Secrets,
    state::{Entry, RunIdentity, RunState, Shutdown},
    status,
};

/// A state directory.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    clock: Clock,
    database: Arc<Mutex<Connection>>,
    /// The run that was last folded: a status that is shown again needs only the new entries.
    last_folded: Arc<Mutex<Option<FoldedJournal>>>,
}

/// A run's journal, folded up to a place.
#[derive(Debug)]
struct FoldedJournal {
    state: RunState,
    last: Sequence,
}

/// The status of a run, with what its steps reported about their progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunStatus {
    /// Phases and nodes, as Argo has them.
    pub status: WorkflowStatus,
    /// Progress in detail, by node id.
    pub progress: BTreeMap<String, Progress>,
    /// How it was asked to end, if it was.
    pub shutdown: Option<Shutdown>,
}

impl Store {
    /// Opens the state directory, which is created if it is missing.
    pub fn open(folder: impl Into<PathBuf>, clock: Clock) -> Result<Self, StoreError> {
        let folder = folder.into();
        // Other users of the machine must not read names of clusters and indices.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let database = database::open(&layout::database(&folder))?;
        let database = Arc::new(Mutex::new(database));
        Ok(Self { folder, clock, database, last_folded: Arc::default() })
    }

    /// Returns the clock that this store was opened with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the secrets of this state directory.
    pub fn secrets(&self) -> Secrets {
        Secrets::in_folder(layout::secrets(&self.folder))
    }

    /// Returns the folder of a run.
    pub fn run_folder(&self, uid: &str) -> PathBuf {
        layout::run(&self.folder, uid)
    }

    /// Returns all runs, the newest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        runs::list(&self.database())
    }

    /// Returns the newest run of a name.
    pub fn run(&self, name: &str) -> Result<RunRecord, StoreError> {
        runs::newest(&self.database(), name)
    }

    /// Returns the run of a uid.
    pub fn run_by_uid(&self, uid: &str) -> Result<RunRecord, StoreError> {
        runs::by_uid(&self.database(), uid)
    }

    /// Returns the manifests of a run, as they were submitted.
    pub fn manifests(&self, uid: &str) -> Result<Vec<Manifest>, StoreError> {
        runs::manifests(&self.database(), uid)
    }

    /// Returns the status of a run, with the progress of its steps.
    pub fn status(&self, uid: &str) -> Result<RunStatus, StoreError> {
        let (state, _) = self.load(uid)?;
        let reports = progress::read(&self.database(), uid)?;
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

    /// Returns whether an engine works on the run.
    pub fn is_engine_alive(&self, uid: &str) -> Result<bool, StoreError> {
        Ok(lock::is_taken(&self.run_folder(uid))?)
    }

    /// Asks for the end of a run; its engine sees the request when it polls next. Returns whether
    /// there was anything to end.
    pub fn request_stop(&self, uid: &str, shutdown: Shutdown) -> Result<bool, StoreError> {
        loop {
            let (state, last) = self.load(uid)?;
            if state.is_complete() {
                return Ok(false);
            }
            let entry = Entry::ShutdownRequested { shutdown, at: self.clock.now() };
            if self.append(uid, last, &[entry])? != Append::Behind {
                return Ok(true);
            }
        }
    }

    /// Removes a run and its files; fails while an engine works on it.
    pub fn forget(&self, uid: &str) -> Result<(), StoreError> {
        let run = self.run_by_uid(uid)?;
        let folder = self.run_folder(uid);
        // Held to the end, so that no engine starts meanwhile.
        let _lock = self.lock_without_engine(uid, &run.name)?;
        let mut database = self.database();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        progress::delete(&transaction, uid)?;
        entries::delete(&transaction, uid)?;
        runs::delete(&transaction, uid)?;
        transaction.commit()?;
        drop(database);
        *self.last_folded.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn program(&self, uid: &str) -> Result<Program, StoreError> {
        check::check(&self.manifests(uid)?).map_err(StoreError::Refused)
    }

    /// Folds the journal of a run.
    pub(crate) fn load(&self, uid: &str) -> Result<(RunState, Sequence), StoreError> {
        let RunRecord { uid, name, created_at, phase, message, finished_at, .. } =
            self.run_by_uid(uid)?;
        let mut folded = self.last_folded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = folded.take().filter(|known| known.state.identity.uid == uid);
        let mut known = known.unwrap_or_else(|| FoldedJournal {
            state: RunState::new(RunIdentity { name, uid, created_at }),
            last: 0,
        });
        let uid = known.state.identity.uid.clone();
        for (sequence, entry) in entries::read(&self.database(), &uid, known.last)? {
            known.state.apply(&entry);
            known.last = sequence;
        }
        let (mut state, last) = (known.state.clone(), known.last);
        *folded = Some(known);
        drop(folded);
        if let Some(at) = finished_at
            && !state.is_complete()
        {
            // The run was abandoned: no engine wrote its end.
            state.apply(&Entry::RunEnded { phase, message, at });
        }
        Ok((state, last))
    }

    /// Returns the journal of a run, as its engine uses it.
    pub(crate) fn journal(&self, uid: &str) -> StoredJournal {
        StoredJournal { store: self.clone(), uid: uid.to_owned() }
    }

    /// Takes the lock of a run, so that no engine can start on it.
    fn lock_without_engine(&self, uid: &str, name: &str) -> Result<EngineLock, StoreError> {
        let lock = lock::take(&self.run_folder(uid))?;
        lock.ok_or_else(|| StoreError::EngineAlive { name: name.to_owned() })
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot have left the connection half changed: a transaction that was
        // not committed is rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, uid: &str, after: Sequence, entries: &[Entry]) -> Result<Append, StoreError> {
        Ok(entries::append(&mut self.database(), uid, after, entries)?)
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
        entries::read(&self.store.database(), &self.uid, after)
    }

    fn append(&mut self, after: Sequence, entries: &[Entry]) -> Result<Append, JournalError> {
        entries::append(&mut self.store.database(), &self.uid, after, entries)
    }

    fn report(&mut self, node: &str, progress: &NodeProgress) -> Result<(), JournalError> {
        Ok(progress::write(&self.store.database(), &self.uid, node, progress)?)
    }
}
