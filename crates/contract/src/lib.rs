//! The types that the compiler, the engine and the steps share: what a step is called with, what it
//! answers, how far it is, how it exits. Nothing here reads or writes.
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
//! One module a step holds its request and answer; the crate `step` runs the program around them.

pub mod access;
pub mod closest;
pub mod exit;
pub mod fleet;
pub mod gate;
mod group;
mod ids;
mod ledger;
mod metadata_choices;
mod name_patterns;
pub mod numbers;
pub mod pattern;
pub mod progress;
mod quoted;
pub mod rate;
mod repository;
mod repository_uri;
pub mod selection;
mod snapshot_state;
pub mod summary;
pub mod time;
pub mod variables;
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
pub use group::{ExistingIndices, Group, Treatment};
pub use ids::{
    GroupName, IndexName, IndexUuid, MigrationName, RunId, SnapshotName, SnapshotUuid, WorkerName,
};
pub use ledger::Ledger;
pub use metadata_choices::{MetadataChoices, MetadataOverride, OverrideKind, TemplateChoice};
pub use name_patterns::NamePatterns;
pub use pattern::{IndexPattern, IndexSelection};
pub use progress::{Measure, Progress, Unit, Waiting};
pub use quoted::quoted;
pub use repository::{Repository, SnapshotChoice, SnapshotSource};
pub use repository_uri::{RepositoryUri, RepositoryUriError};
pub use snapshot_state::{IncompleteSnapshot, MissingShard, SnapshotState};
pub use summary::Summary;
pub use version::{Distribution, ServerVersion};
