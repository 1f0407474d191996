//! Work: take items until none is left.
//!
//! One item is read at a time. While the last requests of one are under way the next one is begun,
//! so that the target is not left waiting between two shards:
//!
//! ```text
//!   item 1   read read read | requests |
//!   item 2                  | read read read | requests |
//! ```

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cluster::Client;
use contract::{
    Exit, Failure, Ledger,
    rfs::{RfsAnswer, RfsRole},
};
use coordination::working_state::{Stored, key_of};
use tokio::{
    sync::oneshot,
    task::{JoinError, JoinSet},
};

use crate::{
    Step,
    concurrency::Slots,
    endurance::Trouble,
    lease::{Lease, Observer, Verdict},
    state::{self, Item, ItemState},
    stopping::Stopping,
    transfer::{Ended, Surroundings, transfer},
};

/// Items looked at in one search.
const LOOKED_AT: usize = 500;

/// Takes of an item without any progress, before it is taken for the cause.
const FRUITLESS_TAKES: u32 = 6;

/// The longest wait before looking again for items that others hold.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often it is looked, in a pause, whether this process was asked to end.
const LOOKED_EACH: Duration = Duration::from_millis(250);

/// Items that are begun at once: one is read, and of one the last requests are under way.
const ITEMS_AT_ONCE: usize = 2;

struct Worker {
    surroundings: Arc<Surroundings>,
    holder: String,
    /// Where this worker begins to look, so that many workers do not try the same item first.
    begin: String,
    lease: Duration,
}

/// What this process did.
#[derive(Default)]
struct Done {
    items: u64,
    ledger: Ledger,
    failed: Vec<String>,
    /// Grows with each item that is done and each position that is passed.
    progress: u64,
}

pub(crate) async fn work(step: Step) -> anyhow::Result<RfsAnswer> {
    let Step { request, context, client, opened } = step;
    // Two processes may have got one name; the random part keeps their items apart.
    let holder = format!("{}/{}", context.worker, uuid::Uuid::new_v4());
    let snapshot = opened.snapshot.uuid.clone();
    let scope = state::Scope {
        snapshot: &snapshot,
        migration: &request.migration,
        group: &request.group.name,
    };
    let stopping = Stopping::watch(client.clone(), scope)?;
    let worker = Worker {
        begin: key_of(&[&holder]),
        holder,
        lease: Duration::from_secs(u64::from(request.limits.lease_seconds.max(1))),
        surroundings: Arc::new(Surroundings {
            client,
            repository: opened.repository,
            snapshot: opened.snapshot,
            limits: request.limits,
            slots: Slots::new(request.limits.connections),
            bytes_read: AtomicU64::new(0),
            run: context.run.as_str().to_owned(),
            start: Instant::now(),
            stopping,
        }),
    };
    let mut done = Done::default();
    let result = worker.work(scope, &mut done).await;
    let run_has_ended = worker.surroundings.stopping.run_has_ended.load(Ordering::Relaxed);
    match result {
        Ok(()) => tracing::info!(items = done.items, "no work items are left"),
        Err(error) if run_has_ended => {
            tracing::warn!("the run has ended, and what is left of its work stays open: {error:#}");
        }
        Err(error) => return Err(error),
    }
    let Done { items, ledger, failed, progress: _ } = done;
    if !failed.is_empty() && !run_has_ended {
        let message = format!("{} work items failed:\n{}", failed.len(), failed.join("\n"));
        return Err(Failure::new(Exit::Failed, message).into());
    }
    let bytes_read = worker.surroundings.bytes_read.load(Ordering::Relaxed);
    Ok(RfsAnswer { role: RfsRole::Work, items, ledger, bytes_read })
}

/// Items that this process has begun.
#[derive(Default)]
struct UnderWay {
    transfers: JoinSet<(Item, Ended)>,
    /// Ends when the item begun last is read to its end.
    reading: Option<oneshot::Receiver<Infallible>>,
}

impl Worker {
    fn client(&self) -> &Client {
        &self.surroundings.client
    }

    fn now(&self) -> Duration {
        self.surroundings.start.elapsed()
    }

    /// Works in the face of passing faults, as long as there is some progress between them.
    async fn work(&self, scope: state::Scope<'_>, done: &mut Done) -> anyhow::Result<()> {
        let mut observer = Observer::new(self.lease);
        let mut trouble = Trouble::default();
        loop {
            let before = done.progress;
            let Err(error) = self.until_none_is_left(scope, &mut observer, done).await else {
                return Ok(());
            };
            if done.progress > before {
                trouble.ends();
            }
            let passing = contract::exit::exit_of(&error) == Exit::Temporary;
            let Some(pause) = trouble.pause(self.now()).filter(|_| passing) else {
                return Err(error);
            };
            tracing::warn!("work goes on in {pause:?}: {error:#}");
            self.rest(pause).await?;
        }
    }

    /// Waits, unless this process is asked to end.
    async fn rest(&self, length: Duration) -> anyhow::Result<()> {
        let end = self.now() + length;
        loop {
            if self.surroundings.is_stopping() {
                return Err(asked_to_end());
            }
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOKED_EACH)).await;
        }
    }

    async fn until_none_is_left(
        &self,
        scope: state::Scope<'_>,
        observer: &mut Observer,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        loop {
            let open =
                state::some_in_state(self.client(), scope, ItemState::Open, &self.begin, LOOKED_AT)
                    .await?;
            if open.is_empty() {
                return Ok(());
            }
            let seen: BTreeSet<String> = open.iter().map(|stored| stored.key.clone()).collect();
            observer.retain(&seen);
            let mut under_way = UnderWay::default();
            let begun = self.begin(open, observer, done, &mut under_way).await;
            // What was begun comes to its end, whatever happened to the others.
            let mut ended = Ok(());
            while !under_way.transfers.is_empty() {
                ended = ended.and(self.one_ends(&mut under_way, done).await);
            }
            let worked = begun?;
            ended?;
            if !worked {
                self.rest((self.lease / 8).min(LONGEST_WAIT)).await?;
            }
        }
    }

    /// Begins those of the items that may be taken, one after the other; answers whether there
    /// was any.
    async fn begin(
        &self,
        open: Vec<Stored<Item>>,
        observer: &mut Observer,
        done: &mut Done,
        under_way: &mut UnderWay,
    ) -> anyhow::Result<bool> {
        let mut worked = false;
        for stored in open {
            if self.surroundings.is_stopping() {
                return Err(asked_to_end());
            }
            // What this process holds it does not work on now: giving it back went wrong.
            let held = stored.document.holder.as_ref().is_some_and(|it| *it != self.holder);
            let verdict = observer.observe(&stored.key, stored.version, held, self.now());
            if verdict == Verdict::Held {
                continue;
            }
            self.until_there_is_room(under_way, done).await?;
            if let Some((item, lease)) = self.take(stored, done).await? {
                worked = true;
                self.start(item, lease, under_way);
            }
        }
        Ok(worked)
    }

    /// Waits until no item is being read and another one may be begun.
    async fn until_there_is_room(
        &self,
        under_way: &mut UnderWay,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        loop {
            if let Some(reading) = &mut under_way.reading {
                tokio::select! {
                    // It is never sent to: it is dropped.
                    _ = reading => under_way.reading = None,
                    Some(ended) = under_way.transfers.join_next() => Self::note(ended, done)?,
                }
            } else if under_way.transfers.len() >= ITEMS_AT_ONCE {
                self.one_ends(under_way, done).await?;
            } else {
                return Ok(());
            }
        }
    }

    async fn one_ends(&self, under_way: &mut UnderWay, done: &mut Done) -> anyhow::Result<()> {
        match under_way.transfers.join_next().await {
            Some(ended) => Self::note(ended, done),
            None => Ok(()),
        }
    }

    /// Takes an item, unless somebody else was faster.
    async fn take(
        &self,
        stored: Stored<Item>,
        done: &mut Done,
    ) -> anyhow::Result<Option<(Item, Lease)>> {
        let before = self.now();
        let item = stored.document;
        if item.attempts >= FRUITLESS_TAKES {
            let reason = format!(
                "it was taken {} times and no document was written; the last reason given: {}",
                item.attempts,
                item.error.as_deref().unwrap_or(
                    "none, so the worker was killed each time, perhaps for lack of memory"
                )
            );
            let message = told(&item, &reason);
            let failed =
                Item { state: ItemState::Failed, holder: None, error: Some(reason), ..item };
            if state::save(self.client(), stored.version, &failed).await?.is_some() {
                done.failed.push(message);
            }
            return Ok(None);
        }
        let again = item.holder.as_ref() == Some(&self.holder);
        let attempts = item.attempts + u32::from(!again);
        let item = Item { holder: Some(self.holder.clone()), attempts, ..item };
        let version = state::save(self.client(), stored.version, &item).await?;
        Ok(version.map(|version| (item, Lease::taken(self.lease, version, before))))
    }

    /// Starts to work on an item.
    fn start(&self, item: Item, lease: Lease, under_way: &mut UnderWay) {
        let Item { index, shard, position, .. } = &item;
        tracing::info!(index, shard, position, "taken");
        let (reading, read) = oneshot::channel();
        under_way.reading = Some(read);
        let surroundings = Arc::clone(&self.surroundings);
        under_way.transfers.spawn(async move {
            let ended = transfer(&surroundings, item.clone(), lease, reading).await;
            (item, ended)
        });
    }

    /// Notes how an item ended, which is given as it was when it was taken.
    fn note(ended: Result<(Item, Ended), JoinError>, done: &mut Done) -> anyhow::Result<()> {
        let (item, ended) = ended.context("the work on an item came to a sudden end")?;
        let Item { index, shard, position, .. } = &item;
        match ended {
            Ended::Done(ledger) => {
                tracing::info!(
                    index,
                    shard,
                    accepted = ledger.accepted,
                    rejected = ledger.rejected,
                    "done"
                );
                done.items += 1;
                done.progress += 1;
                done.ledger.add(&since(&ledger, &item.ledger));
            }
            Ended::Failed(reason) => {
                tracing::error!(index, shard, "{reason}");
                done.failed.push(told(&item, &reason));
            }
            Ended::Lost => tracing::warn!(index, shard, "another worker has this item now"),
            Ended::Interrupted => return Err(asked_to_end()),
            Ended::GivenBack { exit, reason, position: reached } => {
                done.progress += reached.saturating_sub(*position);
                return Err(Failure::new(exit, told(&item, &reason)).into());
            }
        }
        Ok(())
    }
}

fn asked_to_end() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "asked to end; the item under way was given back").into()
}

fn told(item: &Item, reason: &str) -> String {
    format!("index `{}` shard {}: {reason}", item.index, item.shard)
}

/// What this process added to an item that another one had begun.
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
