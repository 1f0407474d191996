//! The checks that belong to no cluster and no kind of migration: of the structure of the file, of
//! the names of migrations and groups, of approvals, of names in Kubernetes and of sizes.
//!
//! A check reads the file (or what was proved of it, or the plan) and reports findings. Where it
//! proves something, it returns that: [`crate::config`] says in which order.

pub(crate) mod approvals;
pub(crate) mod migrations;
pub(crate) mod names;
pub(crate) mod size;
pub(crate) mod structure;
#[cfg(test)]
pub(crate) mod testing;
