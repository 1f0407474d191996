//! Which documents go into one bulk request?
//!
//! A request is closed *before* it exceeds the limits; a document that is larger than the limit
//! alone goes alone. Every document's place in the body is kept, so that a part of a request can
//! be sent again without going back to the source.
//!
//! ```text
//!   body     {"index":{"_id":"a"}}\n{"n":1}\n{"index":{"_id":"b","routing":"r"}}\n{"n":2}\n
//!            |---------------- span a --------||------------------ span b ---------------|
//!                                  |source|
//! ```

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;

use crate::acknowledged::BatchNumber;

/// The first request's memory grows from this; the next ones begin with what the last one needed.
const FIRST_CAPACITY: usize = 1 << 16;

/// Bodies whose memory is kept for the next ones.
const MAX_SPARE: usize = 4;

/// A document as it will be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The number of the document in its source.
    pub(crate) position: u64,
    /// The document's id.
    pub(crate) id: &'a str,
    /// The document's routing.
    pub(crate) routing: Option<&'a str>,
    /// The document's source, one line of JSON without the newline.
    pub(crate) source: &'a [u8],
}

/// When a request is closed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At this many bytes.
    pub bytes: usize,
    /// At this many documents.
    pub documents: usize,
}

/// A document's place in a request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The batch it was read with.
    pub(crate) batch: BatchNumber,
    /// The number of the document in its source.
    pub(crate) position: u64,
    /// Both lines of the document in the body.
    span: Range<usize>,
    /// Where the second line begins.
    source: usize,
}

impl Entry {
    /// Returns the length of the document's source.
    pub(crate) fn source_bytes(&self) -> u64 {
        self.source_span().len() as u64
    }

    fn source_span(&self) -> Range<usize> {
        self.source..self.span.end.saturating_sub(1)
    }

    /// Returns the same document in another body, in which its lines begin at `start`.
    fn moved_to(&self, start: usize) -> Self {
        let source = start + (self.source - self.span.start);
        Self { span: start..start + self.span.len(), source, ..self.clone() }
    }
}

/// What the line before a source says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Address {
    /// The document's id.
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// The document's routing.
    #[serde(default)]
    pub(crate) routing: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    index: Address,
}

/// A bulk request that is ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct BulkRequest {
    body: Bytes,
    entries: Vec<Entry>,
}

impl BulkRequest {
    /// Returns the body.
    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns the documents in the order of the body, which is also that of the answer.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the source of one of its documents.
    pub(crate) fn source(&self, entry: &Entry) -> &[u8] {
        self.body.get(entry.source_span()).unwrap_or_default()
    }

    /// Returns id and routing of one of its documents, from the body: they are kept nowhere else,
    /// for few documents are ever asked for them.
    pub(crate) fn address(&self, entry: &Entry) -> Address {
        let line = self.body.get(entry.span.start..entry.source).unwrap_or_default();
        let read = serde_json::from_slice(line);
        debug_assert!(read.is_ok());
        read.map_or_else(|_| Address::default(), |Action { index }| index)
    }

    /// Returns a request of some of its documents, named by their places in [`BulkRequest::entries`].
    #[must_use]
    pub(crate) fn part(&self, places: &[usize]) -> Self {
        let mut body = Vec::new();
        let mut entries = Vec::with_capacity(places.len());
        for entry in places.iter().filter_map(|place| self.entries.get(*place)) {
            entries.push(entry.moved_to(body.len()));
            body.extend_from_slice(self.body.get(entry.span.clone()).unwrap_or_default());
        }
        Self { body: body.into(), entries }
    }

    /// Splits it in two; `None` if it is a single document.
    pub(crate) fn halves(&self) -> Option<(Self, Self)> {
        let middle = self.entries.len() / 2;
        if middle == 0 {
            return None;
        }
        let places: Vec<usize> = (0..self.entries.len()).collect();
        let (first, second) = places.split_at(middle);
        Some((self.part(first), self.part(second)))
    }
}

/// Collects documents into requests.
#[derive(Debug)]
pub(crate) struct Assembly {
    limits: Limits,
    body: BytesMut,
    entries: Vec<Entry>,
    /// The memory of requests that were answered: taking new memory for each one costs time, and
    /// leaves holes in it.
    spare: Vec<BytesMut>,
    /// The line before a source, written here first to know its length.
    action: Vec<u8>,
    /// How large the last request was, in bytes and documents.
    last: (usize, usize),
}

impl Assembly {
    /// Starts with an empty request.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            body: BytesMut::new(),
            entries: Vec::new(),
            spare: Vec::new(),
            action: Vec::new(),
            last: (FIRST_CAPACITY, 0),
        }
    }

    /// Adds a document; returns the request before it, if the document has no room in that.
    pub(crate) fn push(&mut self, line: Line<'_>, batch: BatchNumber) -> Option<BulkRequest> {
        let Line { position, id, routing, source } = line;
        self.action.clear();
        write_action(&mut self.action, id, routing);
        let length = self.action.len() + source.len() + 1;
        let full = self.body.len().saturating_add(length) > self.limits.bytes
            || self.entries.len() >= self.limits.documents.max(1);
        let closed = if full { self.close() } else { None };
        if self.entries.is_empty() {
            // A little more than the last one needed, so that the memory seldom has to be moved.
            let (bytes, documents) = self.last;
            self.body = self.spare.pop().unwrap_or_default();
            self.body.reserve((bytes + bytes / 8).min(self.limits.bytes).max(length));
            self.entries.reserve(documents);
        }
        let start = self.body.len();
        self.body.extend_from_slice(&self.action);
        let begin = self.body.len();
        self.body.extend_from_slice(source);
        self.body.extend_from_slice(b"\n");
        self.entries.push(Entry { batch, position, span: start..self.body.len(), source: begin });
        closed
    }

    /// Makes the next requests no larger than `bytes`: the target's limit is lower than ours.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        self.limits.bytes = self.limits.bytes.min(bytes);
    }

    /// Closes the request under way; `None` if it is empty.
    pub(crate) fn close(&mut self) -> Option<BulkRequest> {
        if self.entries.is_empty() {
            return None;
        }
        self.last = (self.body.len(), self.entries.len());
        let body = std::mem::take(&mut self.body);
        Some(BulkRequest { body: body.freeze(), entries: std::mem::take(&mut self.entries) })
    }

    /// Takes back the memory of a request that was answered, unless it is still in use.
    pub(crate) fn recycle(&mut self, BulkRequest { body, entries: _ }: BulkRequest) {
        if self.spare.len() < MAX_SPARE
            && let Ok(mut body) = body.try_into_mut()
            && body.capacity() <= 2 * self.limits.bytes
        {
            body.clear();
            self.spare.push(body);
        }
    }
}

/// Writes the line before the source. The index is in the request's path.
fn write_action(line: &mut Vec<u8>, id: &str, routing: Option<&str>) {
    line.extend_from_slice(b"{\"index\":{\"_id\":");
    write_string(line, id);
    if let Some(routing) = routing {
        line.extend_from_slice(b",\"routing\":");
        write_string(line, routing);
    }
    line.extend_from_slice(b"}}\n");
}

fn write_string(line: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let written = serde_json::to_writer(&mut *line, text);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;
    use crate::acknowledged::{Acknowledged, Checkpoint};

    fn batch() -> BatchNumber {
        Acknowledged::resume(Checkpoint::<u64>::default()).read(0, contract::Ledger::default())
    }

    fn document<'a>(id: &'a str, source: &'a str) -> Line<'a> {
        let routing = (id == "b").then_some("r\"1");
        Line { position: 0, id, routing, source: source.as_bytes() }
    }

    fn assemble(limits: Limits, documents: &[(&str, &str)]) -> Vec<BulkRequest> {
        let mut assembly = Assembly::new(limits);
        // The memory of an earlier request is used again.
        assembly.push(document("z", "left over"), batch());
        let earlier = assembly.close().expect("a request");
        assembly.recycle(earlier);
        let mut requests: Vec<BulkRequest> = documents
            .iter()
            .filter_map(|(id, source)| assembly.push(document(id, source), batch()))
            .collect();
        requests.extend(assembly.close());
        requests
    }

    #[test]
    fn ids_and_routing_are_written_as_json() {
        let limits = Limits { bytes: 1_000, documents: 10 };
        let documents = [("a\n", "{\"n\":1}"), ("b", "{}")];
        assert_eq!(
            &assemble(limits, &documents)[0].body()[..],
            b"{\"index\":{\"_id\":\"a\\n\"}}\n{\"n\":1}\n\
              {\"index\":{\"_id\":\"b\",\"routing\":\"r\\\"1\"}}\n{}\n"
        );
    }

    #[test]
    fn a_request_of_one_document_has_no_halves() {
        let limits = Limits { bytes: 1, documents: 10 };
        let requests = assemble(limits, &[("a", "{\"long\":\"long\"}")]);
        assert_eq!(requests.len(), 1);
        assert!(requests[0].halves().is_none());
    }

    proptest! {
        /// Every document is in exactly one request, whole, in order; no request of more than one
        /// document exceeds a limit; and the parts of a request hold what the request held.
        #[test]
        fn nothing_is_lost_and_no_limit_is_exceeded(
            sources in prop::collection::vec("[a-z]{0,40}", 1..60),
            bytes in 1..300_usize,
            most in 0..9_usize,
            ids in any::<bool>(),
        ) {
            let names: Vec<String> = (0..sources.len())
                .map(|number| if ids { format!("{number}") } else { "b".to_owned() })
                .collect();
            let documents: Vec<(&str, &str)> =
                names.iter().map(String::as_str).zip(sources.iter().map(String::as_str)).collect();
            let requests = assemble(Limits { bytes, documents: most }, &documents);
            let mut seen = Vec::new();
            for request in &requests {
                assert!(request.entries().len() == 1 || request.body().len() <= bytes);
                assert!(request.entries().len() <= most.max(1));
                let parts = request
                    .halves()
                    .map_or_else(|| vec![request.clone()], |(first, second)| vec![first, second]);
                let joined: Vec<u8> = parts.iter().flat_map(|part| part.body().to_vec()).collect();
                assert_eq!(&joined[..], &request.body()[..]);
                for part in &parts {
                    for entry in part.entries() {
                        let source = String::from_utf8(part.source(entry).to_vec()).expect("text");
                        let Address { id, routing } = part.address(entry);
                        assert_eq!(routing.as_deref(), (id == "b").then_some("r\"1"));
                        seen.push((id, source));
                    }
                }
            }
            let expected: Vec<(String, String)> =
                documents.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
            assert_eq!(seen, expected);
        }
    }
}
