//! What is a step called with, what does it answer, how does it exit?
//!
//! The compiler writes a step's request as JSON into the one argument of its container; the step
//! program parses that argument into the same type. So a renamed field is a compile error here,
//! not a failed pod there.
//!
//! ```text
//!  generator --- Request as JSON ---> argosy-<step> --- Answer as JSON ---> $ARGOSY_ANSWER_FILE
//!                                        |   |
//!                 human summary: stdout -+   +- structured log: stderr
//! ```
//!
//! One module a step holds its request and answer; [`process`] is the only module that touches
//! the environment.

pub mod access;
mod closest;
pub mod exit;
pub mod pattern;
pub mod process;
pub mod progress;
pub mod rate;
pub mod repository;
pub mod selection;
pub mod version;

pub mod cleanup;
pub mod initialize;
pub mod metadata;
pub mod register;
pub mod rfs;
pub mod snapshot;
pub mod verify;

pub use access::{Auth, ClusterAccess, Credentials};
pub use exit::{Exit, Failure};
pub use pattern::{IndexPattern, IndexSelection};
pub use process::{Context, RunId, Summary};
pub use progress::{Count, Progress};
pub use repository::{Repository, SnapshotChoice, SnapshotSource};
pub use version::{Distribution, ServerVersion};
