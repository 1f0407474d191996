//! What changes in metadata between two versions?
//!
//! Metadata is read from a snapshot as one server wrote it and is put to another one. In between
//! stands a list of rules; each one is a file in `rules/`, knows one difference between versions,
//! and says what it changed and why.
//!
//! ```text
//!  body as GET shows it --- Item::read ---> Item --- apply ---> Item --- Item::body ---> body to PUT
//!                                                      |
//!                                                      +---> Vec<Change>
//! ```
//!
//! Nothing here reaches a network: the same input gives the same output, and applying the rules
//! twice gives what applying them once gave.

mod apply;
mod builtin;
mod change;
pub mod difference;
mod fields;
mod item;
mod needs;
mod plugins;
mod proposal;
mod relevance;
mod rule;
mod rules;
mod settings;

pub use apply::{Transformed, apply};
pub use builtin::builtin_template;
pub use change::{Change, Weight};
pub use item::{Item, ItemError};
pub use needs::{Need, NeedKind, Stock, needs};
pub use proposal::{Openness, Proposal, Task, templates};
pub use relevance::Wanted;
pub use rule::{Rule, Versions};
pub use rules::RULES;
pub use settings::Settings;
