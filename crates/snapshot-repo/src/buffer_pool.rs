//! The memory of batches, reused once a batch is dropped: allocating and zeroing it for each batch
//! would cost a tenth of the decoding time.

use std::sync::{Arc, Mutex, PoisonError};

use lucene::{Arena, Span};

/// A batch takes no further chunk once its chunks have this many bytes.
pub(crate) const FULL_BYTES: usize = 1 << 20;
/// The largest chunk, unless a single document is larger.
const MAX_CHUNK_BYTES: usize = 640 << 10;
/// An arena of this size need not grow.
const ARENA_BYTES: usize = FULL_BYTES + MAX_CHUNK_BYTES;

/// The memory of the documents of one batch.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// The chunks as they were decoded.
    pub(crate) arena: Arena,
    /// The ids and other names, written out.
    pub(crate) text: String,
    pub(crate) entries: Vec<Entry>,
}

/// A document: places in the text and the arena.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: u64,
    pub(crate) id: TextSpan,
    pub(crate) kind: Option<TextSpan>,
    pub(crate) routing: Option<TextSpan>,
    pub(crate) parent: Option<TextSpan>,
    pub(crate) source: Option<Span>,
}

/// A place in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextSpan {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Buffers that no batch uses. There are never more of them than there were batches at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Vec<Buffer>>>);

impl BufferPool {
    /// Returns an empty buffer.
    pub(crate) fn take(&self) -> Buffer {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Buffer {
            arena: Arena::with_capacity(ARENA_BYTES),
            ..Buffer::default()
        })
    }

    /// Takes a buffer back.
    pub(crate) fn put_back(&self, mut buffer: Buffer) {
        // A buffer that grew for a huge document would keep its size.
        if buffer.arena.capacity() != ARENA_BYTES {
            return;
        }
        buffer.arena.clear();
        buffer.text.clear();
        buffer.entries.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}
