//! How do the compiled manifests run without a cluster?
//!
//! The manifests that a cluster would run are run on this machine, unchanged. [`check`] proves
//! that the engine supports everything in them; [`Store`] keeps runs in a state directory; [`run`]
//! runs one run. The decisions are Argo's: a node gets the phase and outputs that it would get
//! there.
//!
//! ```text
//!  manifests --check--> Program --+                        +--> processes (process, job)
//!                                 +--> operate --> Entry --+
//!  journal ----fold---> RunState -+        ^               +--> journal (SQLite)
//!                          ^               |
//!                          +--- people: decisions, stop requests, resume (store)
//! ```
//!
//! The journal is the only truth: an engine that is killed at any instant and started again folds
//! it and continues. A process that was running is started again; a node that ended never runs
//! again.

mod check;
pub mod clock;
mod depends;
mod duration;
#[cfg(test)]
mod exit_contract;
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

pub use argo::convention::decisions::Verdict;
pub use check::check;
pub use clock::Clock;
pub use contract::gate::{DecisionOutcome, Gate, GateState};
pub use fleet::Fleet;
pub use launch::Programs;
pub use logs::LogFile;
pub use program::Program;
pub use read::read;
pub use refusal::Refusal;
pub use runner::{EngineOutcome, Options, RunError, run};
pub use state::Shutdown;
pub use store::{
    RunStatus, Store,
    error::StoreError,
    runs::RunRecord,
    submit::{Existing, Submission},
    watch::Revision,
};
