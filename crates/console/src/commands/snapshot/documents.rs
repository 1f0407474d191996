//! `console snapshot documents`: prints the documents of an index, one JSON object per line.
//!
//! ```text
//! store ──> decode, on threads that may block ──> batches ──> write, on another thread
//!                                              (two ahead)
//! ```
//!
//! Only a few batches are in memory, whatever the size of the index.

use std::{
    io::{self, BufWriter, Write as _},
    ops::Range,
};

use cli_support::output;
use contract::{Exit, Failure, SnapshotState, numbers::grouped};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use snapshot_repo::{
    Batch, IndexMetadata, Position, Repository, RepositoryError, Snapshot, SnapshotIndex,
    SourceMode,
};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{
    access::MAX_CONCURRENT_READS,
    line,
    progress::{self, Unit},
};
use crate::args::{Documents, Format};

/// How many batches wait for the writer.
const MAX_WAITING_BATCHES: usize = 2;
/// How many bytes one write has.
const WRITE_BYTES: usize = 1 << 18;
/// How many documents a message lists.
const MAX_LISTED_DOCUMENTS: usize = 20;

/// What to print.
struct Selection<'a> {
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    index: &'a SnapshotIndex,
    metadata: &'a IndexMetadata,
    shards: Range<u32>,
    allow_partial: bool,
}

/// What the writer did.
#[derive(Default)]
struct WriteReport {
    /// How many documents could not be printed.
    unprintable: u64,
    /// The first of them, with the reason.
    failures: Vec<String>,
}

/// Prints the documents.
pub(super) async fn run(repository: &Repository, flags: &Documents) -> anyhow::Result<Exit> {
    let snapshot = repository.snapshot(&flags.snapshot.name).await.map_err(Failure::from)?;
    let index = snapshot.existing_index(&flags.index).map_err(Failure::from)?;
    let metadata = repository.index_metadata(&snapshot, index).await.map_err(Failure::from)?;
    let shards = match flags.shard {
        Some(shard) => shard..shard.saturating_add(1),
        None => 0..metadata.number_of_shards,
    };
    let selection = Selection {
        repository,
        snapshot: &snapshot,
        index,
        metadata: &metadata,
        shards,
        allow_partial: flags.allow_partial,
    };
    if !flags.allow_partial {
        selection.refuse_partial()?;
    }
    selection.refuse_missing_source(flags.allow_missing_source).await?;

    let (sender, receiver) = mpsc::channel(MAX_WAITING_BATCHES);
    let (name, format) = (index.name.clone(), flags.output);
    let writer = spawn_blocking(move || write(receiver, &name, format));
    let read = selection.read(sender).await;
    let WriteReport { unprintable, failures } = writer.await??;
    read?;
    if unprintable == 0 {
        return Ok(Exit::Done);
    }
    let mut lines = vec![format!(
        "{} documents have a source that cannot be printed as JSON; all others were printed",
        grouped(unprintable)
    )];
    lines.extend(failures);
    Err(Failure::new(Exit::Failed, lines.join("\n")).into())
}

impl Selection<'_> {
    fn refuse_partial(&self) -> anyhow::Result<()> {
        if self.snapshot.state == SnapshotState::Success {
            return Ok(());
        }
        let incomplete = self.snapshot.incomplete("use `--allow-partial` to print what is there");
        Err(Failure::new(Exit::Failed, incomplete.to_string()).into())
    }

    /// Refuses an index whose `_source` is synthetic or derived, so not stored in the snapshot.
    async fn refuse_missing_source(&self, is_allowed: bool) -> anyhow::Result<()> {
        let name = &self.index.name;
        let storage = self.metadata.source_storage();
        let because = &storage.because;
        match storage.mode {
            SourceMode::Stored => return Ok(()),
            SourceMode::Partial => {
                output::message(&format!(
                    "note: index `{name}`: {because}; those fields are missing from the documents"
                ));
                return Ok(());
            }
            SourceMode::Disabled => {
                output::message(&format!(
                    "note: index `{name}`: {because}; its documents have no `_source`"
                ));
                return Ok(());
            }
            SourceMode::Synthetic | SourceMode::Derived if is_allowed => return Ok(()),
            SourceMode::Synthetic | SourceMode::Derived => {}
        }
        let documents = self.count().await?;
        if documents == 0 {
            return Ok(());
        }
        let (documents, mode) = (grouped(documents), storage.mode);
        let message = format!(
            "`_source` of index `{name}` is {mode} ({because}): none of its {documents} documents has \
             a stored one; reindex it on the source with a stored `_source` and take the snapshot \
             again, or use `--allow-missing-source` to print the documents without it"
        );
        Err(Failure::new(Exit::Failed, message).into())
    }

    /// Returns how many documents the shards have, including nested ones.
    async fn count(&self) -> anyhow::Result<u64> {
        let sizes = stream::iter(self.shards.clone()).map(async |shard| {
            let Some(files) = self.files(shard).await? else { return Ok(0) };
            let size = self.repository.shard_size(&files).await.map_err(Failure::from)?;
            anyhow::Ok(size.physical - size.deleted)
        });
        sizes.buffered(MAX_CONCURRENT_READS).try_fold(0, async |sum, more| Ok(sum + more)).await
    }

    /// Returns the files of a shard, or none if the shard is missing and `--allow-partial` was given.
    async fn files(&self, shard: u32) -> anyhow::Result<Option<snapshot_repo::ShardFiles>> {
        let Self { repository, snapshot, index, metadata, .. } = self;
        match repository.shard_files_of(snapshot, index, metadata, shard).await {
            Ok(files) => Ok(Some(files)),
            Err(RepositoryError::ShardNotInSnapshot { shard, reason, .. })
                if self.allow_partial =>
            {
                let name = &self.index.name;
                output::message(&format!(
                    "note: shard {shard} of index `{name}` is missing: {reason}"
                ));
                Ok(None)
            }
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    /// Reads shard by shard, until the writer stops.
    async fn read(&self, sender: mpsc::Sender<Batch>) -> anyhow::Result<()> {
        let bar = progress::bar_beside_output("", Unit::Documents);
        for shard in self.shards.clone() {
            let Some(files) = self.files(shard).await? else { continue };
            bar.set_prefix(format!("shard {shard} of {}", self.metadata.number_of_shards));
            let mut documents = self.repository.documents(files, Position::START);
            while let Some(batch) = documents.next().await.map_err(Failure::from)? {
                bar.set_length(documents.total_documents().unwrap_or(0));
                bar.set_position(documents.ledger().physical);
                if sender.send(batch).await.is_err() {
                    return Ok(());
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// Writes batches as they arrive. The reader of the output may stop at any time, as in `| head`.
fn write(batches: mpsc::Receiver<Batch>, index: &str, format: Format) -> io::Result<WriteReport> {
    let mut report = WriteReport::default();
    match write_all(batches, index, format, &mut report) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(report),
    }
}

fn write_all(
    mut batches: mpsc::Receiver<Batch>,
    index: &str,
    format: Format,
    report: &mut WriteReport,
) -> io::Result<()> {
    let (mut before, between, end) = match format {
        Format::Text => ("", "\n", "\n"),
        Format::Json => ("[\n", ",\n", "\n]\n"),
    };
    let mut stdout = BufWriter::with_capacity(WRITE_BYTES, io::stdout().lock());
    let mut printed = Vec::new();
    while let Some(batch) = batches.blocking_recv() {
        for document in batch.documents() {
            printed.clear();
            printed.extend_from_slice(before.as_bytes());
            match line::write(&mut printed, index, document) {
                Ok(()) => {
                    stdout.write_all(&printed)?;
                    before = between;
                }
                Err(error) => {
                    report.unprintable += 1;
                    if report.failures.len() < MAX_LISTED_DOCUMENTS {
                        report.failures.push(format!("  document `{}`: {error}", document.id));
                    }
                }
            }
        }
    }
    let is_empty = before != between;
    match format {
        Format::Text if is_empty => {}
        Format::Json if is_empty => stdout.write_all(b"[]\n")?,
        Format::Text | Format::Json => stdout.write_all(end.as_bytes())?,
    }
    stdout.flush()
}
