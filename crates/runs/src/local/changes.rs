//! How do we notice that a local run has changed? The store has a revision.

use std::future::pending;

use engine::{Revision, Store};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::OnceCell;

use crate::watch::Changes;

/// Notices writes to the store.
pub(super) struct StoreChanges<'a> {
    /// Empty until the first reading opens the store.
    store: &'a OnceCell<Store>,
    /// The revision before the last reading.
    seen: Option<Revision>,
}

impl<'a> StoreChanges<'a> {
    pub(super) fn new(store: &'a OnceCell<Store>) -> Self {
        Self { store, seen: None }
    }

    async fn wait(&self) {
        let Some(store) = self.store.get() else { return pending().await };
        // Without a revision, something may have changed since the reading.
        let Some(seen) = self.seen else { return };
        if store.changed_since(seen).await.is_err() {
            // The next reading reports the error.
            pending::<()>().await;
        }
    }
}

impl Changes for StoreChanges<'_> {
    fn mark(&mut self) {
        self.seen = self.store.get().and_then(|store| store.revision().ok());
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }
}
