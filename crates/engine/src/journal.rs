//! The journal of a run: what happened, and the condition under which an entry may be added.
//!
//! An append takes effect as a whole or not at all, and only if no other process wrote since the
//! writer last read. A writer that is behind reads first, so every decision is made with all
//! earlier entries known.

use thiserror::Error;

use crate::state::Entry;

/// The place of an entry in a journal; 0 is before the first.
pub(crate) type Sequence = i64;

/// The journal of one run.
pub(crate) trait Journal: Send {
    /// Returns the entries after a place, with their places.
    fn entries_after(&mut self, after: Sequence) -> Result<Vec<(Sequence, Entry)>, JournalError>;

    /// Appends entries if `after` is still the last place.
    fn append(&mut self, after: Sequence, entries: &[Entry]) -> Result<Append, JournalError>;

    /// Stores the latest progress of a node; this is not part of the journal.
    fn report(&mut self, node: &str, progress: &NodeProgress) -> Result<(), JournalError>;
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// The entries were written; this is the new last place.
    Written(Sequence),
    /// Another process wrote since; nothing was written.
    Behind,
}

/// The latest progress of a node, as its process wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeProgress {
    /// The JSON of [`contract::Progress`].
    pub detail: Option<String>,
    /// `N/M`, as Argo has it.
    pub count: Option<String>,
}

/// A journal that cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The database.
    #[error(
        "the state database failed; check that the disk is not full and that the state directory \
         can be written"
    )]
    Database(#[from] rusqlite::Error),
    /// An entry of another version.
    #[error(
        "entry {sequence} of the journal cannot be read; perhaps a newer version wrote it: finish \
         the run with that version"
    )]
    Entry {
        /// Its place.
        sequence: Sequence,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An entry that cannot be encoded.
    #[error("an entry of the journal cannot be written")]
    Write(#[source] serde_json::Error),
}
