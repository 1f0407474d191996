//! The machine that tests run on: where the checkout and the test area are, who we are, which
//! programs it has, how missing ones come here, and how commands and servers are started.

mod area;
pub mod hash;
pub mod launch;
mod machine;
pub mod packages;
mod privilege;
pub mod process;
pub mod programs;
pub mod python_package;
pub mod shell;
pub mod terminal;

pub use self::{machine::Machine, privilege::Privilege};
