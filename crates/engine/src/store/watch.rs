//! When does something change in the state directory?

use std::time::Duration;

use super::{Store, error::StoreError};

/// The interval at which a waiting caller checks for a change.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A point in the history of a state directory, as one open store sees it. Two revisions of one
/// store differ if anything was written between them: by this store, or by another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// `SQLite`'s counter of commits by other connections.
    by_others: i64,
    /// Rows that this connection has changed.
    by_this: i64,
}

impl Store {
    /// Returns the current revision. This reads no table, so it is cheap.
    pub fn revision(&self) -> Result<Revision, StoreError> {
        let database = self.database();
        let number = |sql: &str| database.prepare_cached(sql)?.query_row([], |row| row.get(0));
        Ok(Revision {
            by_others: number("PRAGMA data_version")?,
            by_this: number("SELECT total_changes()")?,
        })
    }

    /// Waits until anything was written after `seen`, about any run, and returns the new revision.
    /// Read the revision before the state, and nothing is missed.
    pub async fn changed_since(&self, seen: Revision) -> Result<Revision, StoreError> {
        loop {
            let revision = self.revision()?;
            if revision != seen {
                return Ok(revision);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
