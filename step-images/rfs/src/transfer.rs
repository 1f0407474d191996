//! How does one work item get to its end?
//!
//! One loop owns all state of the item: what is under way, what waits, what is acknowledged. It
//! starts requests while the window has room, takes in answers, reads ahead while there is room,
//! and records position and ledger together, which is what renews the lease.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cluster::Client;
use contract::{Exit, Ledger, rfs::RfsLimits};
use snapshot_repo::{Batch, DocumentRef, Position, RepositoryError, Snapshot, source};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::{Interval, MissedTickBehavior},
};

use crate::{
    acknowledged::{Acknowledged, Checkpoint},
    assembly::{Assembly, Document, Limits, Load},
    concurrency::{Slot, Slots},
    failed_documents::Refusal,
    lease::Lease,
    reader::{self, Read, Reader},
    sender::{Answer, Sender, Stop, Tries},
    state::{self, Item, ItemState},
    stopping::Stopping,
};

/// How often it is looked whether there is something to record.
const LOOKED_EACH: Duration = Duration::from_millis(250);

/// How often progress is recorded while there is some. The first progress is recorded at once: it
/// proves that the item can be worked on.
const RECORDED_EACH: Duration = Duration::from_secs(2);

/// Requests that wait for a place, before no more is read.
const WAITING: usize = 1;

/// What a transfer needs beside its item.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) client: Client,
    pub(crate) repository: snapshot_repo::Repository,
    pub(crate) snapshot: Snapshot,
    pub(crate) limits: RfsLimits,
    /// The requests that this process may have under way.
    pub(crate) slots: Slots,
    /// Bytes of the repository that were read for documents.
    pub(crate) bytes_read: AtomicU64,
    pub(crate) run: String,
    /// The moment from which all times are counted.
    pub(crate) start: Instant,
    /// Whether to stop before the end of the work.
    pub(crate) stopping: Arc<Stopping>,
}

impl Surroundings {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.at_once.load(Ordering::Relaxed)
    }
}

/// How an item ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Done; the ledger adds up.
    Done(Ledger),
    /// It cannot be done.
    Failed(String),
    /// Another worker has it.
    Lost,
    /// It was given back at this position, to be tried again later.
    GivenBack { exit: Exit, reason: String, position: u64 },
    /// It was given back because this process was asked to end; nothing is wrong with it.
    Interrupted,
}

/// Why the loop stopped before the end of the item.
#[derive(Debug)]
enum Halt {
    /// Another worker has it.
    Lost,
    Interrupted,
    Stop(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Dropped by a transfer when its item is read to the end and only requests are under way, so that
/// the next item may begin.
pub(crate) type Reading = oneshot::Sender<Infallible>;

/// Works on an item that was taken, until it ends in one way or another.
pub(crate) async fn transfer(
    surroundings: &Surroundings,
    item: Item,
    lease: Lease,
    reading: Reading,
) -> Ended {
    let mut transfer = Transfer::new(surroundings, item, lease, reading);
    let halted = transfer.run().await;
    transfer.under_way.abort_all();
    let Checkpoint { position, ledger } = transfer.acknowledged.checkpoint();
    let ended = match halted {
        Ok(()) => Ended::Done(ledger),
        Err(Halt::Lost) => Ended::Lost,
        Err(Halt::Interrupted) => Ended::Interrupted,
        Err(Halt::Stop(Stop::Failed(reason))) => Ended::Failed(reason),
        Err(Halt::Stop(Stop::GivenBack(exit, reason))) => {
            Ended::GivenBack { exit, reason, position }
        }
        // If nobody took it meanwhile, it can still be given back.
        Err(Halt::Stop(Stop::LeaseOver)) => Ended::GivenBack {
            exit: Exit::Temporary,
            reason: "the item could not be held: the target took no renewal for a whole lease"
                .to_owned(),
            position,
        },
    };
    transfer.close(ended).await
}

struct Transfer<'a> {
    surroundings: &'a Surroundings,
    sender: Arc<Sender>,
    item: Item,
    lease: Lease,
    /// Tells the requests under way of each renewal.
    renewals: watch::Sender<Lease>,
    /// When progress was recorded last.
    recorded: Option<Duration>,
    acknowledged: Acknowledged,
    assembly: Assembly,
    reading: Option<Reading>,
    /// Bytes of the repository read so far.
    bytes_read: u64,
    waiting: VecDeque<(Load, Tries)>,
    under_way: JoinSet<(Option<Slot>, Result<Answer, Stop>)>,
}

impl<'a> Transfer<'a> {
    fn new(surroundings: &'a Surroundings, item: Item, lease: Lease, reading: Reading) -> Self {
        let RfsLimits { bulk_bytes, bulk_documents, connections: _, lease_seconds: _ } =
            surroundings.limits;
        let limits = Limits {
            bytes: usize::try_from(bulk_bytes).unwrap_or(usize::MAX),
            documents: usize::try_from(bulk_documents).unwrap_or(usize::MAX),
        };
        let (renewals, renewed) = watch::channel(lease);
        let sender = Sender {
            client: surroundings.client.clone(),
            item: item.clone(),
            run: surroundings.run.clone(),
            lease: renewed,
            start: surroundings.start,
        };
        Self {
            surroundings,
            sender: Arc::new(sender),
            lease,
            renewals,
            recorded: None,
            acknowledged: Acknowledged::resume(item.checkpoint()),
            assembly: Assembly::new(limits),
            reading: Some(reading),
            bytes_read: 0,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            item,
        }
    }

    async fn run(&mut self) -> Result<(), Halt> {
        let mut tick = tokio::time::interval(LOOKED_EACH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reader = Some(self.open(&mut tick).await?);
        let mut freed = self.surroundings.slots.freed();
        let mut total = None;
        let mut broken: Option<Stop> = None;
        loop {
            self.start_requests();
            if reader.is_none() && self.waiting.is_empty() && self.under_way.is_empty() {
                break;
            }
            let room = self.waiting.len() < WAITING
                && self.under_way.len() <= self.surroundings.slots.size();
            let next = async {
                match reader.as_mut() {
                    Some(reader) if room => reader.next().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(answer) = self.under_way.join_next() => {
                    let (slot, answer) = answer.map_err(|error| {
                        Stop::Failed(format!("sending documents came to a sudden end: {error}"))
                    })?;
                    self.take_in(slot, answer?);
                }
                read = next => match read {
                    Some(Read::Batch { batch, bytes_read }) => {
                        self.count(bytes_read);
                        self.add(&batch);
                    }
                    Some(Read::End { total: known, bytes_read }) => {
                        self.count(bytes_read);
                        total = Some(known);
                        self.read_all(&mut reader);
                    }
                    Some(Read::Broken(error)) => {
                        broken = Some(of_repository(&error));
                        self.read_all(&mut reader);
                    }
                    Some(Read::Miscounted(message)) => {
                        broken = Some(Stop::Failed(message));
                        self.read_all(&mut reader);
                    }
                    None => {
                        let message = "reading the shard came to a sudden end".to_owned();
                        broken = Some(Stop::Failed(message));
                        self.read_all(&mut reader);
                    }
                },
                // Another item may have freed a place.
                Ok(()) = freed.changed(), if !self.waiting.is_empty() => {}
                _ = tick.tick() => self.look().await?,
            }
        }
        match (broken, total) {
            (None, Some(total)) => {
                self.check(total).map_err(|message| Stop::Failed(message).into())
            }
            (Some(stop), _) => Err(stop.into()),
            (None, None) => {
                Err(Stop::Failed("the shard was not read to its end".to_owned()).into())
            }
        }
    }

    /// Finds the shard's files and starts to read where the last holder stopped.
    async fn open(&mut self, tick: &mut Interval) -> Result<Reader, Halt> {
        let Surroundings { repository, snapshot, .. } = self.surroundings;
        let index = snapshot.index(&self.item.index).ok_or_else(|| {
            Stop::Failed(format!("the snapshot holds no index `{}`", self.item.index))
        })?;
        let mut finding = pin!(repository.shard_files(snapshot, index, self.item.shard));
        let files = loop {
            tokio::select! {
                files = &mut finding => break files.map_err(|error| of_repository(&error))?,
                _ = tick.tick() => self.look().await?,
            }
        };
        let from = Position(self.item.position);
        Ok(Reader::start(repository.documents(files, from)))
    }

    /// Looks whether to end, and whether there is something to record.
    async fn look(&mut self) -> Result<(), Halt> {
        if self.surroundings.is_stopping() {
            return Err(Halt::Interrupted);
        }
        self.record().await
    }

    fn read_all(&mut self, reader: &mut Option<Reader>) {
        *reader = None;
        self.reading = None;
        self.waiting.extend(self.assembly.close().map(|load| (load, Tries::default())));
    }

    /// Starts requests while the window has room; each one looks at the lease before it is sent.
    fn start_requests(&mut self) {
        while !self.waiting.is_empty()
            && let Some(slot) = self.surroundings.slots.take()
            && let Some((load, tries)) = self.waiting.pop_front()
        {
            let sender = Arc::clone(&self.sender);
            self.under_way.spawn(async move { (Some(slot), sender.send(load, tries).await) });
        }
    }

    /// Takes in the answer to a request.
    fn take_in(&mut self, slot: Option<Slot>, answer: Answer) {
        let Answer { accepted, rejected, again, busy, spent, too_many_bytes } = answer;
        if let Some(load) = spent {
            self.assembly.recycle(load);
        }
        if let Some(bytes) = too_many_bytes {
            self.assembly.shrink(bytes / 2);
        }
        match slot {
            Some(slot) if busy => slot.refused(),
            Some(slot) if again.is_empty() => slot.taken(),
            Some(_) | None => {}
        }
        for (batch, bytes) in accepted {
            self.acknowledged.accept(batch, bytes);
        }
        for batch in rejected {
            self.acknowledged.reject(batch);
        }
        // In front: what was read first is sent first, so that the checkpoint moves.
        for part in again.into_iter().rev() {
            self.waiting.push_front(part);
        }
    }

    /// Counts what was read of the repository.
    fn count(&mut self, bytes_read: u64) {
        let more = bytes_read.saturating_sub(self.bytes_read);
        self.bytes_read = bytes_read;
        self.surroundings.bytes_read.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds what was read to the requests.
    fn add(&mut self, read: &Batch) {
        let batch = self.acknowledged.read(read.positions().end, reader::counts(read));
        let mut unreadable = Vec::new();
        for document in read.documents() {
            // The targets that there are have no types.
            let DocumentRef { position, id, doc_type: _, routing, parent, source } = document;
            // One without a source is counted by the reader.
            let Some(source) = source else { continue };
            // A child of Elasticsearch 5 lives on the shard of its parent.
            let routing = routing.or(parent);
            match source::to_line(source) {
                Ok(line) => {
                    let document = Document { position, id, routing, source: &line };
                    let closed = self.assembly.push(document, batch);
                    self.waiting.extend(closed.map(|load| (load, Tries::default())));
                }
                Err(error) => unreadable.push(self.sender.refused(Refusal {
                    position,
                    id,
                    routing,
                    kind: "unreadable_source",
                    reason: &error.to_string(),
                    source,
                })),
            }
        }
        if !unreadable.is_empty() {
            // Not awaited here: the lease is renewed meanwhile.
            let sender = Arc::clone(&self.sender);
            self.under_way.spawn(async move { (None, sender.reject(batch, unreadable).await) });
        }
    }

    /// Records what is acknowledged, if there is news or the lease wants it.
    async fn record(&mut self) -> Result<(), Halt> {
        let now = self.surroundings.start.elapsed();
        let checkpoint = self.acknowledged.checkpoint();
        let moved = checkpoint != self.item.checkpoint();
        let early = self.recorded.is_some_and(|at| now.saturating_sub(at) < RECORDED_EACH);
        if (!moved || early) && !self.lease.is_due(now) {
            return Ok(());
        }
        let item = self.item.clone().advanced(checkpoint);
        let saved = state::save(&self.surroundings.client, self.lease.version(), &item).await;
        match saved {
            Ok(Some(version)) => {
                self.lease.renewed(version, now);
                self.renewals.send_replace(self.lease);
                self.item = item;
                if moved {
                    self.recorded = Some(now);
                }
                Ok(())
            }
            Ok(None) => Err(Halt::Lost),
            Err(error) => {
                let exit = contract::exit::exit_of(&error);
                Err(Stop::GivenBack(exit, format!("{error:#}")).into())
            }
        }
    }

    /// Checks that everything that the shard holds is accounted for.
    fn check(&self, total: u64) -> Result<(), String> {
        let checkpoint = self.acknowledged.checkpoint();
        let ledger = checkpoint.ledger;
        let read = ledger.physical;
        if checkpoint.position != total || read != total || !self.acknowledged.is_settled() {
            return Err(format!(
                "{total} documents were to be read, and {read} were accounted for; nothing is \
                 known to be wrong with the snapshot, so this is a fault of the step"
            ));
        }
        if !ledger.adds_up() {
            return Err(format!("the ledger does not add up: {ledger:?}"));
        }
        if ledger.without_source > 0 {
            return Err(format!(
                "{} documents have no stored `_source` and cannot be migrated (the others of this \
                 shard were); exclude the index with `-{}`, or enable `_source` on the source, reindex \
                 and take a new snapshot",
                ledger.without_source, self.item.index
            ));
        }
        Ok(())
    }

    /// Writes down how the item ended.
    async fn close(self, ended: Ended) -> Ended {
        let (state, error) = match &ended {
            Ended::Lost => return ended,
            Ended::Done(_) => (ItemState::Done, None),
            Ended::Failed(reason) => (ItemState::Failed, Some(reason.clone())),
            Ended::GivenBack { reason, .. } => (ItemState::Open, Some(reason.clone())),
            Ended::Interrupted => (ItemState::Open, self.item.error.clone()),
        };
        let advanced = self.item.clone().advanced(self.acknowledged.checkpoint());
        // Being asked to end says nothing against the item, nor does a passing fault.
        let pardoned = u32::from(matches!(
            ended,
            Ended::Interrupted | Ended::GivenBack { exit: Exit::Temporary, .. }
        ));
        let attempts = advanced.attempts.saturating_sub(pardoned);
        let item = Item { state, error, attempts, holder: None, ..advanced };
        match state::save(&self.surroundings.client, self.lease.version(), &item).await {
            Ok(Some(_)) => ended,
            Ok(None) => Ended::Lost,
            Err(error) => match ended {
                // What was meant to be told is worse than that it could not be written down.
                Ended::Failed(_) | Ended::GivenBack { .. } | Ended::Interrupted | Ended::Lost => {
                    ended
                }
                Ended::Done(_) => Ended::GivenBack {
                    exit: contract::exit::exit_of(&error),
                    reason: format!("{error:#}"),
                    position: item.position,
                },
            },
        }
    }
}

fn of_repository(error: &RepositoryError) -> Stop {
    match error.exit() {
        exit @ (Exit::Temporary | Exit::NotPermitted) => {
            Stop::GivenBack(exit, error.full_message())
        }
        _ => Stop::Failed(error.full_message()),
    }
}
