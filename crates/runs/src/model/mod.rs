//! What is known of a run: the steps that were compiled, joined with what happened.

mod outline;
mod tree;

pub use self::{
    outline::{GatePlace, Outline},
    tree::{Branch, Known, tree},
};
