//! What changes in metadata between two versions?
//!
//! Metadata is read from a snapshot as one server wrote it, and is sent to another one. In between,
//! a list of rules changes it. Each rule is a file in `rules/`, handles one difference between
//! versions, and records what it changed and why.
//!
//! ```text
//!  body as GET shows it --- Item::read ---> Item --- apply ---> Item --- Item::body ---> body to PUT
//!                                                      | ^
//!                                Vec<Change> <---------+ +--- Facts about both clusters
//! ```
//!
//! A rule asks three things: which version made the item ([`Item::made_by`]), which version will
//! read it, and what else is known about the clusters ([`Facts`]).
//!
//! Nothing here uses a network: the same input gives the same output, and applying the rules twice
//! has the same result as applying them once.

mod apply;
mod builtin;
mod change;
pub mod difference;
mod facts;
mod fields;
mod item;
mod overlap;
mod overrides;
mod plugins;
mod proposal;
#[cfg(test)]
mod reference;
mod relevance;
mod requirements;
mod rule;
mod rules;
mod settings;
mod suggested_override;

pub use apply::{Transformation, apply, apply_with, rule_ids};
pub use change::{Change, Weight};
pub use facts::{ClusterFacts, Fact, Facts};
pub use item::{Item, ItemError};
pub use proposal::{Action, Openness, Proposal, templates};
pub use relevance::SelectedIndices;
pub use requirements::{Inventory, Requirement, RequirementKind, requirements};
pub use settings::Settings;
