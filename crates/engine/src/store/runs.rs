//! The table of runs: what a list of runs shows of each, and its manifests.
//!
//! The journal is the truth about a run; this table repeats what lists show, and says which run of
//! a name is alive. All statements on it are here.

use argo::{Manifest, NodePhase};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use super::error::StoreError;
use crate::state::Entry;

/// The columns of a run, in the order of [`read_row`].
const COLUMNS: &str = "uid, name, created_at, started_at, finished_at, phase, message";

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How far it is.
    pub phase: NodePhase,
    /// Why it has that phase.
    pub message: Option<String>,
}

impl RunRecord {
    /// Returns whether the run has ended.
    pub fn is_complete(&self) -> bool {
        self.finished_at.is_some()
    }
}

/// A row, as text.
struct RunRow {
    uid: String,
    name: String,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    phase: String,
    message: Option<String>,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        uid: row.get(0)?,
        name: row.get(1)?,
        created_at: row.get(2)?,
        started_at: row.get(3)?,
        finished_at: row.get(4)?,
        phase: row.get(5)?,
        message: row.get(6)?,
    })
}

impl RunRow {
    fn into_record(self) -> Result<RunRecord, StoreError> {
        let Self { uid, name, created_at, started_at, finished_at, phase, message } = self;
        let stored = |source| StoreError::Stored { uid: uid.clone(), source };
        let time = |text: &str| {
            text.parse::<Timestamp>().map_err(|error| stored(serde::de::Error::custom(error)))
        };
        let created_at = time(&created_at)?;
        let started_at = started_at.as_deref().map(time).transpose()?;
        let finished_at = finished_at.as_deref().map(time).transpose()?;
        let phase = phase.parse::<NodePhase>();
        let phase = phase.map_err(|error| stored(serde::de::Error::custom(error)))?;
        Ok(RunRecord { uid, name, created_at, started_at, finished_at, phase, message })
    }
}

/// Adds a run that has not begun; it is the one that is alive of its name.
pub(super) fn insert(
    database: &Connection,
    uid: &str,
    name: &str,
    created_at: Timestamp,
    manifests: &[Manifest],
) -> Result<RunRecord, StoreError> {
    let stored = |source| StoreError::Stored { uid: uid.to_owned(), source };
    let manifests = serde_json::to_string(manifests).map_err(stored)?;
    let phase = NodePhase::Pending;
    database.execute(
        "INSERT INTO runs (uid, name, created_at, phase, live, manifests) \
         VALUES (?1, ?2, ?3, ?4, 1, ?5)",
        params![uid, name, created_at.to_string(), phase.as_str(), manifests],
    )?;
    Ok(RunRecord {
        uid: uid.to_owned(),
        name: name.to_owned(),
        created_at,
        started_at: None,
        finished_at: None,
        phase,
        message: None,
    })
}

/// Ends a run without its engine.
pub(super) fn abandon(database: &Connection, uid: &str, at: Timestamp) -> rusqlite::Result<()> {
    database.execute(
        "UPDATE runs SET live = 0, phase = ?2, finished_at = ?3, \
         message = 'abandoned for a new submission' WHERE uid = ?1",
        params![uid, NodePhase::Error.as_str(), at.to_string()],
    )?;
    Ok(())
}

/// Repeats what an entry of the journal says about the run as a whole.
pub(super) fn apply(database: &Connection, uid: &str, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::RunStarted { at } => database.execute(
            "UPDATE runs SET phase = ?2, started_at = ?3 WHERE uid = ?1",
            params![uid, NodePhase::Running.as_str(), at.to_string()],
        )?,
        Entry::RunEnded { phase, message, at } => database.execute(
            "UPDATE runs SET phase = ?2, message = ?3, finished_at = ?4, live = 0 WHERE uid = ?1",
            params![uid, phase.as_str(), message, at.to_string()],
        )?,
        Entry::RunResumed { .. } => database.execute(
            "UPDATE runs SET phase = ?2, message = NULL, finished_at = NULL, live = 1 \
             WHERE uid = ?1",
            params![uid, NodePhase::Running.as_str()],
        )?,
        _ => 0,
    };
    Ok(())
}

/// Removes a run.
pub(super) fn delete(database: &Connection, uid: &str) -> rusqlite::Result<()> {
    database.execute("DELETE FROM runs WHERE uid = ?1", params![uid])?;
    Ok(())
}

/// Returns the uid of the run of a name that has not ended.
pub(super) fn find_live(database: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT uid FROM runs WHERE name = ?1 AND live = 1";
    database.query_row(sql, params![name], |row| row.get(0)).optional()
}

/// Returns all runs, the newest first.
pub(super) fn list(database: &Connection) -> Result<Vec<RunRecord>, StoreError> {
    let mut statement =
        database.prepare_cached(&format!("SELECT {COLUMNS} FROM runs ORDER BY number DESC"))?;
    let rows = statement.query_map([], read_row)?;
    rows.map(|row| row?.into_record()).collect()
}

/// Returns the newest run of a name.
pub(super) fn newest(database: &Connection, name: &str) -> Result<RunRecord, StoreError> {
    one(database, "name = ?1 ORDER BY number DESC LIMIT 1", name)
}

/// Returns the run of a uid.
pub(super) fn by_uid(database: &Connection, uid: &str) -> Result<RunRecord, StoreError> {
    one(database, "uid = ?1", uid)
}

fn one(database: &Connection, condition: &str, key: &str) -> Result<RunRecord, StoreError> {
    let mut statement =
        database.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE {condition}"))?;
    let row = statement.query_row(params![key], read_row).optional()?;
    row.ok_or_else(|| StoreError::NotFound(key.to_owned()))?.into_record()
}

/// Returns the manifests of a run, as they were submitted.
pub(super) fn manifests(database: &Connection, uid: &str) -> Result<Vec<Manifest>, StoreError> {
    let sql = "SELECT manifests FROM runs WHERE uid = ?1";
    let text: Option<String> =
        database.query_row(sql, params![uid], |row| row.get(0)).optional()?;
    let text = text.ok_or_else(|| StoreError::NotFound(uid.to_owned()))?;
    let stored = |source| StoreError::Stored { uid: uid.to_owned(), source };
    let values: Vec<Value> = serde_json::from_str(&text).map_err(stored)?;
    values.into_iter().map(|value| Manifest::from_value(value).map_err(stored)).collect()
}
