//! The commands, one file each.

pub mod bench;
pub mod build;
pub mod cluster;
pub mod corpus;
pub mod demo;
pub mod generate;
pub mod images;
pub mod servers;
pub mod test;
pub mod tidy;
