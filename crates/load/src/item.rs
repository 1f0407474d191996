//! How does the load of a work item keep how far it is? In the item itself.

use contract::RunId;
use fleet::{HeldItem, Interrupt, Work};
use serde_json::{Map, Value};

use crate::{
    acknowledged::Checkpoint,
    failed_documents::Provenance,
    source::LoadStop,
    transfer::{LoadJob, ProgressRecord},
};

impl<C: Clone> LoadJob<C> {
    /// Makes the job of an item that this process holds. `identity` and `fields` are those of
    /// [`Provenance`].
    pub fn of_item<W: Work<Cursor = C>>(
        held: &HeldItem<W>,
        run: RunId,
        identity: Vec<String>,
        fields: Map<String, Value>,
    ) -> Self {
        let item = held.item();
        let provenance = Provenance {
            run,
            scope: item.scope.clone(),
            item: item.key.clone(),
            index: item.index.clone(),
            identity,
            fields,
        };
        let from = Checkpoint { cursor: item.cursor.clone(), ledger: item.ledger };
        Self { provenance, from, permit: held.valid_until() }
    }
}

impl<W: Work> ProgressRecord<W::Cursor> for HeldItem<W> {
    type Stop = Interrupt;

    fn note(&mut self, checkpoint: &Checkpoint<W::Cursor>) {
        self.advance(checkpoint.cursor.clone(), checkpoint.ledger);
    }

    async fn record(&mut self) -> Result<(), Interrupt> {
        self.renew().await
    }
}

impl From<LoadStop> for Interrupt {
    fn from(stop: LoadStop) -> Self {
        match stop {
            LoadStop::Failed(reason) => Self::Failed(reason),
            LoadStop::GivenBack { exit, reason } => Self::GivenBack { exit, reason },
            LoadStop::PermitExpired => Self::LeaseExpired,
        }
    }
}
