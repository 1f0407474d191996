//! How are the documents of a shard given out?
//!
//! The repository decodes on threads of its own. A position behind a segment is given out only once
//! the checksum of the segment's stored fields was compared, so it is never recorded before its
//! bytes are known to be right.

use std::num::NonZeroUsize;

use contract::Ledger;
use load::source::{Document, DocumentBatch, DocumentBody, DocumentSource, LoadStop, SourceEnd};
use snapshot_repo::{Batch, DocumentRef, RepositoryError, ShardDocuments, source};

/// How many threads decode at the same time: more than the requests of one worker can carry away,
/// and each one holds a few batches in memory.
const DECODERS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// The documents of one shard. The cursor is the first physical position that was not given out.
#[derive(Debug)]
pub(crate) struct ShardSource {
    documents: ShardDocuments,
    /// Where the last batch ended.
    position: Option<u64>,
}

/// Documents of a shard that were decoded together.
pub(crate) struct ShardBatch(Batch);

impl ShardSource {
    pub(crate) fn new(documents: ShardDocuments) -> Self {
        Self { documents: documents.decoders(DECODERS), position: None }
    }
}

impl DocumentSource for ShardSource {
    type Cursor = u64;

    type Batch = ShardBatch;

    async fn next(&mut self) -> Result<Option<ShardBatch>, LoadStop> {
        let next = self.documents.next().await.map_err(|error| stop_of(&error))?;
        let Some(batch) = next else { return Ok(None) };
        let positions = batch.positions();
        check(&batch, self.position.unwrap_or(positions.start)).map_err(LoadStop::Failed)?;
        self.position = Some(positions.end);
        Ok(Some(ShardBatch(batch)))
    }

    fn end(&self) -> Result<SourceEnd<u64>, LoadStop> {
        let total = self.documents.total_documents().ok_or_else(|| {
            LoadStop::Failed(
                "the shard was read to its end, and its number of documents is unknown".to_owned(),
            )
        })?;
        Ok(SourceEnd { cursor: total, documents: total })
    }

    fn bytes_read(&self) -> u64 {
        self.documents.bytes_read()
    }
}

impl DocumentBatch for ShardBatch {
    type Cursor = u64;

    fn end(&self) -> u64 {
        self.0.positions().end
    }

    fn counts(&self) -> Ledger {
        counts(&self.0)
    }

    fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        self.0.documents().filter_map(|document| {
            // Targets have no types any more.
            let DocumentRef { position, id, doc_type: _, routing, parent, source: bytes } =
                document;
            // A document without a source is counted and cannot be sent.
            let bytes = bytes?;
            let source = match source::to_line(bytes) {
                Ok(line) => DocumentBody::Line(line),
                Err(error) => DocumentBody::Unreadable { bytes, reason: error.to_string() },
            };
            // A child of Elasticsearch 5 is in the shard of its parent.
            Some(Document { position, id, routing: routing.or(parent), source })
        })
    }
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
/// live ones, because it cannot arrive.
fn counts(batch: &Batch) -> Ledger {
    let snapshot_repo::PositionCounts {
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

/// Returns what a fault of the repository means for the shard.
pub(crate) fn stop_of(error: &RepositoryError) -> LoadStop {
    LoadStop::of(error.exit(), error.full_message())
}
