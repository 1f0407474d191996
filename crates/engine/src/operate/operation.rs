//! The state of one call of [`super::operate`], and the places in the tree that it passes on.

use jiff::Timestamp;

use crate::{
    node::Part,
    program::{Program, TemplateIndex},
    state::{Entry, RunState},
};

/// The outcome of [`operate`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OperateOutcome {
    /// What changed, in order; the state includes them already.
    pub(crate) entries: Vec<Entry>,
    /// When to decide again even if nothing happens.
    pub(crate) wake_at: Option<Timestamp>,
}

/// The reason why a node cannot be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

/// Whether a node was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartOutcome {
    Yes,
    /// The limit of `parallelism` is reached.
    NoRoom,
}

/// The place where a call is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// The DAG or steps node; none for the entrypoint and the exit handler.
    pub(super) frame: Option<&'a Frame>,
    /// The name of the task or step.
    pub(super) call: &'a str,
    pub(super) part: Part,
}

/// A DAG or steps node that is being walked.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) template: TemplateIndex,
    pub(super) inputs: Vec<(String, String)>,
    pub(super) part: Part,
}

/// One call of [`operate`].
pub(super) struct Operation<'a> {
    pub(super) program: &'a Program,
    pub(super) state: &'a mut RunState,
    pub(super) now: Timestamp,
    pub(super) done: OperateOutcome,
    pub(super) active_pods: usize,
    pub(super) depth: u32,
    /// `{{workflow.status}}`.
    pub(super) status: String,
}
