//! Work: take items until none is left.
//!
//! One item is read at a time. While the last requests of one are under way the next one is begun,
//! so that the target is not left waiting between two items:
//!
//! ```text
//!   item 1   read read read | requests |
//!   item 2                  | read read read | requests |
//! ```

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use cluster::Client;
use contract::{Failure, Ledger, WorkerName};
use state_store::{Scope, Stored, key_of};
use tokio::{
    sync::oneshot,
    task::{JoinError, JoinSet},
};

use crate::{
    FleetError,
    back_off::BackOff,
    held_item::{HeldItem, Interrupt, ItemOutcome},
    item::{Item, ItemState},
    items,
    lease::{Availability, Lease, Observer},
    stop::StopSignal,
    work::Work,
};

/// Items read in one search.
const SEARCH_SIZE: usize = 500;

/// Attempts at an item without any progress, after which the item itself counts as the cause.
const MAX_FRUITLESS_ATTEMPTS: u32 = 6;

/// The longest wait before searching again for items that other workers hold.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How often a pause checks whether this process is asked to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Items that are begun at the same time: one is read, and of one the last requests are under way.
const MAX_ITEMS: usize = 2;

/// What a worker does with an item.
pub trait Worker<W: Work>: Send + Sync + 'static {
    /// Works on an item until it is done. Drops `reading` when everything is read and only requests
    /// are under way, so that the next item may begin.
    ///
    /// `Ok` means that the item is done: [`HeldItem::advance`] was called with its last cursor and a
    /// ledger that adds up.
    fn perform(
        &self,
        item: &mut HeldItem<W>,
        reading: Reading,
    ) -> impl Future<Output = Result<(), Interrupt>> + Send;
}

/// While it exists, an item is being read.
#[derive(Debug)]
pub struct Reading {
    _open: oneshot::Sender<Infallible>,
}

/// Where the items are, and how long a lease on one of them is.
#[derive(Clone, Debug)]
pub struct FleetScope {
    /// The cluster with the state.
    pub client: Client,
    /// The migration, the group and the origin.
    pub scope: Scope,
    /// The length of a lease.
    pub lease: Duration,
}

/// What a process has done.
#[derive(Debug, Default)]
pub struct WorkReport {
    /// Items that it finished.
    pub items: u64,
    /// What it added to the ledgers of these items.
    pub ledger: Ledger,
    /// Why items failed, a line each.
    pub failed: Vec<String>,
    /// Grows with each item that is done and each cursor that advanced.
    progress: u64,
}

/// Takes items until none is left; fails if one of them failed. A run that has ended is no failure,
/// whatever its last requests came to.
pub async fn work<W: Work>(
    fleet: FleetScope,
    name: &WorkerName,
    worker: Arc<impl Worker<W>>,
    stop: Arc<StopSignal>,
) -> Result<WorkReport, FleetError> {
    // Two processes may have got one name; the random part keeps their items apart.
    let holder = format!("{name}/{}", uuid::Uuid::new_v4());
    let process = Process {
        begin: key_of(&[&holder]),
        holder,
        start: Instant::now(),
        fleet,
        worker,
        stop: Arc::clone(&stop),
        report: WorkReport::default(),
        work: std::marker::PhantomData::<W>,
    };
    let (report, result) = process.run().await;
    match result {
        Ok(()) => tracing::info!(items = report.items, "no work items are left"),
        Err(error) if stop.run_has_ended() => {
            let failure = Failure::from(error);
            tracing::warn!("the run has ended, and what is left of its work stays open: {failure}");
        }
        Err(error) => return Err(error),
    }
    if !report.failed.is_empty() && !stop.run_has_ended() {
        let WorkReport { failed: reasons, .. } = report;
        return Err(FleetError::ItemsFailed {
            summary: format!("{} work items failed", reasons.len()),
            reasons,
        });
    }
    Ok(report)
}

/// A process of the fleet.
struct Process<W, K> {
    fleet: FleetScope,
    worker: Arc<K>,
    stop: Arc<StopSignal>,
    holder: String,
    /// The key after which this process begins to search, so that many processes do not try the
    /// same item first.
    begin: String,
    start: Instant,
    report: WorkReport,
    work: std::marker::PhantomData<W>,
}

/// Items that this process has begun.
struct InProgress<W: Work> {
    tasks: JoinSet<ItemReport<W>>,
    /// Ends when the item begun last is read to its end.
    reading: Option<oneshot::Receiver<Infallible>>,
}

/// What became of an item.
struct ItemReport<W: Work> {
    /// The item as it was when it was taken.
    taken: Item<W>,
    reached: (W::Cursor, Ledger),
    outcome: ItemOutcome,
}

impl<W: Work, K: Worker<W>> Process<W, K> {
    fn client(&self) -> &Client {
        &self.fleet.client
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Works in the face of transient faults, as long as there is some progress between them.
    async fn run(mut self) -> (WorkReport, Result<(), FleetError>) {
        let mut observer = Observer::new(self.fleet.lease);
        let mut back_off = BackOff::default();
        let result = loop {
            let before = self.report.progress;
            let Err(error) = self.until_none_is_left(&mut observer).await else { break Ok(()) };
            if self.report.progress > before {
                back_off.reset();
            }
            let Some(pause) = back_off.pause(self.now()).filter(|_| error.is_temporary()) else {
                break Err(error);
            };
            tracing::warn!("work continues in {pause:?}: {}", Failure::from(error));
            if let Err(stopped) = self.rest(pause).await {
                break Err(stopped);
            }
        };
        (self.report, result)
    }

    /// Waits, unless this process is asked to stop.
    async fn rest(&self, length: Duration) -> Result<(), FleetError> {
        let end = self.now() + length;
        loop {
            if self.stop.is_stopping() {
                return Err(FleetError::Interrupted);
            }
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(POLL_INTERVAL)).await;
        }
    }

    async fn until_none_is_left(&mut self, observer: &mut Observer) -> Result<(), FleetError> {
        loop {
            let open = items::some_in_state::<W>(
                self.client(),
                &self.fleet.scope,
                ItemState::Open,
                &self.begin,
                SEARCH_SIZE,
            )
            .await?;
            if open.is_empty() {
                return Ok(());
            }
            let seen: BTreeSet<String> = open.iter().map(|stored| stored.key.clone()).collect();
            observer.retain(&seen);
            let mut in_progress = InProgress { tasks: JoinSet::new(), reading: None };
            let begun = self.begin(open, observer, &mut in_progress).await;
            // What was begun comes to its end, whatever happened to the others.
            let mut ended = Ok(());
            while !in_progress.tasks.is_empty() {
                ended = ended.and(self.one_ends(&mut in_progress).await);
            }
            let worked = begun?;
            ended?;
            if !worked {
                self.rest((self.fleet.lease / 8).min(MAX_WAIT)).await?;
            }
        }
    }

    /// Begins those of the items that may be taken, one after the other; returns whether there
    /// was any.
    async fn begin(
        &mut self,
        open: Vec<Stored<Item<W>>>,
        observer: &mut Observer,
        in_progress: &mut InProgress<W>,
    ) -> Result<bool, FleetError> {
        let mut worked = false;
        for stored in open {
            if self.stop.is_stopping() {
                return Err(FleetError::Interrupted);
            }
            // An item that this process holds is not in progress: giving it back went wrong.
            let holder = stored.document.lease.holder.as_ref();
            let held = holder.is_some_and(|holder| *holder != self.holder);
            let availability = observer.observe(&stored.key, stored.version, held, self.now());
            if availability == Availability::Held {
                continue;
            }
            self.until_there_is_room(in_progress).await?;
            if let Some((item, lease)) = self.take(stored).await? {
                worked = true;
                self.start(item, lease, in_progress);
            }
        }
        Ok(worked)
    }

    /// Waits until no item is being read and another one may be begun.
    async fn until_there_is_room(
        &mut self,
        in_progress: &mut InProgress<W>,
    ) -> Result<(), FleetError> {
        loop {
            if let Some(reading) = &mut in_progress.reading {
                tokio::select! {
                    // It is never sent to: it is dropped.
                    _ = reading => in_progress.reading = None,
                    Some(ended) = in_progress.tasks.join_next() => self.note(ended)?,
                }
            } else if in_progress.tasks.len() >= MAX_ITEMS {
                self.one_ends(in_progress).await?;
            } else {
                return Ok(());
            }
        }
    }

    async fn one_ends(&mut self, in_progress: &mut InProgress<W>) -> Result<(), FleetError> {
        match in_progress.tasks.join_next().await {
            Some(ended) => self.note(ended),
            None => Ok(()),
        }
    }

    /// Takes an item, unless another worker was faster.
    async fn take(
        &mut self,
        stored: Stored<Item<W>>,
    ) -> Result<Option<(Item<W>, Lease)>, FleetError> {
        // The lease counts from before the write, so that it never outlasts what others see.
        let before = self.now();
        let Stored { document: mut item, version, .. } = stored;
        if item.lease.attempts >= MAX_FRUITLESS_ATTEMPTS {
            let reason = format!(
                "{} attempts wrote no document; the last one ended with: {}",
                item.lease.attempts,
                item.lease.error.as_deref().unwrap_or(
                    "no reason, so the worker was killed each time, perhaps for lack of memory"
                )
            );
            let message = format!("{}: {reason}", item.name());
            if items::save(self.client(), version, &item.failed(reason)).await?.is_some() {
                self.report.failed.push(message);
            }
            return Ok(None);
        }
        if item.lease.holder.as_ref() != Some(&self.holder) {
            item.lease.attempts += 1;
        }
        item.lease.holder = Some(self.holder.clone());
        let version = items::save(self.client(), version, &item).await?;
        Ok(version.map(|version| (item, Lease::taken(self.fleet.lease, version, before))))
    }

    /// Starts to work on an item.
    fn start(&self, item: Item<W>, lease: Lease, in_progress: &mut InProgress<W>) {
        tracing::info!(cursor = ?item.cursor, "taken: {}", item.name());
        let (open, read) = oneshot::channel();
        in_progress.reading = Some(read);
        let (client, stop) = (self.client().clone(), Arc::clone(&self.stop));
        let mut held = HeldItem::new(client, item.clone(), lease, self.start, stop);
        let worker = Arc::clone(&self.worker);
        in_progress.tasks.spawn(async move {
            let ended = worker.perform(&mut held, Reading { _open: open }).await;
            let outcome = held.close(ended).await;
            ItemReport { taken: item, reached: held.reached().clone(), outcome }
        });
    }

    /// Notes how an item ended.
    fn note(&mut self, ended: Result<ItemReport<W>, JoinError>) -> Result<(), FleetError> {
        let ItemReport { taken, reached, outcome } = ended.map_err(FleetError::Aborted)?;
        let (cursor, ledger) = reached;
        let name = taken.name();
        match outcome {
            ItemOutcome::Done => {
                let Ledger { accepted, rejected, .. } = ledger;
                tracing::info!(accepted, rejected, "done: {name}");
                self.report.items += 1;
                self.report.progress += 1;
                self.report.ledger.add(&since(&ledger, &taken.ledger));
            }
            ItemOutcome::Failed(reason) => {
                tracing::error!("{name}: {reason}");
                self.report.failed.push(format!("{name}: {reason}"));
            }
            ItemOutcome::Lost => tracing::warn!("another worker has this item now: {name}"),
            ItemOutcome::Interrupted => return Err(FleetError::Interrupted),
            ItemOutcome::GivenBack { exit, reason } => {
                self.report.progress += u64::from(cursor != taken.cursor);
                return Err(FleetError::GivenBack { item: name, reason, exit });
            }
        }
        Ok(())
    }
}

/// Returns what this process added to an item that another one had begun.
fn since(now: &Ledger, before: &Ledger) -> Ledger {
    let Ledger { physical, deleted, nested, without_source, live, accepted, rejected, bytes } =
        *now;
    Ledger {
        physical: physical.saturating_sub(before.physical),
        deleted: deleted.saturating_sub(before.deleted),
        nested: nested.saturating_sub(before.nested),
        without_source: without_source.saturating_sub(before.without_source),
        live: live.saturating_sub(before.live),
        accepted: accepted.saturating_sub(before.accepted),
        rejected: rejected.saturating_sub(before.rejected),
        bytes: bytes.saturating_sub(before.bytes),
    }
}
