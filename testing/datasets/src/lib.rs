//! Data to migrate: the same documents from the same seed on every machine, loaded through the
//! HTTP API that an application would use.

pub mod archive;
mod call;
pub mod corpus;
mod counts;
mod edge_cases;
mod index;
mod kinds;
mod lacking;
mod layout;
pub mod logs;
mod outdated;
pub mod random;
pub mod scroll;
pub mod shop;
mod words;

pub use self::{
    call::{Call, Dataset, Steps},
    counts::counts,
};
