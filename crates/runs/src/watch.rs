//! How does a caller learn that a run has changed?
//!
//! ```text
//!  read the model -> yield it -> wait: for a sign of a change, at most `interval`
//!        ^                                                           |
//!        +-----------------------------------------------------------+
//! ```
//!
//! An engine never reports every change (a pod that cannot start changes no
//! Workflow, an engine that dies writes nothing), so the model is read after `interval` in any case.

use std::time::Duration;

use futures::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use crate::{error::BackendError, model::RunModel};

/// The shortest time between two models, however often a run changes.
const MIN_PAUSE: Duration = Duration::from_millis(200);

/// A sign that a run may have changed.
pub(crate) trait Changes: Send {
    /// Marks the present: the model is read after this.
    fn mark(&mut self);

    /// Returns when the run may have changed since the mark. Never returns if that cannot be known.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
}

/// Yields the model that `read` returns: now, after every change, and after each `interval`.
pub(crate) fn models<'a, C: Changes + 'a>(
    changes: C,
    interval: Duration,
    read: impl Fn() -> BoxFuture<'a, Result<RunModel, BackendError>> + Send + 'a,
) -> BoxStream<'a, Result<RunModel, BackendError>> {
    let first = true;
    stream::unfold((changes, read, first), move |(mut changes, read, is_first)| async move {
        if !is_first {
            let pause = MIN_PAUSE.min(interval);
            tokio::time::sleep(pause).await;
            let rest = interval.saturating_sub(pause);
            tokio::time::timeout(rest, changes.changed()).await.ok();
        }
        changes.mark();
        let reading = read();
        let model = reading.await;
        Some((model, (changes, read, false)))
    })
    .boxed()
}
