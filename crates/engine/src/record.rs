//! What does a list of runs show of each?

use argo::NodePhase;
use jiff::Timestamp;
use rusqlite::Row;

use crate::store::StoreError;

/// The columns of a run, in the order of [`run_row`].
pub(crate) const RUN_COLUMNS: &str =
    "uid, name, created_at, started_at, finished_at, phase, message";

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
    /// Why it is so.
    pub message: Option<String>,
}

impl RunRecord {
    /// Returns whether the run has ended.
    pub fn is_complete(&self) -> bool {
        self.finished_at.is_some()
    }
}

/// A row of `runs`, as text.
pub(crate) struct RunRow {
    uid: String,
    name: String,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    phase: String,
    message: Option<String>,
}

pub(crate) fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
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
    pub(crate) fn into_record(self) -> Result<RunRecord, StoreError> {
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
