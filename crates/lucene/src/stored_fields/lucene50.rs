//! Counts of a chunk as Lucene 5 to 8 write them.
//!
//! ```text
//! vint bits | 0: one vint for all | 1..31: ceil(n * bits / 8) bytes, first value in the high bits
//! ```

use super::counts::Counts;
use crate::{bytes::Cursor, error::LuceneError};

/// Reads `count` numbers.
pub(super) fn read_counts(cursor: &mut Cursor<'_>, count: u32) -> Result<Counts, LuceneError> {
    let bits = cursor.vint()?;
    if bits == 0 {
        return Ok(Counts::Same(cursor.vint()?));
    }
    if bits > 31 {
        return Err(cursor.out_of_range("the number of bits", bits.into()));
    }
    let length = u64::from(count).saturating_mul(bits.into()).div_ceil(8);
    let packed = cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut bytes = packed.iter();
    let (mut window, mut have) = (0_u64, 0_u32);
    let mask = 1_u64.wrapping_shl(bits).wrapping_sub(1);
    let mut values = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    for _ in 0..count {
        while have < bits {
            let byte = bytes.next().copied().unwrap_or(0);
            window = window.wrapping_shl(8) | u64::from(byte);
            have = have.saturating_add(8);
        }
        have = have.saturating_sub(bits);
        values.push(u32::try_from(window.wrapping_shr(have) & mask).unwrap_or(u32::MAX));
    }
    Ok(Counts::Each(values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{Counts, read_counts};
    use crate::bytes::Cursor;

    proptest! {
        #[test]
        fn packed_values_come_back(
            bits in 1..=31_u32,
            values in prop::collection::vec(any::<u32>(), 2..200),
        ) {
            let values: Vec<u32> = values.iter().map(|value| value >> (32 - bits)).collect();
            let digits: Vec<u32> = values
                .iter()
                .flat_map(|value| (0..bits).rev().map(move |bit| value >> bit & 1))
                .collect();
            let mut bytes = vec![u8::try_from(bits).expect("in range")];
            for byte in digits.chunks(8) {
                let value = byte.iter().fold(0, |value, bit| value << 1 | bit) << (8 - byte.len());
                bytes.push(u8::try_from(value).expect("in range"));
            }
            let mut cursor = Cursor::new("_0.fdt", &bytes);
            let count = u32::try_from(values.len()).expect("in range");
            assert_eq!(read_counts(&mut cursor, count).expect("counts"), Counts::Each(values));
            assert_eq!(cursor.remaining(), 0);
        }
    }

    #[test]
    fn equal_values_are_written_once() {
        let mut cursor = Cursor::new("_0.fdt", &[0, 0x81, 1]);
        assert_eq!(read_counts(&mut cursor, 1000).expect("counts"), Counts::Same(129));
    }
}
