//! How do documents get from a source into an index of the target?
//!
//! ```text
//!   DocumentSource --> reader --> assembly --> sender --> target
//!      (yours)         ahead      requests        |
//!                                                 +--> failed_documents (what the target rejects)
//!                         acknowledged <----------+
//!                              |
//!                              +--> ProgressRecord (a work item): cursor and ledger, together
//! ```
//!
//! A source is anything that gives out documents in an order that can be resumed ([`source`]). Nothing
//! here knows what a snapshot is. README.md follows one document through all of it.
//!
//! Pure: `acknowledged`, `assembly`, `outcome`, the window of requests.

mod acknowledged;
mod assembly;
mod error;
pub mod failed_documents;
mod item;
mod outcome;
mod reader;
mod sender;
pub mod source;
mod transfer;
pub mod tuning;
mod window;

/// The index that holds the documents that the target rejected.
pub const FAILED_DOCUMENTS_INDEX: &str = ".argosy-failed-documents";

pub use self::{
    acknowledged::Checkpoint,
    assembly::Limits,
    error::LoadError,
    transfer::{LoadContext, LoadJob, ProgressRecord, load},
    window::Slots,
};
