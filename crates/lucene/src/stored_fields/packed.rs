//! Numbers of equal width in bits, one after the other, readable at any place.
//!
//! ```text
//! big-endian (up to Lucene 8)     first number in the high bits of the first byte
//! little-endian (from Lucene 9)   first number in the low bits of the first byte
//! ```

use crate::bytes::ByteOrder;

/// Returns the number at a place, or none if it reaches beyond the bytes or has more than 64 bits.
pub(super) fn number(bytes: &[u8], order: ByteOrder, bits: u32, place: u64) -> Option<u64> {
    if bits > 64 {
        return None;
    }
    let first = place.checked_mul(bits.into())?;
    let last = first.checked_add(bits.into())?;
    let bounds = (usize::try_from(first / 8).ok()?, usize::try_from(last.div_ceil(8)).ok()?);
    let bytes = bytes.get(bounds.0..bounds.1)?;
    let join = |window: u128, byte: &u8| window.wrapping_shl(8) | u128::from(*byte);
    let (window, unused) = match order {
        ByteOrder::Big => {
            (bytes.iter().fold(0, join), last.div_ceil(8).saturating_mul(8).saturating_sub(last))
        }
        ByteOrder::Little => (bytes.iter().rev().fold(0, join), first % 8),
    };
    let mask = 1_u128.wrapping_shl(bits).wrapping_sub(1);
    u64::try_from(window.wrapping_shr(u32::try_from(unused).ok()?) & mask).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{ByteOrder, number};

    proptest! {
        #[test]
        fn packed_numbers_come_back(
            bits in 1..=64_u32,
            values in prop::collection::vec(any::<u64>(), 1..50),
        ) {
            let values: Vec<u64> = values.iter().map(|value| value >> (64 - bits)).collect();
            let digits = |value: &u64| {
                let value = *value;
                (0..bits).map(move |bit| u8::from(value >> bit & 1 == 1))
            };
            let low_first: Vec<u8> = values.iter().flat_map(digits).collect();
            let little: Vec<u8> = low_first
                .chunks(8)
                .map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | bit))
                .collect();
            let high_first: Vec<u8> =
                values.iter().flat_map(|value| digits(value).rev()).collect();
            let big: Vec<u8> = high_first
                .chunks(8)
                .map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit) << (8 - byte.len()))
                .collect();
            for (place, value) in (0..).zip(&values) {
                assert_eq!(number(&little, ByteOrder::Little, bits, place), Some(*value));
                assert_eq!(number(&big, ByteOrder::Big, bits, place), Some(*value));
            }
        }

        #[test]
        fn beyond_the_end_is_nothing(
            junk in any::<Vec<u8>>(), bits in any::<u32>(), place in any::<u64>(),
        ) {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                let _ = number(&junk, order, bits, place);
            }
        }
    }
}
