//! Which documents go into one bulk request?
//!
//! A request is closed *before* it exceeds the limits; a document that is larger than the limit
//! alone goes alone. Every document's place in the body is kept, so that a part of a request can
//! be sent again without going back to the snapshot.
//!
//! ```text
//!   body     {"index":{"_id":"a"}}\n{"n":1}\n{"index":{"_id":"b","routing":"r"}}\n{"n":2}\n
//!            |---------------- span a --------||------------------ span b ---------------|
//!                                  |source|
//! ```

use std::ops::Range;

use bytes::Bytes;

use crate::acknowledged::BatchNumber;

/// A document as it will be sent.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its place in the shard.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// Its mapping type, on the source.
    pub doc_type: Option<String>,
    /// Its routing.
    pub routing: Option<String>,
    /// Its source, one line of JSON without the newline.
    pub source: Bytes,
}

/// Whether the target wants a mapping type with each document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Elasticsearch 7 and newer, and OpenSearch.
    Dropped,
    /// Elasticsearch 5 and 6.
    Kept,
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
pub struct Entry {
    /// The batch it was read with.
    pub batch: BatchNumber,
    /// Its place in the shard.
    pub position: u64,
    /// Its id.
    pub id: String,
    /// Its routing.
    pub routing: Option<String>,
    span: Range<usize>,
    source: Range<usize>,
}

impl Entry {
    /// Returns the length of its source.
    pub fn source_bytes(&self) -> u64 {
        self.source.len() as u64
    }
}

/// A bulk request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Load {
    body: Bytes,
    entries: Vec<Entry>,
}

impl Load {
    /// Returns the body.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns the documents in the order of the body, which is also that of the answer.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the source of one of its documents.
    pub fn source(&self, entry: &Entry) -> &[u8] {
        self.body.get(entry.source.clone()).unwrap_or_default()
    }

    /// Returns a request of some of its documents, named by their places in [`Load::entries`].
    #[must_use]
    pub fn part(&self, places: &[usize]) -> Self {
        let mut body = Vec::new();
        let mut entries = Vec::with_capacity(places.len());
        for entry in places.iter().filter_map(|place| self.entries.get(*place)) {
            let start = body.len();
            body.extend_from_slice(self.body.get(entry.span.clone()).unwrap_or_default());
            let before_source = entry.source.start - entry.span.start;
            let source = start + before_source..start + before_source + entry.source.len();
            entries.push(Entry { span: start..body.len(), source, ..entry.clone() });
        }
        Self { body: body.into(), entries }
    }

    /// Splits it in two; `None` if it is a single document.
    pub fn halves(&self) -> Option<(Self, Self)> {
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
pub struct Assembly {
    limits: Limits,
    types: Types,
    body: Vec<u8>,
    entries: Vec<Entry>,
}

impl Assembly {
    /// Starts with an empty request.
    pub fn new(limits: Limits, types: Types) -> Self {
        Self { limits, types, body: Vec::new(), entries: Vec::new() }
    }

    /// Adds a document; answers the request before it, if the document has no room in that.
    pub fn push(&mut self, document: Document, batch: BatchNumber) -> Option<Load> {
        let start = self.body.len();
        write_action(&mut self.body, &document, self.types);
        let source = self.body.len()..self.body.len() + document.source.len();
        self.body.extend_from_slice(&document.source);
        self.body.push(b'\n');
        let Document { position, id, routing, doc_type: _, source: _ } = document;
        let entry = Entry { batch, position, id, routing, span: start..self.body.len(), source };

        let full = !self.entries.is_empty()
            && (self.body.len() > self.limits.bytes
                || self.entries.len() >= self.limits.documents.max(1));
        if !full {
            self.entries.push(entry);
            return None;
        }
        let tail = self.body.split_off(start);
        let closed = self.close();
        self.body = Vec::with_capacity(self.limits.bytes.min(closed_capacity(closed.as_ref())));
        self.body.extend_from_slice(&tail);
        let moved = |range: Range<usize>| range.start - start..range.end - start;
        let Entry { span, source, .. } = entry.clone();
        self.entries.push(Entry { span: moved(span), source: moved(source), ..entry });
        closed
    }

    /// Makes the next requests no larger than `bytes`: the target said that its limit is lower
    /// than ours.
    pub fn shrink(&mut self, bytes: usize) {
        self.limits.bytes = self.limits.bytes.min(bytes);
    }

    /// Closes the request under way; `None` if it is empty.
    pub fn close(&mut self) -> Option<Load> {
        if self.entries.is_empty() {
            return None;
        }
        let body = std::mem::take(&mut self.body);
        Some(Load { body: body.into(), entries: std::mem::take(&mut self.entries) })
    }
}

/// The next request is about as large as the last one: one allocation instead of twenty.
fn closed_capacity(closed: Option<&Load>) -> usize {
    closed.map_or(0, |load| load.body.len())
}

/// Writes the line before the source. The index is in the request's path.
fn write_action(body: &mut Vec<u8>, document: &Document, types: Types) {
    body.extend_from_slice(b"{\"index\":{\"_id\":");
    write_string(body, &document.id);
    if types == Types::Kept {
        body.extend_from_slice(b",\"_type\":");
        write_string(body, document.doc_type.as_deref().unwrap_or("_doc"));
    }
    if let Some(routing) = &document.routing {
        body.extend_from_slice(b",\"routing\":");
        write_string(body, routing);
    }
    body.extend_from_slice(b"}}\n");
}

fn write_string(body: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let written = serde_json::to_writer(&mut *body, text);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;
    use crate::acknowledged::{Acknowledged, Checkpoint};

    fn batch() -> BatchNumber {
        Acknowledged::resume(Checkpoint::default()).read(0, step_api::rfs::Ledger::default())
    }

    fn document(id: &str, source: &str) -> Document {
        Document {
            position: 0,
            id: id.to_owned(),
            doc_type: Some("t".to_owned()),
            routing: (id == "b").then(|| "r\"1".to_owned()),
            source: Bytes::copy_from_slice(source.as_bytes()),
        }
    }

    fn assemble(limits: Limits, types: Types, documents: &[(&str, &str)]) -> Vec<Load> {
        let mut assembly = Assembly::new(limits, types);
        let mut loads: Vec<Load> = documents
            .iter()
            .filter_map(|(id, source)| assembly.push(document(id, source), batch()))
            .collect();
        loads.extend(assembly.close());
        loads
    }

    #[test]
    fn ids_routing_and_old_types_are_written_as_json() {
        let limits = Limits { bytes: 1_000, documents: 10 };
        let documents = [("a\n", "{\"n\":1}"), ("b", "{}")];
        let body = |types| assemble(limits, types, &documents)[0].body();
        assert_eq!(
            &body(Types::Dropped)[..],
            b"{\"index\":{\"_id\":\"a\\n\"}}\n{\"n\":1}\n\
              {\"index\":{\"_id\":\"b\",\"routing\":\"r\\\"1\"}}\n{}\n"
        );
        assert!(body(Types::Kept).starts_with(b"{\"index\":{\"_id\":\"a\\n\",\"_type\":\"t\"}}\n"));
    }

    #[test]
    fn a_request_of_one_document_has_no_halves() {
        let limits = Limits { bytes: 1, documents: 10 };
        let loads = assemble(limits, Types::Dropped, &[("a", "{\"long\":\"long\"}")]);
        assert_eq!(loads.len(), 1);
        assert!(loads[0].halves().is_none());
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
            let loads = assemble(Limits { bytes, documents: most }, Types::Dropped, &documents);
            let mut seen = Vec::new();
            for load in &loads {
                assert!(load.entries().len() == 1 || load.body().len() <= bytes);
                assert!(load.entries().len() <= most.max(1));
                let parts = load
                    .halves()
                    .map_or_else(|| vec![load.clone()], |(first, second)| vec![first, second]);
                let joined: Vec<u8> = parts.iter().flat_map(|part| part.body().to_vec()).collect();
                assert_eq!(&joined[..], &load.body()[..]);
                for part in &parts {
                    for entry in part.entries() {
                        let source = String::from_utf8(part.source(entry).to_vec()).expect("text");
                        seen.push((entry.id.clone(), source));
                    }
                }
            }
            let expected: Vec<(String, String)> =
                documents.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
            assert_eq!(seen, expected);
        }
    }
}
