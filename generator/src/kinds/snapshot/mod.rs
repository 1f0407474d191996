//! A migration from a snapshot: the source wrote it, now or before, and the steps read it.
//!
//! ```text
//!  file: snapshotRepo, snapshotMigrations
//!     --source, repository, sharing, groups, overlap--> Migration (prove, proved)
//!     --plan--> tasks
//! ```

pub(crate) mod file;
pub(crate) mod gates;
pub(crate) mod groups;
pub(crate) mod metadata;
pub(crate) mod overlap;
pub(crate) mod plan;
pub(crate) mod prove;
pub(crate) mod proved;
pub(crate) mod repository;
mod repository_name;
pub(crate) mod sharing;
pub(crate) mod source;

mod automaton;
mod candidate_pairs;
mod pattern_overlap;
