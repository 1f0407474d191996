//! How does a run get into the state directory?

use argo::Manifest;
use jiff::Timestamp;
use rusqlite::TransactionBehavior;

use super::{
    Store,
    error::StoreError,
    runs::{self, RunRecord},
};
use crate::check;

/// A request to run manifests.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The run's name; the Workflow manifest must have the same.
    pub name: String,
    /// A new uid of letters, digits and `-`.
    pub uid: String,
    /// The compiled manifests.
    pub manifests: Vec<Manifest>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// What to do when a run of that name has not ended.
    pub existing: Existing,
}

/// What to do when a run of the same name has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail with [`StoreError::Conflict`].
    Refuse,
    /// End it in the same transaction; fails if an engine works on it.
    Abandon,
}

impl Store {
    /// Adds a run, which no engine runs yet. Of two concurrent submissions of one name, one wins.
    pub fn submit(&self, submission: Submission) -> Result<RunRecord, StoreError> {
        let Submission { name, uid, manifests, created_at, existing } = submission;
        let program = check::check(&manifests).map_err(StoreError::Refused)?;
        if program.name() != name {
            let message = format!("the Workflow is named `{}`, not `{name}`", program.name());
            return Err(StoreError::Submission(message));
        }
        let fits = |character: char| character.is_ascii_alphanumeric() || character == '-';
        if uid.is_empty() || !uid.chars().all(fits) {
            let message = format!("`{uid}` is not a uid; use letters, digits and `-`");
            return Err(StoreError::Submission(message));
        }

        let mut database = self.database();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let lock = match runs::find_live(&transaction, &name)? {
            None => None,
            Some(live) if existing == Existing::Refuse => {
                return Err(StoreError::Conflict { name, uid: live });
            }
            Some(live) => {
                let lock = self.lock_without_engine(&live, &name)?;
                runs::abandon(&transaction, &live, created_at)?;
                Some(lock)
            }
        };
        let record = runs::insert(&transaction, &uid, &name, created_at, &manifests)?;
        transaction.commit()?;
        // Held until here, so that no engine could start on the run that was abandoned.
        drop(lock);
        Ok(record)
    }
}
