//! LZ4 blocks, decoded until the output is full, because the input's length may be unknown.
//!
//! ```text
//! block     sequences; the last one ends after its literals, when the output is full
//! sequence  token (high 4 bits: literals, low 4 bits: match length - 4)
//!           [15 literals or more] bytes to add, up to and including the first below 255
//!           literals | u16 distance, little-endian | [15 or more] bytes to add, likewise
//! ```
//!
//! Short copies are done in fixed steps of 8 or 16 bytes that may write beyond their end, hence
//! the slack behind the output; what lies there is overwritten by what comes next.
//! A sequence whose input is cut off is not begun: decoding goes on there with more input.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "positions stay within slices in memory, and lengths are compared before they are added"
)]

use std::ops::Range;

/// How far the output slice must reach beyond the block.
pub(crate) const SLACK: usize = 32;

const SHORTEST_MATCH: usize = 4;
/// Copies up to this length go in fixed steps.
const SHORT: usize = 64;

/// A block's place in the output, and where the bytes are that virtually precede it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Where the block is written to.
    pub(super) place: Range<usize>,
    /// An earlier part of the output.
    pub(super) dictionary: Range<usize>,
}

/// How far a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The block is full.
    Complete,
    /// The input ends inside a sequence.
    Starved {
        /// How many bytes are missing at least.
        missing: usize,
    },
}

/// Decodes sequences and moves `position` and `written` behind the last whole one.
pub(super) fn decode(
    input: &[u8],
    position: &mut usize,
    output: &mut [u8],
    written: &mut usize,
    block: &Block,
) -> Result<Progress, &'static str> {
    let end = block.place.end;
    let (mut from, mut to) = (*position, *written);
    if to < block.place.start || to > end || output.len() < end {
        return Err("the output does not hold the block");
    }
    loop {
        let Some(&token) = input.get(from) else {
            return Ok(Progress::Starved { missing: 1 });
        };
        from += 1;
        let mut literals = usize::from(token >> 4);
        if literals == 15 {
            let Some(more) = length_bytes(input, &mut from) else {
                return Ok(Progress::Starved { missing: 1 });
            };
            literals += more;
        }
        if literals > end - to {
            return Err("more literals than the block has room for");
        }
        if !copy_literals(input, from, output, to, literals) {
            return Ok(Progress::Starved { missing: from + literals - input.len() });
        }
        from += literals;
        to += literals;
        if to == end {
            break;
        }
        let Some(&[low, high]) = input.get(from..).and_then(|rest| rest.first_chunk()) else {
            return Ok(Progress::Starved { missing: 2 });
        };
        from += 2;
        let mut length = usize::from(token & 15);
        if length == 15 {
            let Some(more) = length_bytes(input, &mut from) else {
                return Ok(Progress::Starved { missing: 1 });
            };
            length += more;
        }
        length += SHORTEST_MATCH;
        if length > end - to {
            return Err("a match is longer than the block has room for");
        }
        let distance = usize::from(u16::from_le_bytes([low, high]));
        let inside = to - block.place.start;
        if distance == 0 || distance > inside + block.dictionary.len() {
            return Err("a match starts before the block");
        }
        if distance <= inside {
            copy_match(output, to, distance, length);
        } else {
            let back = distance - inside;
            let source = block.dictionary.end - back;
            let first = length.min(back);
            output.copy_within(source..source + first, to);
            copy_match(output, to + first, distance, length - first);
        }
        to += length;
        (*position, *written) = (from, to);
        if to == end {
            break;
        }
    }
    (*position, *written) = (from, to);
    Ok(Progress::Complete)
}

/// Adds up length bytes; none when the input ends among them.
fn length_bytes(input: &[u8], from: &mut usize) -> Option<usize> {
    let mut length = 0;
    loop {
        let byte = *input.get(*from)?;
        *from += 1;
        length += usize::from(byte);
        if byte != 255 {
            return Some(length);
        }
    }
}

/// Copies literals; tells whether the input has them all.
#[inline]
fn copy_literals(input: &[u8], from: usize, output: &mut [u8], to: usize, count: usize) -> bool {
    if count <= 16
        && let Some(source) = input.get(from..).and_then(|rest| rest.first_chunk::<16>())
        && let Some(target) = output.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<16>())
    {
        *target = *source;
        return true;
    }
    match (input.get(from..from + count), output.get_mut(to..to + count)) {
        (Some(source), Some(target)) => {
            target.copy_from_slice(source);
            true
        }
        _ => false,
    }
}

/// Copies `length` bytes from `distance` bytes before `to`, as if byte by byte.
#[inline]
fn copy_match(output: &mut [u8], to: usize, distance: usize, length: usize) {
    if length <= SHORT && output.len() >= to + length + SLACK {
        if distance >= 16 {
            return copy_steps::<16>(output, to, distance, length);
        }
        if distance >= 8 {
            return copy_steps::<8>(output, to, distance, length);
        }
    }
    let from = to - distance;
    if distance == 1
        && let Some(&byte) = output.get(from)
        && let Some(target) = output.get_mut(to..to + length)
    {
        target.fill(byte);
        return;
    }
    // Each round doubles what can be copied without reading what is not written yet.
    let mut done = 0;
    while done < length {
        let step = (distance + done).min(length - done);
        output.copy_within(from..from + step, to + done);
        done += step;
    }
}

/// Copies in steps of `STEP` bytes, up to `STEP - 1` beyond the length.
#[inline]
fn copy_steps<const STEP: usize>(output: &mut [u8], to: usize, distance: usize, length: usize) {
    let mut done = 0;
    while done < length {
        let from = to + done - distance;
        let Some(&step) = output.get(from..).and_then(|rest| rest.first_chunk::<STEP>()) else {
            return;
        };
        let target = output.get_mut(to + done..).and_then(|rest| rest.first_chunk_mut::<STEP>());
        let Some(target) = target else { return };
        *target = step;
        done += STEP;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_oneof, proptest};
    use proptest::strategy::Strategy;

    use super::{Block, Progress, SLACK, decode};

    #[derive(Debug, Clone)]
    struct Sequence {
        literals: Vec<u8>,
        distance: usize,
        length: usize,
    }

    fn sequence() -> impl Strategy<Value = Sequence> {
        (
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                prop::collection::vec(any::<u8>(), 250..300),
            ],
            prop_oneof![1..20_usize, 1..600_usize],
            prop_oneof![4..24_usize, 4..700_usize],
        )
            .prop_map(|(literals, distance, length)| Sequence {
                literals,
                distance,
                length,
            })
    }

    fn push_length(bytes: &mut Vec<u8>, length: usize) {
        if let Some(mut rest) = length.checked_sub(15) {
            while rest >= 255 {
                bytes.push(255);
                rest -= 255;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
    }

    /// Writes the sequences and, byte by byte, what they stand for.
    fn write(dictionary: &[u8], sequences: &[Sequence], last: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut packed = Vec::new();
        let mut text = dictionary.to_vec();
        for Sequence { literals, distance, length } in sequences {
            text.extend(literals);
            if text.is_empty() {
                continue;
            }
            let distance = 1 + (distance - 1) % text.len();
            let token = (literals.len().min(15) << 4) | (length - 4).min(15);
            packed.push(u8::try_from(token).unwrap());
            push_length(&mut packed, literals.len());
            packed.extend(literals);
            packed.extend(u16::try_from(distance).unwrap().to_le_bytes());
            push_length(&mut packed, length - 4);
            for _ in 0..*length {
                text.push(text[text.len() - distance]);
            }
        }
        packed.push(u8::try_from(last.len().min(15) << 4).unwrap());
        push_length(&mut packed, last.len());
        packed.extend(last);
        text.extend(last);
        (packed, text.split_off(dictionary.len()))
    }

    proptest! {
        #[test]
        fn blocks_come_back_in_one_piece_or_in_many(
            dictionary in prop::collection::vec(any::<u8>(), 0..300),
            gap in 0..40_usize,
            sequences in prop::collection::vec(sequence(), 0..12),
            last in prop::collection::vec(any::<u8>(), 1..40),
            step in 1..400_usize,
        ) {
            let (packed, text) = write(&dictionary, &sequences, &last);
            let start = dictionary.len() + gap;
            let block =
                Block { place: start..start + text.len(), dictionary: 0..dictionary.len() };
            for step in [packed.len() + 50, step] {
                for slack in [0, SLACK] {
                    let mut output = dictionary.clone();
                    output.resize(block.place.end + slack, 0);
                    let mut input = packed.clone();
                    input.extend([0xaa; 30]);
                    let (mut position, mut written, mut have) = (0, start, 0);
                    loop {
                        have = (have + step).min(input.len());
                        let window = &input[..have];
                        match decode(window, &mut position, &mut output, &mut written, &block) {
                            Ok(Progress::Complete) => break,
                            Ok(Progress::Starved { missing }) => assert!(missing > 0),
                            Err(error) => panic!("{error}"),
                        }
                    }
                    assert_eq!(position, packed.len());
                    assert_eq!(&output[block.place.clone()], text);
                    assert_eq!(&output[..dictionary.len()], dictionary);
                }
            }
        }

        #[test]
        fn random_input_never_panics(
            junk in any::<Vec<u8>>(),
            length in 0..2000_usize,
            dictionary in 0..100_usize,
        ) {
            let place = dictionary..dictionary + length;
            let mut output = vec![0; place.end + SLACK];
            let (mut position, mut written) = (0, dictionary);
            let block = Block { place, dictionary: 0..dictionary };
            let _ = decode(&junk, &mut position, &mut output, &mut written, &block);
            assert!(position <= junk.len());
        }
    }

    #[test]
    fn an_empty_block_is_one_token() {
        let block = Block { place: 0..0, dictionary: 0..0 };
        let (mut position, mut written) = (0, 0);
        let progress = decode(&[0, 9], &mut position, &mut [], &mut written, &block);
        assert_eq!((progress, position), (Ok(Progress::Complete), 1));
    }

    #[test]
    fn a_match_before_the_block_is_refused() {
        let block = Block { place: 0..20, dictionary: 0..0 };
        let mut output = vec![0; 20 + SLACK];
        let packed = [0x10, b'a', 2, 0, 0];
        assert!(decode(&packed, &mut 0, &mut output, &mut 0, &block).is_err());
    }
}
