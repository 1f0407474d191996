//! LZ4 blocks, decoded until the output is full, because the input's length may be unknown.
//!
//! ```text
//! block     sequences; the last one ends after its literals, when the output is full
//! sequence  token (high 4 bits: literals, low 4 bits: match length - 4)
//!           [15 literals or more] bytes to add, up to and including the first below 255
//!           literals | u16 distance, little-endian | [15 or more] bytes to add, likewise
//! ```
//!
//! Nearly all sequences are short and far from the ends of input and output. They are copied in
//! whole steps of 16 or 64 bytes, whatever their exact length; the surplus is overwritten by the
//! next sequence or the next block. All other sequences are copied byte-exactly.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "positions stay within slices in memory, and lengths are compared before they are added"
)]

use std::ops::Range;

const MIN_MATCH: usize = 4;
/// The value of half a token that says that more length bytes follow.
const MORE_LENGTH: usize = 15;
/// How many bytes one step copies.
const STEP: usize = 16;
/// The longest literals and the longest match of a short sequence.
const MAX_SHORT: usize = 64;
/// A short sequence, with its surplus, writes at most this many bytes.
const MAX_SHORT_OUTPUT: usize = 2 * MAX_SHORT + STEP;
/// The input of a short sequence: token, literals, distance, one more length byte.
const MAX_SHORT_INPUT: usize = 1 + STEP + 3;

/// A block's place in the output, and the place of its dictionary, which virtually precedes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Where to write the block.
    pub(super) place: Range<usize>,
    /// An earlier part of the output.
    pub(super) dictionary: Range<usize>,
}

/// Fills the block. Returns how many bytes of the input it took. Output after the block may be
/// overwritten.
pub(super) fn decode(
    input: &[u8],
    output: &mut [u8],
    block: &Block,
) -> Result<usize, &'static str> {
    let Block { place, dictionary } = block;
    if place.start > place.end || dictionary.end > place.start || output.len() < place.end {
        return Err("the output does not hold the block");
    }
    let (mut from, mut to) = (0, place.start);
    loop {
        (from, to) = short_sequences(input, from, output, to, block);
        let (token, after) = byte(input, from)?;
        from = after;
        let mut literals = usize::from(token >> 4);
        if literals == MORE_LENGTH {
            (literals, from) = more_length(input, from, literals)?;
        }
        if literals > place.end - to {
            return Err("more literals than the block can hold");
        }
        copy_literals(input, from, output, to, literals)?;
        from += literals;
        to += literals;
        if to == place.end {
            return Ok(from);
        }
        let Some(&distance) = input.get(from..).and_then(|rest| rest.first_chunk()) else {
            return Err(CUT);
        };
        let distance = usize::from(u16::from_le_bytes(distance));
        from += 2;
        let mut length = usize::from(token & 15);
        if length == MORE_LENGTH {
            (length, from) = more_length(input, from, length)?;
        }
        length += MIN_MATCH;
        if length > place.end - to {
            return Err("a match is longer than the block can hold");
        }
        let inside = to - place.start;
        if distance == 0 || distance > inside + dictionary.len() {
            return Err("a match starts before the block");
        }
        if distance <= inside {
            copy_match(output, to, distance, length);
        } else {
            let back = distance - inside;
            let source = dictionary.end - back;
            let first = length.min(back);
            output.copy_within(source..source + first, to);
            copy_match(output, to + first, distance, length - first);
        }
        to += length;
        if to == place.end {
            return Ok(from);
        }
    }
}

const CUT: &str = "the input ends inside a sequence";

fn byte(input: &[u8], from: usize) -> Result<(u8, usize), &'static str> {
    input.get(from).map(|byte| (*byte, from + 1)).ok_or(CUT)
}

/// Adds up the length bytes that follow.
fn more_length(
    input: &[u8],
    mut from: usize,
    mut length: usize,
) -> Result<(usize, usize), &'static str> {
    loop {
        let (more, after) = byte(input, from)?;
        from = after;
        length += usize::from(more);
        if more != 255 {
            return Ok((length, from));
        }
    }
}

/// Copies sequences while they are short and far from the ends of input and output. Returns where
/// it stopped.
#[inline]
fn short_sequences(
    input: &[u8],
    mut from: usize,
    output: &mut [u8],
    mut to: usize,
    block: &Block,
) -> (usize, usize) {
    let Block { place, dictionary } = block;
    let Some(last) = output.len().checked_sub(MAX_SHORT_OUTPUT) else { return (from, to) };
    while to <= last
        && let Some(ahead) =
            input.get(from..).and_then(|rest| rest.first_chunk::<MAX_SHORT_INPUT>())
        && let Some(target) = output.get_mut(to..).and_then(<[u8]>::first_chunk_mut::<STEP>)
    {
        let [token, bytes @ .., _, _, _] = ahead;
        let mut literals = usize::from(token >> 4);
        let mut next = from + 1;
        let after = if literals < MORE_LENGTH {
            *target = *bytes;
            ahead.get(literals + 1..literals + 4)
        } else {
            let [_, more, ..] = ahead;
            literals += usize::from(*more);
            next += 1;
            if literals > MAX_SHORT {
                break;
            }
            let Some(ahead) =
                input.get(next..).and_then(|rest| rest.first_chunk::<{ MAX_SHORT + 3 }>())
            else {
                break;
            };
            let Some(target) = output.get_mut(to..).and_then(<[u8]>::first_chunk_mut::<MAX_SHORT>)
            else {
                break;
            };
            let [bytes @ .., _, _, _] = ahead;
            *target = *bytes;
            ahead.get(literals..literals + 3)
        };
        let Some([low, high, more]) = after else { break };
        next += literals + 2;
        let distance = usize::from(u16::from_le_bytes([*low, *high]));
        let mut length = usize::from(token & 15) + MIN_MATCH;
        let start = to + literals;
        if length == MORE_LENGTH + MIN_MATCH {
            length += usize::from(*more);
            next += 1;
            if length > MAX_SHORT {
                break;
            }
        }
        let end = start + length;
        if end >= place.end {
            break;
        }
        let inside = start - place.start;
        let (source, apart) = if distance <= inside {
            (start - distance, distance)
        } else {
            let back = distance - inside;
            if back > dictionary.len() || length > back {
                break;
            }
            (dictionary.end - back, STEP)
        };
        if apart >= STEP {
            copy_step::<STEP>(output, source, start);
            // A loop here would cost a twentieth of the decoding time.
            if length > STEP {
                copy_step::<STEP>(output, source + STEP, start + STEP);
                if length > 2 * STEP {
                    copy_step::<STEP>(output, source + 2 * STEP, start + 2 * STEP);
                    copy_step::<STEP>(output, source + 3 * STEP, start + 3 * STEP);
                }
            }
        } else if apart >= STEP / 2 {
            for done in (0..length).step_by(STEP / 2) {
                copy_step::<{ STEP / 2 }>(output, source + done, start + done);
            }
        } else {
            break;
        }
        (from, to) = (next, end);
    }
    (from, to)
}

#[inline]
fn copy_step<const STEP: usize>(output: &mut [u8], source: usize, to: usize) {
    output.copy_within(source..source + STEP, to);
}

fn copy_literals(
    input: &[u8],
    from: usize,
    output: &mut [u8],
    to: usize,
    count: usize,
) -> Result<(), &'static str> {
    let source = input.get(from..).and_then(|rest| rest.get(..count)).ok_or(CUT)?;
    let target = output.get_mut(to..to + count).ok_or("the output does not hold the block")?;
    target.copy_from_slice(source);
    Ok(())
}

/// Copies `length` bytes from `distance` bytes before `to`, as if byte by byte.
fn copy_match(output: &mut [u8], to: usize, distance: usize, length: usize) {
    let from = to - distance;
    if distance == 1
        && let Some(&byte) = output.get(from)
        && let Some(target) = output.get_mut(to..to + length)
    {
        target.fill(byte);
        return;
    }
    // Each round doubles the number of bytes that can be copied without reading unwritten ones.
    let mut done = 0;
    while done < length {
        let step = (distance + done).min(length - done);
        output.copy_within(from..from + step, to + done);
        done += step;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{any, prop, prop_oneof, proptest},
        strategy::Strategy,
    };

    use super::{Block, decode};

    #[derive(Clone, Debug)]
    struct Sequence {
        literals: Vec<u8>,
        distance: usize,
        length: usize,
    }

    fn sequence() -> impl Strategy<Value = Sequence> {
        (
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                prop::collection::vec(any::<u8>(), 0..80),
                prop::collection::vec(any::<u8>(), 250..300),
            ],
            prop_oneof![1..20_usize, 1..600_usize],
            prop_oneof![4..24_usize, 4..80_usize, 4..700_usize],
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
            bytes.push(u8::try_from(rest).expect("in range"));
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
            packed.push(u8::try_from(token).expect("in range"));
            push_length(&mut packed, literals.len());
            packed.extend(literals);
            packed.extend(u16::try_from(distance).expect("in range").to_le_bytes());
            push_length(&mut packed, length - 4);
            for _ in 0..*length {
                text.push(text[text.len() - distance]);
            }
        }
        packed.push(u8::try_from(last.len().min(15) << 4).expect("in range"));
        push_length(&mut packed, last.len());
        packed.extend(last);
        text.extend(last);
        (packed, text.split_off(dictionary.len()))
    }

    proptest! {
        #[test]
        fn blocks_come_back_wherever_they_lie(
            dictionary in prop::collection::vec(any::<u8>(), 0..300),
            gap in 0..40_usize,
            sequences in prop::collection::vec(sequence(), 0..60),
            last in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let (packed, text) = write(&dictionary, &sequences, &last);
            let start = dictionary.len() + gap;
            let block =
                Block { place: start..start + text.len(), dictionary: 0..dictionary.len() };
            for follows in [0, 30, 200] {
                let mut output = dictionary.clone();
                output.resize(block.place.end + follows, 0);
                let mut input = packed.clone();
                input.extend(std::iter::repeat_n(0xaa, follows));
                assert_eq!(decode(&input, &mut output, &block), Ok(packed.len()));
                assert_eq!(&output[block.place.clone()], text);
                assert_eq!(&output[..dictionary.len()], dictionary);
                for cut in [packed.len() - 1, packed.len() / 2, 0] {
                    assert!(decode(&packed[..cut], &mut output, &block).is_err());
                }
            }
        }

        #[test]
        fn random_input_never_panics(
            junk in prop::collection::vec(any::<u8>(), 0..400),
            length in 0..2000_usize,
            dictionary in 0..100_usize,
        ) {
            let place = dictionary..dictionary + length;
            let mut output = vec![0; place.end];
            let block = Block { place, dictionary: 0..dictionary };
            if let Ok(taken) = decode(&junk, &mut output, &block) {
                assert!(taken <= junk.len());
            }
        }
    }

    #[test]
    fn an_empty_block_is_one_token() {
        let block = Block { place: 0..0, dictionary: 0..0 };
        assert_eq!(decode(&[0, 9], &mut [], &block), Ok(1));
    }

    #[test]
    fn a_match_before_the_block_is_refused() {
        let block = Block { place: 0..20, dictionary: 0..0 };
        let mut output = vec![0; 20];
        assert!(decode(&[0x10, b'a', 2, 0, 0], &mut output, &block).is_err());
    }
}
