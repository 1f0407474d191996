//! Data to migrate: the same documents from the same seed on every machine, loaded through the
//! HTTP API that an application would use.

pub mod archive;
mod call;
pub mod corners;
pub mod corpus;
mod counts;
pub mod index;
pub mod kinds;
pub mod lacking;
mod layout;
pub mod logs;
pub mod outdated;
pub mod random;
pub mod scroll;
pub mod shop;
mod words;

pub use self::{
    call::{Call, Dataset, Steps},
    counts::counts,
};
