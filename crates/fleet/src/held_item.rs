//! An item that this process holds: how does it advance, and how is it given back?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cluster::Client;
use contract::{Exit, Failure, Ledger};
use state_store::StoreError;
use tokio::sync::watch;

use crate::{
    item::{Item, ItemLease, ItemState},
    items,
    lease::Lease,
    stop::StopSignal,
    work::Work,
};

/// How often progress is recorded while there is some. The first progress is recorded immediately:
/// it proves that the item can be worked on.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// Why the work on an item stops before its end.
#[derive(Debug)]
pub enum Interrupt {
    /// Another worker has it.
    Lost,
    /// This process is asked to stop.
    Stopping,
    /// The lease ran out, so the item may be another worker's.
    LeaseExpired,
    /// The item cannot be done.
    Failed(String),
    /// The item is given back, to be tried again.
    GivenBack {
        /// The code of the cause.
        exit: Exit,
        /// Why.
        reason: String,
    },
}

/// How the work on an item ended.
#[derive(Debug)]
pub(crate) enum ItemOutcome {
    /// Done; the ledger adds up.
    Done,
    /// It cannot be done.
    Failed(String),
    /// Another worker has it.
    Lost,
    /// It was given back, to be tried again later.
    GivenBack { exit: Exit, reason: String },
    /// It was given back because this process is asked to stop; nothing is wrong with it.
    Interrupted,
}

/// An item and the lease on it.
#[derive(Debug)]
pub struct HeldItem<W: Work> {
    client: Client,
    item: Item<W>,
    lease: Lease,
    /// How far the work is; recorded at times.
    reached: (W::Cursor, Ledger),
    /// When progress was recorded last.
    recorded: Option<Duration>,
    /// Publishes until when the lease is valid.
    valid_until: watch::Sender<Instant>,
    /// The moment from which all times are counted.
    start: Instant,
    stop: Arc<StopSignal>,
}

impl<W: Work> HeldItem<W> {
    pub(crate) fn new(
        client: Client,
        item: Item<W>,
        lease: Lease,
        start: Instant,
        stop: Arc<StopSignal>,
    ) -> Self {
        let reached = (item.cursor.clone(), item.ledger);
        let valid_until = watch::Sender::new(start + lease.valid_until());
        Self { client, item, lease, reached, recorded: None, valid_until, start, stop }
    }

    /// Returns the item as it was recorded last.
    pub fn item(&self) -> &Item<W> {
        &self.item
    }

    /// Returns the moment until which this process may act on the item; each renewal changes it.
    pub fn valid_until(&self) -> watch::Receiver<Instant> {
        self.valid_until.subscribe()
    }

    /// Notes how far the work is: everything before `cursor` is acknowledged, and `ledger` counts
    /// exactly that. [`HeldItem::renew`] records it.
    pub fn advance(&mut self, cursor: W::Cursor, ledger: Ledger) {
        self.reached = (cursor, ledger);
    }

    /// Returns how far the work is.
    pub fn reached(&self) -> &(W::Cursor, Ledger) {
        &self.reached
    }

    /// Records the progress if there is some, and renews the lease if it is time. Call it several
    /// times a second. An error says why the work must stop.
    pub async fn renew(&mut self) -> Result<(), Interrupt> {
        if self.stop.is_stopping() {
            return Err(Interrupt::Stopping);
        }
        let now = self.start.elapsed();
        let (cursor, ledger) = &self.reached;
        let moved = (cursor, ledger) != (&self.item.cursor, &self.item.ledger);
        let early = self.recorded.is_some_and(|at| now.saturating_sub(at) < CHECKPOINT_INTERVAL);
        if (!moved || early) && !self.lease.is_due(now) {
            return Ok(());
        }
        let item = self.item.clone().advanced(cursor.clone(), *ledger);
        match items::save(&self.client, self.lease.version(), &item).await {
            Ok(Some(version)) => {
                self.lease.renewed(version, now);
                self.valid_until.send_replace(self.start + self.lease.valid_until());
                self.item = item;
                if moved {
                    self.recorded = Some(now);
                }
                Ok(())
            }
            Ok(None) => Err(Interrupt::Lost),
            Err(error) => Err(error.into()),
        }
    }

    /// Records how the work ended.
    pub(crate) async fn close(&self, ended: Result<(), Interrupt>) -> ItemOutcome {
        let outcome = ItemOutcome::from(ended);
        let (cursor, ledger) = self.reached.clone();
        let advanced = self.item.clone().advanced(cursor, ledger);
        let Some(lease) = closing_lease(&outcome, &self.item.lease, advanced.lease.attempts) else {
            return outcome;
        };
        let item = Item { lease, ..advanced };
        match items::save(&self.client, self.lease.version(), &item).await {
            Ok(Some(_)) => outcome,
            Ok(None) => ItemOutcome::Lost,
            Err(error) => match outcome {
                ItemOutcome::Done => ItemOutcome::from(Err(Interrupt::from(error))),
                // What was to be recorded is worse than that it could not be recorded.
                ItemOutcome::Failed(_)
                | ItemOutcome::GivenBack { .. }
                | ItemOutcome::Interrupted
                | ItemOutcome::Lost => outcome,
            },
        }
    }
}

/// Returns the lease with which an item is given back or ended; `None` if it belongs to another
/// worker by now. `held` is the lease before, `attempts` counts those without progress.
fn closing_lease(outcome: &ItemOutcome, held: &ItemLease, attempts: u32) -> Option<ItemLease> {
    let (state, error) = match outcome {
        ItemOutcome::Lost => return None,
        ItemOutcome::Done => (ItemState::Done, None),
        ItemOutcome::Failed(reason) => (ItemState::Failed, Some(reason.clone())),
        ItemOutcome::GivenBack { reason, .. } => (ItemState::Open, Some(reason.clone())),
        ItemOutcome::Interrupted => (ItemState::Open, held.error.clone()),
    };
    // A request to stop says nothing against the item, nor does a transient fault.
    let does_not_count = matches!(
        outcome,
        ItemOutcome::Interrupted | ItemOutcome::GivenBack { exit: Exit::Temporary, .. }
    );
    let attempts = attempts.saturating_sub(u32::from(does_not_count));
    Some(ItemLease { state, holder: None, attempts, error })
}

impl From<Result<(), Interrupt>> for ItemOutcome {
    fn from(ended: Result<(), Interrupt>) -> Self {
        match ended {
            Ok(()) => Self::Done,
            Err(Interrupt::Lost) => Self::Lost,
            Err(Interrupt::Stopping) => Self::Interrupted,
            Err(Interrupt::Failed(reason)) => Self::Failed(reason),
            Err(Interrupt::GivenBack { exit, reason }) => Self::GivenBack { exit, reason },
            // If no other worker took it meanwhile, it can still be given back.
            Err(Interrupt::LeaseExpired) => Self::GivenBack {
                exit: Exit::Temporary,
                reason: "the target accepted no renewal of the lease until it ran out".to_owned(),
            },
        }
    }
}

impl From<StoreError> for Interrupt {
    fn from(error: StoreError) -> Self {
        let Failure { exit, message: reason } = error.into();
        Self::GivenBack { exit, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_attempts_that_say_something_against_the_item_count() {
        let held = ItemLease { attempts: 3, error: Some("before".to_owned()), ..ItemLease::FREE };
        let given_back = |exit| ItemOutcome::GivenBack { exit, reason: "why".to_owned() };
        let table = [
            (ItemOutcome::Done, ItemState::Done, 3, None),
            (ItemOutcome::Failed("no".to_owned()), ItemState::Failed, 3, Some("no")),
            (given_back(Exit::Temporary), ItemState::Open, 2, Some("why")),
            (given_back(Exit::NotPermitted), ItemState::Open, 3, Some("why")),
            (ItemOutcome::Interrupted, ItemState::Open, 2, Some("before")),
        ];
        for (outcome, state, attempts, error) in table {
            let error = error.map(str::to_owned);
            let expected = ItemLease { state, holder: None, attempts, error };
            assert_eq!(closing_lease(&outcome, &held, 3), Some(expected), "{outcome:?}");
        }
        assert_eq!(closing_lease(&ItemOutcome::Lost, &held, 3), None);
    }
}
