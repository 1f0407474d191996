//! The table of progress: the last report of each node. It is not part of the journal.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::journal::NodeProgress;

/// Replaces the report of a node.
pub(super) fn write(
    database: &Connection,
    uid: &str,
    node: &str,
    progress: &NodeProgress,
) -> rusqlite::Result<()> {
    let NodeProgress { detail, count } = progress;
    database
        .prepare_cached(
            "INSERT INTO progress (uid, node, detail, count) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (uid, node) DO UPDATE SET detail = ?3, count = ?4",
        )?
        .execute(params![uid, node, detail, count])?;
    Ok(())
}

/// Returns the reports of a run by node id.
pub(super) fn read(
    database: &Connection,
    uid: &str,
) -> rusqlite::Result<BTreeMap<String, NodeProgress>> {
    let mut statement =
        database.prepare_cached("SELECT node, detail, count FROM progress WHERE uid = ?1")?;
    let rows = statement.query_map(params![uid], |row| {
        Ok((row.get(0)?, NodeProgress { detail: row.get(1)?, count: row.get(2)? }))
    })?;
    rows.collect()
}

/// Removes the report of a node.
pub(super) fn delete_node(database: &Connection, uid: &str, node: &str) -> rusqlite::Result<()> {
    database.execute("DELETE FROM progress WHERE uid = ?1 AND node = ?2", params![uid, node])?;
    Ok(())
}

/// Removes all reports of a run.
pub(super) fn delete(database: &Connection, uid: &str) -> rusqlite::Result<()> {
    database.execute("DELETE FROM progress WHERE uid = ?1", params![uid])?;
    Ok(())
}
