//! The commands, one file each.

pub mod bench;
pub mod build;
pub mod demo;
pub mod generate;
pub mod servers;
pub mod test;
pub mod tidy;
