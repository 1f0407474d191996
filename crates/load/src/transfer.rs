//! How do the documents of one source get to the target?
//!
//! One loop owns all state of the load: what is under way, what waits, what is acknowledged. It
//! starts requests while the window has room, takes in their results, reads ahead while there is
//! room, and reports cursor and ledger together to the [`ProgressRecord`].

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cluster::Client;
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use crate::{
    acknowledged::{Acknowledged, Checkpoint},
    assembly::{Assembly, BulkRequest, Limits, Line},
    failed_documents::{Provenance, Rejection},
    reader::{Read, Reader},
    sender::{Attempts, SendReport, Sender},
    source::{Document, DocumentBatch, DocumentBody, DocumentSource, LoadStop, SourceEnd},
    window::{Slot, Slots},
};

/// How often the loop reports to the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Requests that wait for a slot, before no more is read.
const MAX_WAITING: usize = 1;

/// What all loads of a process share.
#[derive(Debug)]
pub struct LoadContext {
    /// The target.
    pub client: Client,
    /// When a bulk request is closed.
    pub limits: Limits,
    /// The requests that may be under way.
    pub slots: Slots,
    /// Bytes that the sources have read.
    pub bytes_read: AtomicU64,
}

/// One load: which documents, from where on, and until when they may be sent.
#[derive(Debug)]
pub struct LoadJob<C> {
    /// Where the documents come from and which index they fill.
    pub provenance: Provenance,
    /// Where the source was opened, and the ledger of everything before that.
    pub from: Checkpoint<C>,
    /// The moment until which documents may be sent; it is checked right before each request.
    pub permit: watch::Receiver<Instant>,
}

/// Keeps how far a load is.
pub trait ProgressRecord<C> {
    /// Why a load stops before its end.
    type Stop: From<LoadStop>;

    /// Notes how far the load is.
    fn note(&mut self, checkpoint: &Checkpoint<C>);

    /// Records what was noted, if it is time, and renews the permit. It is called several times a
    /// second; an error stops the load.
    fn record(&mut self) -> impl Future<Output = Result<(), Self::Stop>> + Send;
}

/// Loads everything that a source gives out. `Ok` means that every document is on the target, or
/// rejected and kept, and that the ledger, which the progress has noted, adds up. `reading` is
/// dropped when the source is read to its end and only requests are under way.
pub async fn load<S, J, R>(
    context: &LoadContext,
    job: LoadJob<S::Cursor>,
    source: S,
    progress: &mut J,
    reading: R,
) -> Result<(), J::Stop>
where
    S: DocumentSource,
    J: ProgressRecord<S::Cursor>,
{
    let mut transfer = Transfer::new(context, job, progress, reading);
    let result = transfer.run(Reader::start(source)).await;
    transfer.requests.abort_all();
    transfer.progress.note(transfer.acknowledged.checkpoint());
    result
}

struct Transfer<'a, C, J, R> {
    context: &'a LoadContext,
    sender: Arc<Sender>,
    progress: &'a mut J,
    acknowledged: Acknowledged<C>,
    assembly: Assembly,
    /// Exists until the source is read to its end.
    reading: Option<R>,
    /// Bytes that the source has read so far.
    bytes_read: u64,
    waiting: VecDeque<(BulkRequest, Attempts)>,
    requests: JoinSet<(Option<Slot>, Result<SendReport, LoadStop>)>,
}

impl<'a, C, J, R> Transfer<'a, C, J, R>
where
    C: Clone + PartialEq,
    J: ProgressRecord<C>,
{
    fn new(context: &'a LoadContext, job: LoadJob<C>, progress: &'a mut J, reading: R) -> Self {
        let LoadJob { provenance, from, permit } = job;
        let sender = Sender::new(context.client.clone(), provenance, permit);
        Self {
            context,
            sender: Arc::new(sender),
            progress,
            acknowledged: Acknowledged::resume(from),
            assembly: Assembly::new(context.limits),
            reading: Some(reading),
            bytes_read: 0,
            waiting: VecDeque::new(),
            requests: JoinSet::new(),
        }
    }

    async fn run<S>(&mut self, reader: Reader<S>) -> Result<(), J::Stop>
    where
        S: DocumentSource<Cursor = C>,
    {
        let mut tick = tokio::time::interval(POLL_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reader = Some(reader);
        let mut freed = self.context.slots.freed();
        let mut end: Option<Result<SourceEnd<C>, LoadStop>> = None;
        loop {
            self.start_requests();
            if reader.is_none() && self.waiting.is_empty() && self.requests.is_empty() {
                break;
            }
            let has_room = self.waiting.len() < MAX_WAITING
                && self.requests.len() <= self.context.slots.size();
            let next = async {
                match reader.as_mut() {
                    Some(reader) if has_room => reader.next().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(sent) = self.requests.join_next() => {
                    let (slot, report) = sent.map_err(|error| {
                        let message = format!(
                            "the task that sends documents ended without a result: {error}"
                        );
                        LoadStop::Failed(message)
                    })?;
                    self.take_in(slot, report?);
                }
                read = next => match read {
                    Some(Read::Batch { batch, bytes_read }) => {
                        self.count(bytes_read);
                        self.add(&batch);
                    }
                    last => {
                        end = Some(self.ended(last));
                        reader = None;
                    }
                },
                // Another load may have freed a slot.
                Ok(()) = freed.changed(), if !self.waiting.is_empty() => {}
                _ = tick.tick() => {
                    self.progress.note(self.acknowledged.checkpoint());
                    self.progress.record().await?;
                }
            }
        }
        let unread = || LoadStop::Failed("the source was not read to its end".to_owned());
        let end = end.unwrap_or_else(|| Err(unread()))?;
        Ok(self.check(&end)?)
    }

    /// Takes in the last message of the reader; only requests are left then.
    fn ended<S>(&mut self, last: Option<Read<S>>) -> Result<SourceEnd<C>, LoadStop>
    where
        S: DocumentSource<Cursor = C>,
    {
        self.reading = None;
        self.waiting.extend(self.assembly.close().map(|bulk| (bulk, Attempts::default())));
        match last {
            Some(Read::End { end, bytes_read }) => {
                self.count(bytes_read);
                Ok(end)
            }
            Some(Read::Broken(fault)) => Err(fault),
            Some(Read::Batch { .. }) | None => Err(LoadStop::Failed(
                "the thread that reads the source ended without a result".to_owned(),
            )),
        }
    }

    /// Starts requests while the window has room; each one checks the permit before it is sent.
    fn start_requests(&mut self) {
        while !self.waiting.is_empty()
            && let Some(slot) = self.context.slots.take()
            && let Some((bulk, attempts)) = self.waiting.pop_front()
        {
            let sender = Arc::clone(&self.sender);
            self.requests.spawn(async move { (Some(slot), sender.send(bulk, attempts).await) });
        }
    }

    /// Handles the result of a request.
    fn take_in(&mut self, slot: Option<Slot>, report: SendReport) {
        let SendReport { accepted, rejected, to_resend, busy, spent, too_many_bytes } = report;
        if let Some(bulk) = spent {
            self.assembly.recycle(bulk);
        }
        if let Some(bytes) = too_many_bytes {
            self.assembly.shrink(bytes / 2);
        }
        match slot {
            Some(slot) if busy => slot.refused(),
            Some(slot) if to_resend.is_empty() => slot.taken(),
            Some(_) | None => {}
        }
        for (batch, bytes) in accepted {
            self.acknowledged.accept(batch, bytes);
        }
        for batch in rejected {
            self.acknowledged.reject(batch);
        }
        // In front: what was read first is sent first, so that the checkpoint advances.
        for part in to_resend.into_iter().rev() {
            self.waiting.push_front(part);
        }
    }

    /// Counts what the source has read.
    fn count(&mut self, bytes_read: u64) {
        let more = bytes_read.saturating_sub(self.bytes_read);
        self.bytes_read = bytes_read;
        self.context.bytes_read.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds what was read to the requests.
    fn add<B: DocumentBatch<Cursor = C>>(&mut self, read: &B) {
        let batch = self.acknowledged.read(read.end(), read.counts());
        let mut unreadable = Vec::new();
        for Document { position, id, routing, source } in read.documents() {
            match source {
                DocumentBody::Line(line) => {
                    let line = Line { position, id, routing, source: &line };
                    let closed = self.assembly.push(line, batch);
                    self.waiting.extend(closed.map(|bulk| (bulk, Attempts::default())));
                }
                DocumentBody::Unreadable { bytes, reason } => {
                    let kind = "unreadable_source";
                    let reason = &reason;
                    let rejection =
                        Rejection { position, id, routing, kind, reason, source: bytes };
                    unreadable.push(self.sender.rejected(rejection));
                }
            }
        }
        if !unreadable.is_empty() {
            // Not awaited here: the permit is renewed meanwhile.
            let sender = Arc::clone(&self.sender);
            self.requests.spawn(async move { (None, sender.reject(batch, unreadable).await) });
        }
    }

    /// Checks that everything that the source holds is accounted for.
    fn check(&self, end: &SourceEnd<C>) -> Result<(), LoadStop> {
        let Checkpoint { cursor, ledger } = self.acknowledged.checkpoint();
        let SourceEnd { cursor: last, documents } = end;
        let read = ledger.physical;
        if cursor != last || read != *documents || !self.acknowledged.is_settled() {
            return Err(LoadStop::Failed(format!(
                "{read} of {documents} documents are accounted for, though reading the source \
                 reported no fault: this is a defect of Argosy, please report it"
            )));
        }
        if !ledger.adds_up() {
            return Err(LoadStop::Failed(format!("the ledger does not add up: {ledger:?}")));
        }
        Ok(())
    }
}
