//! What does an item use that is not migrated, and does the target have it?
//!
//! Pipelines, policies, plugins and files are not migrated, and an index that uses one of them is
//! created all the same. Without a report, the first to notice would be the application that
//! writes to it.
//!
//! ```text
//!  item ------------------------------ requirements ---> [Requirement] ---+
//!  GET RequirementKind::endpoint ----- record ---------> Inventory -------+---> a line for each
//!                                                                   one that is missing or unknown
//! ```

mod find;
mod inventory;
mod kind;

pub use self::{
    find::{Requirement, requirements},
    inventory::Inventory,
    kind::RequirementKind,
};
