//! How do the documents of a source reach the sender while it is busy?
//!
//! A task of its own reads ahead. What it gives out was checked by the source, so a cursor is never
//! recorded before the bytes in front of it are known to be right.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::source::{DocumentSource, LoadStop, SourceEnd};

/// How many batches wait for the sender.
const MAX_BATCHES_AHEAD: usize = 2;

/// A message of the reader.
pub(crate) enum Read<S: DocumentSource> {
    /// The next documents, and how many bytes were read so far.
    Batch { batch: S::Batch, bytes_read: u64 },
    /// Everything was read.
    End { end: SourceEnd<S::Cursor>, bytes_read: u64 },
    /// It cannot be read further.
    Broken(LoadStop),
}

/// A running reader; dropping it stops it.
pub(crate) struct Reader<S: DocumentSource> {
    receiver: mpsc::Receiver<Read<S>>,
    task: JoinHandle<()>,
}

impl<S: DocumentSource> Reader<S> {
    /// Starts to read.
    pub(crate) fn start(source: S) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_BATCHES_AHEAD);
        let task = tokio::spawn(async move {
            let last = match read(source, &sender).await {
                Ok(end) => end,
                Err(fault) => fault,
            };
            // A receiver that is gone needs no more messages.
            drop(sender.send(last).await);
        });
        Self { receiver, task }
    }

    /// Waits for the next message; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Read<S>> {
        self.receiver.recv().await
    }
}

impl<S: DocumentSource> Drop for Reader<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads to the end; the message about that, or about why it did not get there, is the last one.
async fn read<S: DocumentSource>(
    mut source: S,
    sender: &mpsc::Sender<Read<S>>,
) -> Result<Read<S>, Read<S>> {
    while let Some(batch) = source.next().await.map_err(Read::Broken)? {
        let bytes_read = source.bytes_read();
        // Returned if the receiver is gone; then no one takes the last message either.
        sender.send(Read::Batch { batch, bytes_read }).await.map_err(|unsent| unsent.0)?;
    }
    let end = source.end().map_err(Read::Broken)?;
    Ok(Read::End { end, bytes_read: source.bytes_read() })
}
