//! Why did a step fail, in its own words?
//!
//! The engine only knows the exit code. The last error that a step logged says what happened and
//! what to do, so `workflow status` shows that.

use std::{collections::BTreeMap, path::Path};

use argo::WorkflowStatus;
use engine::Store;

use crate::{error::BackendError, log_record};

/// Replaces the exit code of each failed step by the last error that the step logged.
pub(super) fn insert(
    store: &Store,
    uid: &str,
    status: &mut WorkflowStatus,
) -> Result<(), BackendError> {
    if !status.nodes.values().any(|node| node.phase.is_failure()) {
        return Ok(());
    }
    let mut logs = BTreeMap::new();
    for file in store.log_files(uid)? {
        logs.entry(file.node.clone()).or_insert_with(Vec::new).push(file.path);
    }
    for node in status.nodes.values_mut().filter(|node| node.phase.is_failure()) {
        let said = logs.get(&node.id).into_iter().flatten().find_map(|log| last_error(log));
        if let Some(said) = said {
            node.message = Some(said);
        }
    }
    Ok(())
}

/// Returns the last error in the log of a step.
fn last_error(log: &Path) -> Option<String> {
    let text = fs_err::read_to_string(log).ok()?;
    log_record::last_error(
        text.lines().filter_map(|line| Some(engine::logs::parse_line(line)?.text)),
    )
}
