//! What does a source of documents look like?
//!
//! A source gives out batches in an order that stays the same when it is opened again, and names the
//! place behind each batch by a cursor. It need not be text, and it need not be a number: nothing in
//! this crate compares cursors other than for equality.

use std::{borrow::Cow, fmt::Debug};

use contract::{Exit, Ledger};

/// Documents in an order that can be resumed.
pub trait DocumentSource: Send + 'static {
    /// A place between two documents. The default is the beginning.
    type Cursor: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Documents that were read together.
    type Batch: DocumentBatch<Cursor = Self::Cursor>;

    /// Reads the next documents; `None` after the last ones.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Batch>, LoadStop>> + Send;

    /// Returns what was read, after the last batch.
    fn end(&self) -> Result<SourceEnd<Self::Cursor>, LoadStop>;

    /// Returns how many bytes were read so far, in the form in which the source keeps them.
    fn bytes_read(&self) -> u64;
}

/// Documents that were read together. Each document borrows from the batch.
pub trait DocumentBatch: Send + 'static {
    /// The cursor of the source.
    type Cursor;

    /// Returns the place behind the last document.
    fn end(&self) -> Self::Cursor;

    /// Returns what was read since the batch before. Its `live` documents are those of
    /// [`DocumentBatch::documents`].
    fn counts(&self) -> Ledger;

    /// Returns the documents in their order.
    fn documents(&self) -> impl Iterator<Item = Document<'_>>;
}

/// A document as a source gives it out.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// A number that no other document of the source has, and that stays the same when the source
    /// is opened again.
    pub position: u64,
    /// The document's id.
    pub id: &'a str,
    /// The document's routing.
    pub routing: Option<&'a str>,
    /// The document's source.
    pub source: DocumentBody<'a>,
}

/// The source of a document.
#[derive(Clone, Debug)]
pub enum DocumentBody<'a> {
    /// One line of JSON without the newline.
    Line(Cow<'a, [u8]>),
    /// It cannot be sent: the document is rejected.
    Unreadable {
        /// The bytes as they are.
        bytes: &'a [u8],
        /// What is wrong with them.
        reason: String,
    },
}

/// How much a source held in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceEnd<C> {
    /// The place behind the last document.
    pub cursor: C,
    /// Documents of every kind from the beginning of the source: `physical` in the ledger.
    pub documents: u64,
}

/// Why a load stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadStop {
    /// Trying again will not help: something is wrong with the source or with the index.
    Failed(String),
    /// The source or the target is out of reach, or does not permit it.
    GivenBack {
        /// The code of the cause.
        exit: Exit,
        /// What happened.
        reason: String,
    },
    /// The permission to send ran out, so another process may load the same documents now.
    PermitExpired,
}

impl LoadStop {
    /// Returns the fault of a source that ends with this code: what passes, and what a person can
    /// permit, is tried again.
    pub fn of(exit: Exit, reason: String) -> Self {
        match exit {
            Exit::Temporary | Exit::NotPermitted => Self::GivenBack { exit, reason },
            _ => Self::Failed(reason),
        }
    }
}
