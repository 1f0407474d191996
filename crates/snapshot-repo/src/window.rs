//! The part of a shard that is read, seen from one of its segments.

/// The positions to read, and where a segment begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The position of the segment's first document.
    pub(crate) base: u64,
    /// The first position to read.
    pub(crate) from: u64,
    /// The position to stop before.
    pub(crate) until: u64,
}

impl Window {
    /// Returns whether the window ends before the last document of a segment with `documents`
    /// documents.
    pub(crate) fn ends_inside(self, documents: u32) -> bool {
        self.until < self.base.saturating_add(u64::from(documents))
    }
}
