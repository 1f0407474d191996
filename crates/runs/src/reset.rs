//! Removing what workflows leave behind.

use std::fmt;

use argo::NodePhase;

use crate::object_kind::ObjectKind;

/// Something that can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// The name to type.
    pub name: String,
    /// What it is.
    pub kind: RemovableKind,
    /// The objects that it consists of.
    pub parts: Vec<Part>,
    /// The names of what cannot work without it.
    pub needed_by: Vec<String>,
}

/// What can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovableKind {
    /// The runs of a workflow; the newest one has this phase.
    Workflow(NodePhase),
    /// What is left over of a workflow that is gone.
    Leftovers,
    /// The objects that all workflows share.
    Shared,
}

/// An object that [`Reset::remove`](crate::Reset::remove) removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A run of the embedded engine.
    Run {
        /// Its id.
        uid: String,
    },
    /// An object of a namespace.
    Object {
        /// Its kind.
        kind: ObjectKind,
        /// Its name.
        name: String,
    },
}

/// `run 0d2f...` or `ConfigMap/migration-workflow-decisions`.
impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { uid } => write!(formatter, "run {uid}"),
            Self::Object { kind, name } => write!(formatter, "{}/{name}", kind.name()),
        }
    }
}
