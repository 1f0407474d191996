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
mod clock;
mod depends;
mod duration;
#[cfg(test)]
mod exit_contract;
mod expression;
mod gates;
mod job;
mod journal;
#[cfg(test)]
mod killed_anywhere;
mod launch;
mod layout;
mod lock;
pub mod logs;
mod mounts;
mod node;
mod operate;
mod orphans;
mod prepare;
mod process;
mod program;
mod read;
mod refusal;
pub mod resume;
mod runner;
pub mod secrets;
mod state;
mod status;
mod store;
mod substitute;
mod supervise;
mod worker_jobs;

pub use argo::convention::decisions::Verdict;
pub use check::check;
pub use clock::Clock;
pub use contract::gate::{DecisionOutcome, Gate, GateState};
pub use launch::Programs;
pub use logs::LogFile;
pub use program::Program;
pub use read::read;
pub use refusal::Refusal;
pub use runner::{EngineOutcome, Options, RunError, run};
pub use state::{ResumePlan, Shutdown};
pub use store::{
    RunStatus, Store,
    error::StoreError,
    runs::RunRecord,
    submit::{Existing, Submission},
    watch::Revision,
};
pub use worker_jobs::WorkerJob;
