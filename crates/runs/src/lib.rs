//! What is running, where, and how far is it? One model of a run and one interface over the two
//! engines.
//!
//! ```text
//!  command line, screen, page
//!         |  Backend: Runs, Gates, Logs, Configuration, Reset
//!         +--- local        the embedded engine's store, on this machine
//!         +--- kubernetes   the API server; Argo's controller does the rest
//!         v
//!      RunModel
//! ```
//!
//! [`open`] returns the engine that is asked for. Its methods are asynchronous and run on the
//! caller's runtime; a [`Backend`] may be shared by any number of tasks. What a person sees is
//! computed from a [`RunModel`], so it is the same on both engines.

mod backend;
mod commands;
mod error;
mod gates;
mod kubernetes;
mod local;
mod log_record;
mod logs;
mod model;
mod notices;
mod object_kind;
mod open;
pub mod preview;
mod reset;
mod run;
mod watch;

pub use self::{
    backend::{Backend, Configuration, Gates, Logs, Reset, Runs},
    commands::{DEFAULT_WORKFLOW, workflow_flag},
    error::BackendError,
    gates::{Decision, DecisionOutcome, Gate, GateState, Verdict},
    kubernetes::{Applied, Argo, ArgoError, Fault, Operation, UnpackError},
    local::{Local, LocalError, open_store},
    log_record::LogRecord,
    logs::{LogEvent, LogQuery, LogSender, LogSource},
    model::{
        Branch, EngineKind, GatePlace, NodeState, NodeValue, NodeWaiting, Observation, Outline,
        RunModel, RunNode, StepCounts, Trouble, plain,
    },
    notices::Notices,
    object_kind::ObjectKind,
    open::open,
    reset::{Part, Removable, RemovableKind},
    run::{ResumeReport, Run, StopMode, StopReport, Submission},
};
