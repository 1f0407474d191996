//! Where is it written what happened in a run?
//!
//! An append takes effect whole or not at all, and only if nobody else wrote since: whoever is
//! behind reads first. So every decision was made with everything known before it.

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
