//! What is wrong, where, and what to do about it.
//!
//! A [`Finding`] has a stable id, a place in the user's file and a next step. [`text()`] prints
//! findings with the line and a caret, [`json()`] gives them to programs; neither knows any rule.

mod finding;
mod json;
pub(crate) mod report;
mod text;

pub use finding::{Finding, Findings, Related};
pub use json::json;
pub use text::{Colour, text};
