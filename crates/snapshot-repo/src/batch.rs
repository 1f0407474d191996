//! Documents collected until they are worth passing on: one piece of memory with the chunks as they
//! were decoded, one with the names, and for each document the places in both.
//!
//! ```text
//! arena   | chunk: .. source .. | chunk: .. source .. source .. |     sources are not copied
//! text    | id id type id routing id ..                         |     ids are written out
//! ```

use std::{mem::take, ops::Range};

use lucene::{
    Arena, Chunk, DocumentClass, DocumentFields, LuceneError, Problem, Segment, StoredDocument,
};

use crate::{
    buffer_pool::{Buffer, BufferPool, Entry, FULL_BYTES, TextSpan},
    files::FileReader,
    positions::PositionCounts,
    window::Window,
};

/// A batch takes no further chunk once it has this many documents, however small.
const FULL_DOCUMENTS: usize = 10_000;

/// Documents, and what became of the positions between them.
#[derive(Debug)]
pub struct Batch {
    /// Knows the types.
    reader: FileReader,
    positions: Range<u64>,
    ledger: PositionCounts,
    buffer: Buffer,
    /// Takes the buffer back.
    pool: BufferPool,
}

/// One live document, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentRef<'a> {
    /// Its place in the shard; resume after it `from` this plus one.
    pub position: u64,
    /// Its id.
    pub id: &'a str,
    /// Its mapping type, where the source has types.
    pub doc_type: Option<&'a str>,
    /// Its custom routing.
    pub routing: Option<&'a str>,
    /// The id of its parent (`_parent` of Elasticsearch 5).
    pub parent: Option<&'a str>,
    /// Its source, as the client sent it; absent where `_source` is disabled.
    pub source: Option<&'a [u8]>,
}

/// Whether the chunks that follow may be in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The window may continue after this chunk.
    Before,
    /// The window ends in this chunk or before it.
    Past,
}

impl Batch {
    /// Returns an empty batch that begins at a position.
    pub(crate) fn at(position: u64, reader: FileReader, pool: &BufferPool) -> Self {
        Self {
            reader,
            positions: position..position,
            ledger: PositionCounts::default(),
            buffer: pool.take(),
            pool: pool.clone(),
        }
    }

    /// Returns an empty batch that begins where this one ends.
    pub(crate) fn following(&self) -> Self {
        Self::at(self.positions.end, self.reader.clone(), &self.pool)
    }

    /// Returns the positions that the batch accounts for; the next batch begins where it ends.
    pub fn positions(&self) -> Range<u64> {
        self.positions.clone()
    }

    /// Returns what became of these positions.
    pub fn ledger(&self) -> PositionCounts {
        self.ledger
    }

    /// Returns the live documents, in order.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = DocumentRef<'_>> {
        self.buffer.entries.iter().map(|entry| self.document(entry))
    }

    /// Returns whether the batch should be passed on.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.arena.used() >= FULL_BYTES || self.buffer.entries.len() >= FULL_DOCUMENTS
    }

    /// Returns the arena to decode the next chunk into.
    pub(crate) fn arena(&mut self) -> &mut Arena {
        &mut self.buffer.arena
    }

    /// Adds the documents of a chunk, decoded into the batch's arena, that are in the window.
    pub(crate) fn add_chunk(
        &mut self,
        chunk: &Chunk,
        segment: &Segment,
        window: Window,
    ) -> Result<Reach, LuceneError> {
        for document in chunk.documents() {
            let position = window.base + u64::from(document.number());
            if position < window.from {
                continue;
            }
            if position >= window.until {
                return Ok(Reach::Past);
            }
            self.positions.end = position + 1;
            self.ledger.physical += 1;
            let fields = document.fields(&self.buffer.arena, segment.wanted())?;
            let liveness = segment.live_docs().liveness(document.number());
            match fields.class(liveness) {
                DocumentClass::Deleted | DocumentClass::Tombstone | DocumentClass::NoOp => {
                    self.ledger.deleted += 1;
                    continue;
                }
                DocumentClass::Nested => {
                    self.ledger.nested += 1;
                    continue;
                }
                DocumentClass::WithoutSource => {
                    self.ledger.without_source += 1;
                    self.ledger.recovery_source += u64::from(fields.recovery_source.is_some());
                }
                DocumentClass::Document => {}
            }
            self.ledger.live += 1;
            self.add(position, &document, &fields)?;
        }
        Ok(Reach::Before)
    }

    fn add(
        &mut self,
        position: u64,
        document: &StoredDocument<'_>,
        fields: &DocumentFields,
    ) -> Result<(), LuceneError> {
        let Buffer { arena, text, entries } = &mut self.buffer;
        let mut entry = || {
            let start = place(text.len())?;
            fields.push_id(arena, text)?;
            let id = TextSpan { start, end: place(text.len())? };
            let mut copied = |part: Option<&str>| {
                let Some(part) = part else { return Ok(None) };
                let start = place(text.len())?;
                text.push_str(part);
                Ok(Some(TextSpan { start, end: place(text.len())? }))
            };
            let kind = copied(fields.kind(arena)?)?;
            let routing = copied(fields.routing(arena)?)?;
            let parent = copied(fields.parent(arena)?)?;
            Ok(Entry { position, id, kind, routing, parent, source: fields.source })
        };
        entries.push(entry().map_err(|problem| document.broken(problem))?);
        Ok(())
    }

    fn document(&self, entry: &Entry) -> DocumentRef<'_> {
        let types = self.reader.types();
        let text = |span: TextSpan| {
            let TextSpan { start, end } = span;
            self.buffer.text.get(start as usize..end as usize).unwrap_or_default()
        };
        let doc_type = entry.kind.map(text).or(types.only.as_deref());
        let routing = entry.routing.map(text);
        let is_child = doc_type.is_some_and(|name| types.children.contains(name));
        DocumentRef {
            position: entry.position,
            id: text(entry.id),
            doc_type,
            routing,
            parent: entry.parent.map(text).or_else(|| routing.filter(|_| is_child)),
            source: entry.source.map(|span| self.buffer.arena.get(span)),
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.pool.put_back(take(&mut self.buffer));
    }
}

/// Ids written out are up to twice as long as they are stored, so they may outgrow what an arena
/// can hold; only a broken document has such an id.
fn place(length: usize) -> Result<u32, Problem> {
    u32::try_from(length).map_err(|_| {
        let value = i64::try_from(length).unwrap_or(i64::MAX);
        Problem::OutOfRange { what: "the length of the names in a batch", value }
    })
}
