//! How is a failed run resumed?

use rusqlite::TransactionBehavior;

use super::{Store, entries, error::StoreError, progress, runs};
use crate::{journal::Append, resume, state::Entry};

impl Store {
    /// Prepares a failed run to be resumed: an engine that runs it then repeats only what did not
    /// succeed. Returns the display names of the failed nodes that will run again.
    pub fn resume(&self, uid: &str) -> Result<Vec<String>, StoreError> {
        let program = self.program(uid)?;
        // Held to the end, so that no engine starts meanwhile.
        let _lock = self.lock_without_engine(uid, program.name())?;
        loop {
            let (state, last) = self.load(uid)?;
            let name = state.identity.name.clone();
            if !state.phase.is_failure() {
                return Err(StoreError::NotFailed { name, phase: state.phase });
            }
            let (nodes, again) = resume::plan_of(&program, &state);
            let removed = nodes.removed.clone();
            let entry = Entry::RunResumed { nodes, at: self.clock().now() };

            let mut database = self.database();
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let newest = runs::newest(&transaction, &name)?.uid;
            if newest != uid {
                return Err(StoreError::Superseded { name, uid: newest });
            }
            if entries::append_within(&transaction, uid, last, &[entry])? == Append::Behind {
                continue;
            }
            for node in &removed {
                progress::delete_node(&transaction, uid, node)?;
            }
            transaction.commit()?;
            return Ok(again);
        }
    }
}
