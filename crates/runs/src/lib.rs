//! What is running, where, and how far is it? One interface over the two engines that run
//! migrations.
//!
//! ```text
//!  command line, screen
//!         |  Backend
//!         +--- local        the embedded engine's store, on this machine
//!         +--- kubernetes   the API server; Argo's controller does the rest
//! ```

mod backend;
mod commands;
mod kubernetes;
mod local;
mod log_record;
mod model;
mod open;
pub mod preview;

pub use self::{
    backend::{
        Answer, Backend, Holding, HoldingKind, Keep, LogQuery, LogSink, LogSource, Resumed, Run,
        Sight, Stopped, Submission, Trouble, is_at_or_below,
    },
    commands::{DEFAULT_WORKFLOW, workflow_flag},
    kubernetes::{Applied, Argo},
    local::open as open_store,
    log_record::LogRecord,
    model::{Branch, GatePlace, Known, Outline, tree},
    open::open,
};
