//! How do these manifests run here, with no cluster?
//!
//! The manifests that a cluster would run are run on this machine, unchanged. [`check`] proves
//! that nothing in them is beyond this engine; [`Store`] keeps runs in a state directory; [`run`]
//! is one engine at work on one run. The decisions are Argo's: a node gets the phase and outputs
//! that it would get there.
//!
//! ```text
//!  manifests --check--> Program --+                        +--> processes (process, job)
//!                                 +--> operate --> Entry --+
//!  journal ----fold---> RunState -+        ^               +--> journal (SQLite)
//!                          ^               |
//!                          +--- people: answers to gates, stop, more workers (store)
//! ```
//!
//! The journal is the only truth: an engine that is killed at any instant and started again folds
//! it, and goes on. A process that ran then is started again; a node that ended is never run
//! again.

mod check;
pub mod clock;
mod depends;
mod duration;
mod expression;
pub mod fleet;
pub mod gates;
mod job;
pub mod journal;
#[cfg(test)]
mod killed_anywhere;
pub mod launch;
mod layout;
mod leftover;
mod lock;
pub mod logs;
mod mounts;
pub mod node;
mod operate;
mod prepare;
mod process;
pub mod program;
mod read;
pub mod refusal;
pub mod reopen;
pub mod runner;
pub mod secrets;
pub mod state;
mod status;
pub mod store;
mod substitute;
mod supervise;

pub use check::check;
pub use clock::Clock;
pub use fleet::Fleet;
pub use gates::{DecisionOutcome, Gate, GateState};
pub use launch::Programs;
pub use logs::LogFile;
pub use program::Program;
pub use read::read;
pub use refusal::Refusal;
pub use runner::{EngineOutcome, Options, RunError, run};
pub use state::{Shutdown, Verdict};
pub use store::{
    RunStatus, Store,
    error::StoreError,
    runs::RunRecord,
    submit::{Existing, Submission},
};
