//! A migration from a snapshot: the source (or somebody before) wrote it, the steps read it.

pub(crate) mod gates;
pub(crate) mod plan;
