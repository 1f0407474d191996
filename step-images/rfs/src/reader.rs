//! How do the documents of a shard reach the sender while it is busy?
//!
//! A task of its own reads ahead, and decodes on threads of their own. A position behind a segment
//! is given out only once the checksum of the segment's stored fields was compared, so it is never
//! recorded before its bytes are known to be right.

use std::num::NonZeroUsize;

use contract::Ledger;
use snapshot_repo::{Batch, RepositoryError, ShardDocuments};
use tokio::{sync::mpsc, task::JoinHandle};

/// How many batches wait for the sender.
const AHEAD: usize = 2;

/// How many threads decode at once: more than the requests of one worker can carry away, and each
/// one holds a few batches in memory.
const DECODERS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// What the reader has to tell.
#[derive(Debug)]
pub(crate) enum Read {
    /// The next documents, and how many bytes of the repository were read so far.
    Batch { batch: Batch, bytes_read: u64 },
    /// All positions were read; the shard has `total`.
    End { total: u64, bytes_read: u64 },
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
    /// Starts to read.
    pub(crate) fn start(documents: ShardDocuments) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            let last = match read(documents.decoders(DECODERS), &sender).await {
                Ok(end) => end,
                Err(stop) => stop,
            };
            // A receiver that is gone wants to hear nothing more.
            drop(sender.send(last).await);
        });
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

/// Reads to the end; the message about that, or about why it did not get there, is the last one.
async fn read(mut documents: ShardDocuments, sender: &mpsc::Sender<Read>) -> Result<Read, Read> {
    let mut position = None;
    while let Some(batch) = documents.next().await.map_err(Read::Broken)? {
        let positions = batch.positions();
        check(&batch, position.unwrap_or(positions.start)).map_err(Read::Miscounted)?;
        position = Some(positions.end);
        let bytes_read = documents.bytes_read();
        // Given back if nobody takes it; then nobody takes the last message either.
        sender.send(Read::Batch { batch, bytes_read }).await.map_err(|refused| refused.0)?;
    }
    let total = documents.total_documents().ok_or_else(|| {
        let message = "the shard was read to its end, and nobody knows how many documents it has";
        Read::Miscounted(message.to_owned())
    })?;
    Ok(Read::End { total, bytes_read: documents.bytes_read() })
}

/// Compares what a batch gives out with what it counts; it begins where the last one ended.
fn check(batch: &Batch, begin: u64) -> Result<(), String> {
    let positions = batch.positions();
    let counts = counts(batch);
    let given = batch.documents().len() as u64;
    let begins = positions.start == begin;
    let spans = positions.end.saturating_sub(positions.start) == counts.physical;
    if begins && spans && given == counts.live + counts.without_source {
        return Ok(());
    }
    Err(format!(
        "at position {begin}, {given} documents of the positions {positions:?} were given out, and \
         counted as {counts:?}"
    ))
}

/// Returns what a batch adds to our ledger, in which a document without a source is not among the
/// live ones, for it cannot arrive.
pub(crate) fn counts(batch: &Batch) -> Ledger {
    let snapshot_repo::Ledger {
        physical,
        live,
        nested,
        deleted,
        without_source,
        recovery_source: _,
    } = batch.ledger();
    Ledger {
        physical,
        deleted,
        nested,
        without_source,
        live: live.saturating_sub(without_source),
        ..Ledger::default()
    }
}
