//! What have the steps of a migration agreed upon, and where is it written down?
//!
//! ```text
//!   names in the snapshot --> selection --> existing, earlier --> decision
//!   (or on the source)        patterns to   what the target       what a group means:
//!                             indices       has already           every later step asks
//!                                                                 `resolve::group`
//!                                                                       |
//!   group, item, tuning, run: one document each  <----------------------+
//!   in `.migrations_working_state` on the target
//! ```
//!
//! What a group means is decided once, by the register step, and read by all that come later: an
//! index that a step of ours has made meanwhile is not mistaken for one that was there before.
//! Initialize asks the same functions ([`outlook`]) before anything is written, so that what will
//! be refused is known before a snapshot is taken.
//!
//! No process owns the coordination: many write at once, each under the condition that nobody
//! wrote meanwhile ([`working_state`]). Who is gone is found out by watching ([`takeover`]).

pub mod count;
pub mod decision;
pub mod earlier;
pub mod equal_ids;
pub mod existing;
pub mod faults;
pub mod outlook;
pub mod resolve;
pub mod takeover;
pub mod target;
pub mod working_state;
