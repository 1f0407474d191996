//! Documents gathered until they are worth handing on; their sources lie in one piece of memory.

use std::ops::Range;

use bytes::Bytes;
use lucene::{Chunk, DocumentClass, LuceneError, Segment};

use crate::documents::{Document, Ledger};
use crate::segment::Window;
use crate::shard::ShardTypes;

/// A batch takes no further chunk once it has this many bytes of sources.
const FULL_BYTES: usize = 1 << 20;
/// Nor once it has this many documents, however small.
const FULL_DOCUMENTS: usize = 10_000;

/// Documents and the ledger of the positions between them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    sources: Vec<u8>,
    documents: Vec<(Document, Option<Range<usize>>)>,
    ledger: Ledger,
}

/// Whether a chunk was the last that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Documents after it may be wanted.
    Before,
    /// The window ends in or before it.
    Past,
}

impl Batch {
    /// Whether it should be handed on.
    pub(crate) fn is_full(&self) -> bool {
        self.sources.len() >= FULL_BYTES || self.documents.len() >= FULL_DOCUMENTS
    }

    /// Takes the documents of a chunk that lie in the window.
    pub(crate) fn take(
        &mut self,
        chunk: &Chunk,
        segment: &Segment,
        types: &ShardTypes,
        window: Window,
    ) -> Result<Reach, LuceneError> {
        for document in chunk.documents() {
            let document = document?;
            let position = window.base + u64::from(document.number());
            if position < window.from {
                continue;
            }
            if position >= window.until {
                return Ok(Reach::Past);
            }
            self.ledger.physical += 1;
            let fields = document.fields(segment.wanted())?;
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
                DocumentClass::WithoutSource => self.ledger.without_source += 1,
                DocumentClass::Document => {}
            }
            let Some(identity) = fields.identity().map_err(|problem| document.broken(problem))?
            else {
                self.ledger.nested += 1;
                continue;
            };
            self.ledger.live += 1;
            let source = fields.source.map(|source| {
                let start = self.sources.len();
                self.sources.extend_from_slice(source);
                start..self.sources.len()
            });
            let doc_type = identity.kind.or_else(|| types.only.clone());
            let routing = fields.routing.map(str::to_owned);
            let child = doc_type.as_ref().is_some_and(|name| types.children.contains(name));
            let parent = match fields.parent {
                Some(parent) => Some(parent.to_owned()),
                None if child => routing.clone(),
                None => None,
            };
            let document =
                Document { position, id: identity.id, doc_type, routing, parent, source: None };
            self.documents.push((document, source));
        }
        Ok(Reach::Before)
    }

    /// The documents, and what became of all positions.
    pub(crate) fn into_documents(self) -> (Vec<Document>, Ledger) {
        let sources = Bytes::from(self.sources);
        let documents = self
            .documents
            .into_iter()
            .map(|(document, source)| Document {
                source: source.map(|range| sources.slice(range)),
                ..document
            })
            .collect();
        (documents, self.ledger)
    }
}
