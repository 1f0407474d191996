//! How do the documents of a shard reach the sender while it is busy?
//!
//! A task of its own reads, decodes and makes lines, at most two batches ahead.

use std::borrow::Cow;

use bytes::Bytes;
use snapshot_repo::{Position, RepositoryError, ShardDocuments, source};
use step_api::rfs::Ledger;
use tokio::{sync::mpsc, task::JoinHandle};

/// How many batches wait for the sender.
const AHEAD: usize = 2;

/// A document as it was read.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) document: snapshot_repo::Document,
    /// Its source as one line, or why it cannot be one.
    pub(crate) line: Result<Bytes, String>,
}

/// What the reader has to tell.
#[derive(Debug)]
pub(crate) enum Read {
    /// The documents before position `end`, and what else was there since the last batch.
    Batch { end: u64, counts: Ledger, documents: Vec<Line> },
    /// All positions were read; the shard has `total`.
    End { total: u64 },
    /// It cannot be read further.
    Broken(RepositoryError),
    /// The counts of the reader contradict what it gave out.
    Miscounted(String),
}

/// A running reader; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Reader {
    receiver: mpsc::Receiver<Read>,
    task: JoinHandle<()>,
}

impl Reader {
    /// Starts to read from position `from`.
    pub(crate) fn start(documents: ShardDocuments, Position(from): Position) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let task = tokio::spawn(read(documents, from, sender));
        Self { receiver, task }
    }

    /// Waits for the next message; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Read> {
        self.receiver.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(mut documents: ShardDocuments, from: u64, sender: mpsc::Sender<Read>) {
    let mut before = Ledger::default();
    loop {
        let batch = match documents.next_batch().await {
            Ok(batch) => batch,
            Err(error) => {
                // A receiver that is gone wants to hear nothing more.
                drop(sender.send(Read::Broken(error)).await);
                return;
            }
        };
        let now = counts(documents.ledger());
        let is_last = batch.is_none();
        let batch = batch.unwrap_or_default();
        let since = since(&now, &before);
        let given = batch.len() as u64;
        if given != since.live + since.without_source {
            let message = format!(
                "{given} documents were given out and {} counted before position {}",
                since.live + since.without_source,
                from + now.physical
            );
            drop(sender.send(Read::Miscounted(message)).await);
            return;
        }
        before = now;
        if since.physical > 0 {
            let lines = batch.into_iter().filter_map(line).collect();
            let end = from + now.physical;
            let message = Read::Batch { end, counts: since, documents: lines };
            if sender.send(message).await.is_err() {
                return;
            }
        }
        if is_last {
            let total = documents.total_documents().unwrap_or(from + now.physical);
            drop(sender.send(Read::End { total }).await);
            return;
        }
    }
}

/// Makes the line of a document; `None` if it has no source.
fn line(mut document: snapshot_repo::Document) -> Option<Line> {
    let stored = document.source.take()?;
    let line = match source::to_line(&stored) {
        Ok(Cow::Borrowed(line)) if line.len() == stored.len() => Ok(stored.clone()),
        Ok(Cow::Borrowed(line)) => Ok(stored.slice_ref(line)),
        Ok(Cow::Owned(line)) => Ok(line.into()),
        Err(error) => Err(error.to_string()),
    };
    document.source = Some(stored);
    Some(Line { document, line })
}

/// In our ledger a document without a source is not among the live ones, for it cannot arrive.
fn counts(ledger: snapshot_repo::Ledger) -> Ledger {
    let snapshot_repo::Ledger { physical, live, nested, deleted, without_source } = ledger;
    Ledger {
        physical,
        deleted,
        nested,
        without_source,
        live: live.saturating_sub(without_source),
        ..Ledger::default()
    }
}

fn since(now: &Ledger, before: &Ledger) -> Ledger {
    Ledger {
        physical: now.physical - before.physical,
        deleted: now.deleted - before.deleted,
        nested: now.nested - before.nested,
        without_source: now.without_source - before.without_source,
        live: now.live - before.live,
        ..Ledger::default()
    }
}
