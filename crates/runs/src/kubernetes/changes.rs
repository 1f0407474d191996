//! How do we notice that a Workflow has changed? The API server is asked to watch it.
//!
//! An account that may not watch Workflows notices nothing here; the caller's interval still applies.

use std::time::Duration;

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, pending},
    stream::BoxStream,
};
use tokio::sync::OnceCell;

use super::{fault::Fault, server::Server};
use crate::{object_kind::ObjectKind, watch::Changes};

/// How long to wait before a watch that ended is started again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Notices changes of a Workflow.
pub(super) struct WorkflowChanges<'a> {
    /// Empty until something connects.
    server: &'a OnceCell<Server>,
    name: String,
    events: Option<BoxStream<'static, ()>>,
    is_forbidden: bool,
}

impl<'a> WorkflowChanges<'a> {
    pub(super) fn new(server: &'a OnceCell<Server>, name: &str) -> Self {
        Self { server, name: name.to_owned(), events: None, is_forbidden: false }
    }

    /// Waits for the next event of the watch, which is started first if there is none.
    async fn next_event(&mut self) {
        loop {
            if self.is_forbidden {
                return pending().await;
            }
            if let Some(events) = &mut self.events {
                if events.next().await.is_some() {
                    return;
                }
                self.events = None;
                tokio::time::sleep(RETRY_DELAY).await;
            }
            let Some(server) = self.server.get() else {
                tokio::time::sleep(RETRY_DELAY).await;
                continue;
            };
            match server.watch(ObjectKind::Workflow, &self.name).await {
                Ok(events) => self.events = Some(events),
                Err(Fault::Forbidden { .. }) => self.is_forbidden = true,
                Err(_) => tokio::time::sleep(RETRY_DELAY).await,
            }
        }
    }
}

impl Changes for WorkflowChanges<'_> {
    /// The watch keeps the events that come while the model is read.
    fn mark(&mut self) {}

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.next_event().boxed()
    }
}
