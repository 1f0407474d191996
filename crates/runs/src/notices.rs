//! What a caller should show to its user while a call is under way.

use std::{fmt, sync::Arc};

/// Receives sentences for a person, as in `waiting for the pods of the ended run`.
#[derive(Clone)]
pub struct Notices(Arc<dyn Fn(&str) + Send + Sync>);

impl Notices {
    /// Calls a function with each sentence.
    pub fn new(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(show))
    }

    /// Ignores them.
    pub fn ignored() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn show(&self, sentence: &str) {
        (self.0)(sentence);
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Notices")
    }
}
