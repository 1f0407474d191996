//! Do the embedded engine and Argo come to the same end? What runs, on both, and the comparison.
//!
//! ```text
//!  corpus: ours, and Argo's examples --> Case --+--> local:  engine::run      --+--> outcome: what
//!                                               +--> remote: Argo's controller --+   differs, where
//! ```

pub mod corpus;
pub mod local;
pub mod outcome;
pub mod remote;
