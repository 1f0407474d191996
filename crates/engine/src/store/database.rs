//! What does the state database look like, and how is it opened?

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode};

use super::error::StoreError;

/// The version of the tables below.
const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS runs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    uid         TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    phase       TEXT NOT NULL,
    message     TEXT,
    live        INTEGER NOT NULL,
    manifests   TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_run_a_name ON runs (name) WHERE live = 1;
CREATE TABLE IF NOT EXISTS journal (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    uid  TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_of_a_run ON journal (uid, seq);
CREATE TABLE IF NOT EXISTS progress (
    uid    TEXT NOT NULL,
    node   TEXT NOT NULL,
    detail TEXT,
    count  TEXT,
    PRIMARY KEY (uid, node)
) WITHOUT ROWID;
PRAGMA user_version = 1;
";

/// Opens the database, and creates its tables if it is new.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let database = Connection::open(path)?;
    database.busy_timeout(Duration::from_secs(20))?;
    use_write_ahead_log(&database)?;
    database.pragma_update(None, "synchronous", "FULL")?;
    let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => database.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?,
        VERSION => {}
        newer => return Err(StoreError::Version(newer)),
    }
    Ok(database)
}

/// Switches to the write-ahead log. Retries, because `SQLite` does not wait by itself here when two
/// processes create the database concurrently.
fn use_write_ahead_log(database: &Connection) -> Result<(), rusqlite::Error> {
    let mut attempts = 0;
    loop {
        match database.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && attempts < 200 =>
            {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}
