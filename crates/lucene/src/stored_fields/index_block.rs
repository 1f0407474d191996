//! A block of the index of chunks as Lucene 5 to 8.4 write it.
//!
//! ```text
//! vint n = chunks, 0 after the last block
//! vint first document | vint average | vint width | n differences, zigzag, packed
//! vlong first place   | vlong average | vint width | n differences, zigzag, packed
//! number i  first + average * i + difference i
//! ```

use super::packed;
use crate::{
    bytes::{ByteOrder, Cursor},
    error::LuceneError,
};

/// The first documents and the offsets of some chunks.
#[derive(Debug)]
pub(super) struct IndexBlock<'a> {
    count: u32,
    documents: Line<'a>,
    offsets: Line<'a>,
}

#[derive(Debug)]
struct Line<'a> {
    first: u64,
    average: u64,
    bits: u32,
    differences: &'a [u8],
}

/// Reads a block, or none at the end.
pub(super) fn read_block<'a>(
    cursor: &mut Cursor<'a>,
    max_doc: u32,
) -> Result<Option<IndexBlock<'a>>, LuceneError> {
    let count = cursor.vint()?;
    if count == 0 {
        return Ok(None);
    }
    if count > max_doc {
        return Err(cursor.out_of_range("the number of chunks", count.into()));
    }
    let (first, average) = (cursor.vint()?.into(), cursor.vint()?.into());
    let documents = Line::read(cursor, first, average, count)?;
    let (first, average) = (cursor.vlong()?, cursor.vlong()?);
    let offsets = Line::read(cursor, first, average, count)?;
    Ok(Some(IndexBlock { count, documents, offsets }))
}

impl IndexBlock<'_> {
    /// Returns the first document and the offset of each chunk.
    pub(super) fn chunks(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..self.count).map(|place| (self.documents.number(place), self.offsets.number(place)))
    }
}

impl<'a> Line<'a> {
    fn read(
        cursor: &mut Cursor<'a>,
        first: u64,
        average: u64,
        count: u32,
    ) -> Result<Self, LuceneError> {
        let bits = cursor.vint()?;
        if bits > 64 {
            return Err(cursor.out_of_range("the number of bits", bits.into()));
        }
        let length = u64::from(count).saturating_mul(bits.into()).div_ceil(8);
        let differences = cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Self { first, average, bits, differences })
    }

    /// Returns a number. Values out of range are rejected by the caller.
    fn number(&self, place: u32) -> u64 {
        let difference =
            packed::number(self.differences, ByteOrder::Big, self.bits, place.into()).unwrap_or(0);
        let difference = difference.wrapping_shr(1) ^ 0_u64.wrapping_sub(difference & 1);
        let line = self.average.wrapping_mul(place.into());
        self.first.wrapping_add(line).wrapping_add(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::read_block;
    use crate::bytes::Cursor;

    #[test]
    fn documents_and_places_lie_beside_a_line() {
        // Documents 7, 7 + 4 - 1, 7 + 8 + 0; places 300, 300 + 100 + 3, 300 + 200 - 2.
        let bytes = [3, 7, 4, 2, 0b0001_0000, 0xac, 2, 100, 3, 0b0001_1001, 0b1000_0000, 0];
        let mut cursor = Cursor::new("_0.fdx", &bytes);
        let block = read_block(&mut cursor, 20).expect("a block").expect("one more block");
        let chunks: Vec<(u64, u64)> = block.chunks().collect();
        assert_eq!(chunks, [(7, 300), (10, 403), (15, 498)]);
        assert!(read_block(&mut cursor, 20).expect("a block").is_none());
        assert!(read_block(&mut Cursor::new("_0.fdx", &bytes), 2).is_err());
    }
}
