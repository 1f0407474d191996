//! A decompressed chunk and the documents in it.

use super::chunk_header::ChunkHeader;
use super::document::{DocumentFields, WantedFields};
use crate::bytes::Cursor;
use crate::error::{LuceneError, Problem};

/// A run of consecutive documents of a segment, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub(super) file: String,
    /// Where the chunk starts in the file.
    pub(super) offset: u64,
    pub(super) header: ChunkHeader,
    /// The documents' bytes; what lies beyond `header.length` means nothing.
    pub(super) data: Vec<u8>,
}

impl Chunk {
    /// The number of its first document within the segment.
    pub fn first_document(&self) -> u32 {
        self.header.first
    }

    /// How many documents it holds.
    pub fn document_count(&self) -> u32 {
        self.header.documents
    }

    /// How many bytes its documents have.
    pub fn byte_count(&self) -> usize {
        self.header.length
    }

    /// Where it starts in the `.fdt` file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its documents, in order.
    pub fn documents(&self) -> Documents<'_> {
        Documents { chunk: self, next: 0, start: 0 }
    }
}

/// The documents of a chunk.
#[derive(Debug, Clone)]
pub struct Documents<'a> {
    chunk: &'a Chunk,
    next: u32,
    start: usize,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<StoredDocument<'a>, LuceneError>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunk;
        let place = self.next;
        if place >= chunk.header.documents {
            return None;
        }
        self.next = place.saturating_add(1);
        let number = chunk.header.first.saturating_add(place);
        let document = chunk.header.fields.get(place).and_then(|fields| {
            let length = usize::try_from(chunk.header.lengths.get(place)?).ok()?;
            let end = self.start.checked_add(length)?;
            let body = chunk.data.get(self.start..end)?;
            self.start = end;
            Some(StoredDocument { chunk, number, fields, body })
        });
        Some(document.ok_or_else(|| LuceneError::Document {
            file: chunk.file.clone(),
            chunk: chunk.offset,
            document: number,
            problem: Problem::UnexpectedEnd { wanted: 1 },
        }))
    }
}

/// A document as it is stored, not parsed yet.
#[derive(Debug, Clone, Copy)]
pub struct StoredDocument<'a> {
    chunk: &'a Chunk,
    number: u32,
    fields: u32,
    body: &'a [u8],
}

impl<'a> StoredDocument<'a> {
    /// Its number within the segment.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Finds the wanted fields, stepping over all others.
    pub fn fields(&self, wanted: &WantedFields) -> Result<DocumentFields<'a>, LuceneError> {
        let mut cursor = Cursor::new("", self.body);
        let read = DocumentFields::read(&mut cursor, self.fields, wanted);
        read.map_err(|error| match error {
            LuceneError::Malformed { file: _, offset: _, problem } => self.broken(problem),
            other => other,
        })
    }

    /// Says that something in this document is wrong.
    pub fn broken(&self, problem: Problem) -> LuceneError {
        LuceneError::Document {
            file: self.chunk.file.clone(),
            chunk: self.chunk.offset,
            document: self.number,
            problem,
        }
    }
}
