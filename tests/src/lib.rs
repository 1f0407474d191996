//! What the tests of boundaries share: reaching the real servers, running the product's programs,
//! comparing two clusters document by document.

pub mod argosy;
pub mod bucket;
pub mod claim;
pub mod cluster_pair;
pub mod compare;
pub mod corpus;
pub mod eventually;
pub mod gated;
pub mod host;
pub mod killer;
pub mod namespace;
pub mod parity;
pub mod servers;
