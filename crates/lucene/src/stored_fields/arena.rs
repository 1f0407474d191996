//! The memory of decoded documents: one piece for many chunks, and places in it.

use std::ops::Range;

use crate::{bytes::Cursor, error::LuceneError};

/// Memory that chunks are decoded into, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    /// Beyond `used` are bytes of an earlier use.
    bytes: Vec<u8>,
    used: usize,
}

/// A place in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

impl Arena {
    /// Returns an empty arena of this size, which may still grow.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity], used: 0 }
    }

    /// Returns an arena that holds these bytes.
    #[cfg(test)]
    pub(super) fn holding(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), used: bytes.len() }
    }

    /// Returns how many bytes the arena holds.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Returns how many bytes the arena can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Returns the bytes at a place.
    #[inline]
    pub fn get(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }

    /// Reserves memory for a chunk. Returns the memory, and where in it the chunk begins.
    pub(super) fn reserve(
        &mut self,
        cursor: &Cursor<'_>,
        length: usize,
    ) -> Result<(&mut [u8], usize), LuceneError> {
        let start = self.used;
        let end = start.saturating_add(length);
        if u32::try_from(end).is_err() {
            let value = i64::try_from(length).unwrap_or(i64::MAX);
            return Err(cursor.out_of_range("the length of a chunk", value));
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.used = end;
        Ok((self.bytes.get_mut(..end).unwrap_or_default(), start))
    }
}

impl Span {
    /// Returns the place as a range of the arena's bytes.
    fn range(self) -> Range<usize> {
        let place = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let Self { start, length } = self;
        place(start)..place(start).saturating_add(place(length))
    }

    /// Returns a part of the place, if it is within the place.
    #[inline]
    pub(super) fn part(self, start: usize, length: usize) -> Option<Self> {
        let (start, length) = (u32::try_from(start).ok()?, u32::try_from(length).ok()?);
        start.checked_add(length).filter(|end| *end <= self.length)?;
        Some(Self { start: self.start.checked_add(start)?, length })
    }

    /// Returns the place of `length` bytes, if an arena can be so large.
    #[inline]
    pub(super) fn new(start: usize, length: usize) -> Option<Self> {
        start.checked_add(length).filter(|end| u32::try_from(*end).is_ok())?;
        Some(Self { start: u32::try_from(start).ok()?, length: u32::try_from(length).ok()? })
    }
}
