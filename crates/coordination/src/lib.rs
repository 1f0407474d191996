//! What did the register step decide for a migration, and which run may fill which index?
//!
//! ```text
//!   names in the snapshot --> selection --> existing_indices, ownership --> group document
//!   (or on the source)        patterns to   what the target and             what a group means:
//!                             indices       other runs have already         every later step reads
//!                                                                           it (`resolve::group`)
//! ```
//!
//! What a group means is decided once, by the register step, and read by all that come later: an
//! index that a step of ours has created meanwhile is not mistaken for one that was there before.
//! Initialize asks the same functions ([`assessment`]) before anything is written, so that what will
//! be refused is known before a snapshot is taken.
//!
//! No process owns the coordination: many write at the same time, each under the condition that no
//! other process wrote meanwhile (crate `state-store`). A run that is gone is found by observing
//! that it writes nothing ([`run_takeover`]).
//!
//! Pure: [`group`], [`existing_indices`], [`ownership`]. The modules depend on each other in the
//! order of the drawing; [`registration`] reads and writes the group documents.

pub mod assessment;
pub mod count;
pub mod equal_ids;
mod error;
pub mod existing_indices;
pub mod group;
pub mod ownership;
pub mod registration;
pub mod resolve;
pub mod run_takeover;
pub mod shard_work;
mod target_contents;

pub use self::error::CoordinationError;
