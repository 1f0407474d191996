//! What in these manifests cannot be run here, and where is it?

use std::fmt;

/// Something in a manifest that this engine does not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The object, as in ``WorkflowTemplate `argosy-rfs` ``.
    pub object: String,
    /// The place in it, as in `spec.templates[3].dag.tasks[0].withArtifact`.
    pub path: String,
    /// Why it is refused.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, path, message } = self;
        write!(formatter, "{object}: ")?;
        if !path.is_empty() {
            write!(formatter, "{path}: ")?;
        }
        formatter.write_str(message)
    }
}

impl std::error::Error for Refusal {}

/// Collects refusals of one object.
#[derive(Debug)]
pub(crate) struct Refusals {
    object: String,
    found: Vec<Refusal>,
}

impl Refusals {
    /// Starts with none.
    pub(crate) fn of(kind: &str, name: &str) -> Self {
        Self { object: format!("{kind} `{name}`"), found: Vec::new() }
    }

    /// Adds one.
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        let (path, message) = (path.into(), message.to_string());
        self.found.push(Refusal { object: self.object.clone(), path, message });
    }

    /// Returns what was found.
    pub(crate) fn into_found(self) -> Vec<Refusal> {
        self.found
    }
}
