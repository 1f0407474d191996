//! Increasing numbers, written as small differences from a straight line, in blocks.
//!
//! ```text
//! in .fdm, a block     int64 least | int32 bits of a float: slope | int64 offset | u8 width in bits
//! in .fdx, from there  the differences, packed (packed.rs); nothing at width 0
//! number i of a block  least + whole part of (slope * i) + difference i
//! ```

use super::packed;
use crate::{
    bytes::{ByteOrder, Cursor},
    error::LuceneError,
};

/// The binary logarithm of the largest block size; writers use 10.
const MAX_SHIFT: u32 = 22;

/// A sequence of increasing numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Monotonic {
    order: ByteOrder,
    shift: u32,
    count: u32,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    least: i64,
    slope: f32,
    offset: u64,
    bits: u32,
}

impl Monotonic {
    /// Reads the descriptions of the blocks.
    pub(super) fn read(
        cursor: &mut Cursor<'_>,
        order: ByteOrder,
        shift: u32,
        count: u32,
    ) -> Result<Self, LuceneError> {
        if shift > MAX_SHIFT {
            return Err(cursor.out_of_range("the size of a block", shift.into()));
        }
        let mut blocks = Vec::new();
        for _ in 0..count.div_ceil(1_u32.wrapping_shl(shift)) {
            blocks.push(Block {
                least: cursor.i64()?,
                slope: f32::from_bits(cursor.u32()?),
                offset: cursor.long_count("the place of a block")?,
                bits: cursor.u8()?.into(),
            });
        }
        Ok(Self { order, shift, count, blocks })
    }

    /// Returns the numbers, whose differences begin at `start` of the file; none for a number that
    /// the file is too short for.
    pub(super) fn numbers<'a>(
        &'a self,
        file: &'a [u8],
        start: u64,
    ) -> impl Iterator<Item = Option<u64>> + 'a {
        let size = 1_u32.wrapping_shl(self.shift);
        (0..self.count).map(move |place| {
            let block = self.blocks.get(usize::try_from(place.wrapping_shr(self.shift)).ok()?)?;
            let inside = place & size.wrapping_sub(1);
            let bytes = file.get(usize::try_from(start.checked_add(block.offset)?).ok()?..)?;
            let difference = packed::number(bytes, self.order, block.bits, inside.into())?;
            let number = block.least.wrapping_add(on_line(block.slope, inside));
            u64::try_from(number.wrapping_add(difference.cast_signed())).ok()
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the writer rounds in single precision and cuts the fraction off, and so do we"
)]
fn on_line(slope: f32, place: u32) -> i64 {
    (slope * place as f32) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Monotonic;
    use crate::bytes::{ByteOrder, Cursor};

    fn description(least: i64, slope: f32, offset: i64, bits: u8) -> Vec<u8> {
        [&least.to_le_bytes()[..], &slope.to_bits().to_le_bytes(), &offset.to_le_bytes(), &[bits]]
            .concat()
    }

    #[test]
    fn differences_are_added_to_the_line() {
        // Blocks of two: 10, 10 + 1.5 + 3 | 20, 20 + 7 (width 0).
        let described = [description(10, 1.5, 0, 4), description(20, 7.0, 1, 0)].concat();
        let mut cursor = Cursor::new("_0.fdm", &described);
        cursor.set_order(ByteOrder::Little);
        let numbers = Monotonic::read(&mut cursor, ByteOrder::Little, 1, 4).expect("blocks");
        let file = [0xff, 0x30, 0xff];
        let found: Vec<_> = numbers.numbers(&file, 1).collect();
        assert_eq!(found, [Some(10), Some(14), Some(20), Some(27)]);
        let found: Vec<_> = numbers.numbers(&[], 1).collect();
        assert_eq!(found, [None, None, None, None]);
    }

    proptest! {
        #[test]
        fn random_descriptions_never_panic(
            junk in any::<Vec<u8>>(), file in any::<Vec<u8>>(),
            shift in 0..40_u32, count in 0..3000_u32, start in 0..300_u64,
        ) {
            let mut cursor = Cursor::new("_0.fdm", &junk);
            if let Ok(numbers) = Monotonic::read(&mut cursor, ByteOrder::Big, shift, count) {
                assert_eq!(numbers.numbers(&file, start).count(), usize::try_from(count).expect("in range"));
            }
        }
    }
}
