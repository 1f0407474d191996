//! Work: take items until none is left.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cluster::Client;
use register_step::{
    faults,
    working_state::{Stored, key_of},
};
use step_api::{
    Exit, Failure,
    rfs::{Ledger, RfsAnswer, RfsRole},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Step,
    assembly::Types,
    lease::{Lease, Observer, Verdict},
    state::{self, Item, ItemState},
    transfer::{Ended, Surroundings, transfer},
};

/// Items looked at in one search.
const LOOKED_AT: usize = 500;

/// Takes of an item without any progress, before it is taken for the cause.
const FRUITLESS_TAKES: u32 = 6;

/// The longest wait before looking again for items that others hold.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// For how long passing faults are endured without any progress between them. A process that
/// ends is started again, but not without limit.
const ENDURANCE: Duration = Duration::from_mins(10);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often it is looked, in a pause, whether this process was asked to end.
const LOOKED_EACH: Duration = Duration::from_millis(250);

struct Worker {
    surroundings: Surroundings,
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

/// Passing faults without any progress between them.
#[derive(Default)]
struct Trouble {
    since: Option<Duration>,
    pauses: u32,
}

impl Trouble {
    /// Notes a fault and says how long to wait; `None` if this has been going on for too long.
    fn pause(&mut self, now: Duration) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= ENDURANCE {
            return None;
        }
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.pauses));
        self.pauses += 1;
        Some(doubled.min(LONGEST_PAUSE))
    }
}

pub(crate) async fn work(step: Step) -> anyhow::Result<RfsAnswer> {
    let Step { request, context, client, opened } = step;
    let version = cluster::version::detect(&client).await.map_err(faults::of_cluster)?;
    let typed = !version.is_opensearch() && version.major < 7;
    // Two processes may have got one name; the random part keeps their items apart.
    let holder = format!("{}/{}", context.worker, uuid::Uuid::new_v4());
    let snapshot = opened.snapshot.uuid.clone();
    let worker = Worker {
        begin: key_of(&[&holder]),
        holder,
        lease: Duration::from_secs(u64::from(request.limits.lease_seconds.max(1))),
        surroundings: Surroundings {
            client,
            repository: opened.repository,
            snapshot: opened.snapshot,
            limits: request.limits,
            types: if typed { Types::Kept } else { Types::Dropped },
            run: context.run.as_str().to_owned(),
            start: Instant::now(),
            stopping: watch_for_the_end()?,
        },
    };
    let scope = state::Scope {
        snapshot: &snapshot,
        migration: &request.migration,
        group: &request.group.name,
    };
    let Done { items, ledger, failed, progress: _ } = worker.work(scope).await?;
    if !failed.is_empty() {
        let message = format!("{} work items failed:\n{}", failed.len(), failed.join("\n"));
        return Err(Failure::new(Exit::Failed, message).into());
    }
    Ok(RfsAnswer { role: RfsRole::Work, items, ledger })
}

impl Worker {
    fn client(&self) -> &Client {
        &self.surroundings.client
    }

    fn now(&self) -> Duration {
        self.surroundings.start.elapsed()
    }

    /// Works in the face of passing faults, as long as there is some progress between them.
    async fn work(&self, scope: state::Scope<'_>) -> anyhow::Result<Done> {
        let mut observer = Observer::new(self.lease);
        let mut done = Done::default();
        let mut trouble = Trouble::default();
        loop {
            let before = done.progress;
            let Err(error) = self.until_none_is_left(scope, &mut observer, &mut done).await else {
                return Ok(done);
            };
            if done.progress > before {
                trouble = Trouble::default();
            }
            let passing = step_api::exit::exit_of(&error) == Exit::Temporary;
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
            if self.surroundings.stopping.load(Ordering::Relaxed) {
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
            let mut worked = false;
            for stored in open {
                if self.surroundings.stopping.load(Ordering::Relaxed) {
                    return Err(asked_to_end());
                }
                // What this process holds it does not work on now: giving it back went wrong.
                let held = stored.document.holder.as_ref().is_some_and(|it| *it != self.holder);
                let verdict = observer.observe(&stored.key, stored.version, held, self.now());
                if verdict != Verdict::Held
                    && let Some((item, lease)) = self.take(stored, done).await?
                {
                    worked = true;
                    self.one(item, lease, done).await?;
                }
            }
            if !worked {
                self.rest((self.lease / 8).min(LONGEST_WAIT)).await?;
            }
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
            done.failed.push(told(&item, &reason));
            let failed =
                Item { state: ItemState::Failed, holder: None, error: Some(reason), ..item };
            state::save(self.client(), stored.version, &failed).await?;
            return Ok(None);
        }
        let again = item.holder.as_ref() == Some(&self.holder);
        let attempts = item.attempts + u32::from(!again);
        let item = Item { holder: Some(self.holder.clone()), attempts, ..item };
        let version = state::save(self.client(), stored.version, &item).await?;
        Ok(version.map(|version| (item, Lease::taken(self.lease, version, before))))
    }

    /// Works on one item to its end.
    async fn one(&self, item: Item, lease: Lease, done: &mut Done) -> anyhow::Result<()> {
        let (index, shard, position) = (item.index.clone(), item.shard, item.position);
        tracing::info!(index, shard, position, "taken");
        let before = item.ledger;
        match transfer(&self.surroundings, item.clone(), lease).await {
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
                done.ledger.add(&since(&ledger, &before));
            }
            Ended::Failed(reason) => {
                tracing::error!(index, shard, "{reason}");
                done.failed.push(told(&item, &reason));
            }
            Ended::Lost => tracing::warn!(index, shard, "another worker has this item now"),
            Ended::Interrupted => return Err(asked_to_end()),
            Ended::GivenBack { exit, reason, position: reached } => {
                done.progress += reached.saturating_sub(position);
                return Err(Failure::new(exit, told(&item, &reason)).into());
            }
        }
        Ok(())
    }
}

fn asked_to_end() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "asked to end; the item under way was given back").into()
}

/// Sets a flag when this process is asked to end, so that its item need not wait for the lease.
fn watch_for_the_end() -> anyhow::Result<Arc<AtomicBool>> {
    let stopping = Arc::new(AtomicBool::new(false));
    let mut terminate =
        signal(SignalKind::terminate()).context("preparing for the end of the process")?;
    let mut interrupt =
        signal(SignalKind::interrupt()).context("preparing for the end of the process")?;
    let flag = Arc::clone(&stopping);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        flag.store(true, Ordering::Relaxed);
    });
    Ok(stopping)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_faults_are_endured_for_minutes_and_not_for_ever() {
        let mut trouble = Trouble::default();
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        while let Some(pause) = trouble.pause(now) {
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses.iter().max(), Some(&LONGEST_PAUSE));
        assert!(now >= Duration::from_secs(100) + ENDURANCE);
        assert!(Trouble::default().pause(now).is_some());
    }
}
