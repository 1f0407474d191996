//! Counts of a chunk as Lucene 9 and 10 write them.
//!
//! ```text
//! u8 bits: 0 one vint for all, else 8, 16 or 32 per value
//! whole groups of 128 values: 2 x bits little-endian int64; each holds 64 / bits values of the
//!     group, the first in the high bits, and value i of int64 w is number w + i * (2 x bits)
//! the rest: u8, u16 or u32 each, little-endian
//! ```

use super::counts::Counts;
use crate::{
    bytes::{ByteOrder, Cursor},
    error::LuceneError,
};

const GROUP: u32 = 128;

/// Reads `count` numbers.
pub(super) fn read_counts(cursor: &mut Cursor<'_>, count: u32) -> Result<Counts, LuceneError> {
    cursor.set_order(ByteOrder::Little);
    let bits = u32::from(cursor.u8()?);
    if bits == 0 {
        return Ok(Counts::Same(cursor.vint()?));
    }
    if !matches!(bits, 8 | 16 | 32) {
        return Err(cursor.out_of_range("the number of bits", bits.into()));
    }
    let bytes = u64::from(count).saturating_mul(bits.into()).div_ceil(8);
    let mut probe = cursor.clone();
    probe.skip(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let mut values = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mask = 1_u64.wrapping_shl(bits).wrapping_sub(1);
    for _ in 0..count.div_euclid(GROUP) {
        let mut words = Vec::with_capacity(64);
        for _ in 0..bits.saturating_mul(2) {
            words.push(cursor.u64()?);
        }
        let mut shift = 64_u32;
        while shift >= bits {
            shift = shift.saturating_sub(bits);
            let column = words.iter().map(|word| word.wrapping_shr(shift) & mask);
            values.extend(column.map(|value| u32::try_from(value).unwrap_or(u32::MAX)));
        }
    }
    for _ in 0..count.rem_euclid(GROUP) {
        values.push(match bits {
            8 => cursor.u8()?.into(),
            16 => cursor.u16()?.into(),
            _ => cursor.u32()?,
        });
    }
    Ok(Counts::Each(values))
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{any, prop, prop_oneof, proptest},
        strategy::Just,
    };

    use super::{Counts, read_counts};
    use crate::bytes::Cursor;

    proptest! {
        #[test]
        fn transposed_values_come_back(
            bits in prop_oneof![Just(8_u32), Just(16), Just(32)],
            values in prop::collection::vec(any::<u32>(), 2..400),
        ) {
            let values: Vec<u32> = values.iter().map(|value| value >> (32 - bits)).collect();
            let words = usize::try_from(bits * 2).expect("in range");
            let mut bytes = vec![u8::try_from(bits).expect("in range")];
            let groups = values.chunks_exact(128);
            let rest = groups.remainder();
            for group in groups {
                let mut packed = vec![0_u64; words];
                for (index, value) in group.iter().enumerate() {
                    packed[index % words] = packed[index % words] << bits | u64::from(*value);
                }
                bytes.extend(packed.into_iter().flat_map(u64::to_le_bytes));
            }
            for value in rest {
                bytes.extend(&value.to_le_bytes()[..usize::try_from(bits / 8).expect("in range")]);
            }
            let mut cursor = Cursor::new("_0.fdt", &bytes);
            let count = u32::try_from(values.len()).expect("in range");
            assert_eq!(read_counts(&mut cursor, count).expect("counts"), Counts::Each(values));
            assert_eq!(cursor.remaining(), 0);
        }

        #[test]
        fn random_bytes_never_panic(junk in any::<Vec<u8>>(), count in any::<u32>()) {
            drop(read_counts(&mut Cursor::new("_0.fdt", &junk), count));
        }
    }
}
