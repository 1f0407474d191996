//! The register step: can the snapshot be read as RFS will read it, and which index belongs to
//! which group?
//!
//! ```text
//!   repository ---> names ---> selection ---> existing ---> decision (on the target)
//!                              patterns       the target's   read by every later step
//!                              to indices     own indices    through `resolve::group`
//! ```
//!
//! Everything that is wrong is reported at once, and only a register without findings writes: one
//! document for each group, which says what the group means. Later steps read it instead of
//! deciding again, so an index that a step of ours has created meanwhile is not mistaken for one
//! that was there before.

pub mod count;
pub mod decision;
mod earlier;
mod existing;
pub mod faults;
mod register;
pub mod resolve;
mod target;
pub mod working_state;

pub use register::run;
use step_api::selection;
