//! The memory that batches lie in, used again once a batch is dropped: to ask for it anew, zeroed,
//! would cost a tenth of the decoding.

use std::sync::{Arc, Mutex, PoisonError};

use lucene::Arena;

use crate::batch::{ARENA_BYTES, Entry};

/// What the documents of one batch lie in.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) arena: Arena,
    pub(crate) text: String,
    pub(crate) entries: Vec<Entry>,
}

/// Rooms that no batch lies in; there are never more of them than batches were at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rooms(Arc<Mutex<Vec<Room>>>);

impl Rooms {
    /// An empty room.
    pub(crate) fn take(&self) -> Room {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Room { arena: Arena::with_capacity(ARENA_BYTES), ..Room::default() })
    }

    /// Takes a room back.
    pub(crate) fn give_back(&self, mut room: Room) {
        // One that grew for a huge document would stay as large.
        if room.arena.capacity() != ARENA_BYTES {
            return;
        }
        room.arena.clear();
        room.text.clear();
        room.entries.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(room);
    }
}
