//! A decoded chunk and the documents in it.

use std::sync::Arc;

use super::{
    arena::{Arena, Span},
    chunk_header::ChunkHeader,
    document::{DocumentFields, WantedFields},
};
use crate::error::{LuceneError, Problem};

/// Consecutive documents of a segment. Their bytes are in the arena that the chunk was decoded into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub(super) file: Arc<str>,
    /// The offset of the chunk in the file.
    pub(super) offset: u64,
    pub(super) header: ChunkHeader,
    /// The offset of its documents in the arena.
    pub(super) start: usize,
}

impl Chunk {
    /// Returns its offset in the `.fdt` file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns its documents, in order.
    pub fn documents(&self) -> Documents<'_> {
        Documents { chunk: self, next: 0, start: self.start }
    }
}

/// The documents of a chunk.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    chunk: &'a Chunk,
    next: u32,
    start: usize,
}

impl<'a> Iterator for Documents<'a> {
    type Item = StoredDocument<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunk;
        let place = self.next;
        if place >= chunk.header.documents {
            return None;
        }
        self.next = place.saturating_add(1);
        let number = chunk.header.first.saturating_add(place);
        // A header has as many numbers as documents, and their sum fits into memory.
        let fields = chunk.header.fields.get(place)?;
        let length = usize::try_from(chunk.header.lengths.get(place)?).ok()?;
        let start = self.start;
        self.start = start.saturating_add(length);
        Some(StoredDocument { chunk, number, fields, body: Span::new(start, length)? })
    }
}

/// A stored document that was not parsed yet.
#[derive(Clone, Copy, Debug)]
pub struct StoredDocument<'a> {
    chunk: &'a Chunk,
    number: u32,
    fields: u32,
    body: Span,
}

impl StoredDocument<'_> {
    /// Returns its number in the segment.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Finds the wanted fields in the arena of the chunk and skips all others.
    #[inline]
    pub fn fields(
        &self,
        arena: &Arena,
        wanted: &WantedFields,
    ) -> Result<DocumentFields, LuceneError> {
        DocumentFields::read(arena, self.body, self.fields, wanted)
            .map_err(|problem| self.broken(problem))
    }

    /// Returns an error about this document.
    pub fn broken(&self, problem: Problem) -> LuceneError {
        LuceneError::Document {
            file: self.chunk.file.to_string(),
            chunk: self.chunk.offset,
            document: self.number,
            problem,
        }
    }
}
