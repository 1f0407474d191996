//! Where is it written what happened in a run?
//!
//! An append takes effect whole or not at all, and only if nobody else wrote since: whoever is
//! behind reads first. So every decision was made with everything known before it.

use argo::NodePhase;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use thiserror::Error;

use crate::state::Entry;

/// The place of an entry in a journal; 0 is before the first.
pub type Sequence = i64;

/// The journal of one run.
pub trait Journal: Send {
    /// Returns the entries after a place, with their places.
    fn entries_after(&mut self, after: Sequence) -> Result<Vec<(Sequence, Entry)>, JournalError>;

    /// Appends entries if `after` is still the last place.
    fn append(&mut self, after: Sequence, entries: &[Entry]) -> Result<Append, JournalError>;

    /// Keeps what a node told last about its progress; this is not part of the journal.
    fn report(&mut self, node: &str, progress: &NodeProgress) -> Result<(), JournalError>;
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// It stands; this is the new last place.
    Written(Sequence),
    /// Somebody else wrote since.
    Behind,
}

/// What a node told last about its progress, as it told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeProgress {
    /// The JSON of [`contract::Progress`].
    pub detail: Option<String>,
    /// `N/M`, as Argo has it.
    pub count: Option<String>,
}

/// A journal that cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The database.
    #[error("the state database failed; is the disk full, or the state directory read-only?")]
    Database(#[from] rusqlite::Error),
    /// An entry of another version.
    #[error(
        "entry {sequence} of the journal cannot be read; was it written by a newer version? \
         finish the run with that version"
    )]
    Entry {
        /// Where.
        sequence: Sequence,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An entry that cannot be written.
    #[error("an entry of the journal cannot be written")]
    Write(#[source] serde_json::Error),
}

/// Reads the entries of a run.
pub(crate) fn read(
    database: &Connection,
    uid: &str,
    after: Sequence,
) -> Result<Vec<(Sequence, Entry)>, JournalError> {
    let mut statement = database
        .prepare_cached("SELECT seq, body FROM journal WHERE uid = ?1 AND seq > ?2 ORDER BY seq")?;
    let rows = statement.query_map(params![uid, after], |row| {
        Ok((row.get::<_, Sequence>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut entries = Vec::new();
    for row in rows {
        let (sequence, body) = row?;
        let entry = serde_json::from_str(&body)
            .map_err(|source| JournalError::Entry { sequence, source })?;
        entries.push((sequence, entry));
    }
    Ok(entries)
}

/// Appends entries to a run's journal if `after` is still its last place.
pub(crate) fn append(
    database: &mut Connection,
    uid: &str,
    after: Sequence,
    entries: &[Entry],
) -> Result<Append, JournalError> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let appended = append_within(&transaction, uid, after, entries)?;
    transaction.commit()?;
    Ok(appended)
}

/// As [`append`], in a transaction that the caller commits.
pub(crate) fn append_within(
    transaction: &Transaction<'_>,
    uid: &str,
    after: Sequence,
    entries: &[Entry],
) -> Result<Append, JournalError> {
    let mut last: Sequence = transaction.query_row(
        "SELECT coalesce(max(seq), 0) FROM journal WHERE uid = ?1",
        params![uid],
        |row| row.get(0),
    )?;
    if last > after {
        return Ok(Append::Behind);
    }
    for entry in entries {
        let body = serde_json::to_string(entry).map_err(JournalError::Write)?;
        transaction
            .prepare_cached("INSERT INTO journal (uid, body) VALUES (?1, ?2)")?
            .execute(params![uid, body])?;
        last = transaction.last_insert_rowid();
        // The table of runs repeats what lists of runs show.
        match entry {
            Entry::RunStarted { at } => {
                transaction.execute(
                    "UPDATE runs SET phase = ?2, started_at = ?3 WHERE uid = ?1",
                    params![uid, NodePhase::Running.as_str(), at.to_string()],
                )?;
            }
            Entry::RunEnded { phase, message, at } => {
                transaction.execute(
                    "UPDATE runs SET phase = ?2, message = ?3, finished_at = ?4, live = 0 \
                     WHERE uid = ?1",
                    params![uid, phase.as_str(), message, at.to_string()],
                )?;
            }
            Entry::RunReopened { .. } => {
                transaction.execute(
                    "UPDATE runs SET phase = ?2, message = NULL, finished_at = NULL, live = 1 \
                     WHERE uid = ?1",
                    params![uid, NodePhase::Running.as_str()],
                )?;
            }
            _ => {}
        }
    }
    Ok(Append::Written(last))
}
