//! The table of journals: the entries of every run, in the order in which they were written.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::runs;
use crate::{
    journal::{Append, JournalError, Sequence},
    state::Entry,
};

/// Reads the entries of a run that follow `after`.
pub(super) fn read(
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
pub(super) fn append(
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
pub(super) fn append_within(
    transaction: &Transaction<'_>,
    uid: &str,
    after: Sequence,
    entries: &[Entry],
) -> Result<Append, JournalError> {
    let mut last = last(transaction, uid)?;
    if last > after {
        return Ok(Append::Behind);
    }
    for entry in entries {
        let body = serde_json::to_string(entry).map_err(JournalError::Write)?;
        transaction
            .prepare_cached("INSERT INTO journal (uid, body) VALUES (?1, ?2)")?
            .execute(params![uid, body])?;
        last = transaction.last_insert_rowid();
        runs::apply(transaction, uid, entry)?;
    }
    Ok(Append::Written(last))
}

/// Returns the place of the last entry of a run.
fn last(database: &Connection, uid: &str) -> rusqlite::Result<Sequence> {
    database
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal WHERE uid = ?1")?
        .query_row(params![uid], |row| row.get(0))
}

/// Removes the journal of a run.
pub(super) fn delete(database: &Connection, uid: &str) -> rusqlite::Result<()> {
    database.execute("DELETE FROM journal WHERE uid = ?1", params![uid])?;
    Ok(())
}
