//! The commands, one file each.

pub(crate) mod cluster;
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod images;
pub(crate) mod servers;
pub(crate) mod test;
pub(crate) mod tidy;
