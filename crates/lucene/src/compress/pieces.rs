//! A run that is compressed in blocks: where each piece of input goes.
//!
//! ```text
//! LengthsAhead     vint dictionary length, vint block length, vint n0, n1, n2, ..
//!                  n0 bytes (the dictionary, which is the start of the run), n1 bytes, ..
//! LengthsBetween   vint dictionary length, vint block length, vint n0, n0 bytes, vint n1, ..
//! NoDictionary     vint block length, vint n1, n1 bytes, vint n2, ..
//! ```
//!
//! The run is its first `dictionary length` bytes and then blocks of `block length` bytes (the
//! last shorter), each compressed as if the dictionary preceded it. An empty dictionary still has
//! its piece; an empty run without a dictionary has none.

use std::ops::Range;

use crate::{bytes::Cursor, error::LuceneError};

/// How the lengths of the pieces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceLayout {
    /// All lengths before the first piece.
    LengthsAhead,
    /// Each length before its piece.
    LengthsBetween,
    /// Each length before its piece; the first piece is a block like all others.
    NoDictionary,
}

/// A compressed block and its place in the output.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) input: &'a [u8],
    /// The input and all bytes after it: LZ4 is faster if it may read beyond the end.
    pub(super) ahead: &'a [u8],
    pub(super) place: Range<usize>,
}

impl<'a> Piece<'a> {
    /// Reads the piece at the cursor.
    pub(super) fn take(
        cursor: &mut Cursor<'a>,
        length: usize,
        place: Range<usize>,
    ) -> Result<Self, LuceneError> {
        let ahead = cursor.rest();
        Ok(Self { input: cursor.take(length)?, ahead, place })
    }
}

/// Reads where the compressed dictionary and the blocks of a run are.
pub(super) fn read_pieces<'a>(
    cursor: &mut Cursor<'a>,
    run: &Range<usize>,
    layout: PieceLayout,
) -> Result<Vec<Piece<'a>>, LuceneError> {
    let dictionary = match layout {
        PieceLayout::LengthsAhead | PieceLayout::LengthsBetween => {
            cursor.vlength("the length of a dictionary")?
        }
        PieceLayout::NoDictionary => 0,
    };
    let block = cursor.vlength("the length of a block")?;
    let &Range { start, end } = run;
    let dictionary_end = start.saturating_add(dictionary);
    if dictionary_end > end || (block == 0 && dictionary_end < end) {
        let value = i64::try_from(dictionary).unwrap_or(i64::MAX);
        return Err(cursor.out_of_range("the length of a dictionary or block", value));
    }
    let after = |place: usize| place..place.saturating_add(block).min(end);
    let mut pieces = Vec::new();
    let mut lengths = Vec::new();
    let mut place = match layout {
        PieceLayout::LengthsAhead | PieceLayout::LengthsBetween => start..dictionary_end,
        PieceLayout::NoDictionary if start == end => return Ok(pieces),
        PieceLayout::NoDictionary => after(start),
    };
    loop {
        let length = cursor.vlength("the length of a compressed block")?;
        let next = after(place.end);
        match layout {
            PieceLayout::LengthsAhead => lengths.push((length, place)),
            PieceLayout::LengthsBetween | PieceLayout::NoDictionary => {
                pieces.push(Piece::take(cursor, length, place)?);
            }
        }
        if next.is_empty() {
            break;
        }
        place = next;
    }
    for (length, place) in lengths {
        pieces.push(Piece::take(cursor, length, place)?);
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{any, prop, proptest},
        sample::select,
    };

    use super::{PieceLayout, read_pieces};
    use crate::bytes::Cursor;

    const LAYOUTS: [PieceLayout; 3] =
        [PieceLayout::LengthsAhead, PieceLayout::LengthsBetween, PieceLayout::NoDictionary];

    /// Writes pieces of that many bytes, each byte the number of its piece.
    fn write(layout: PieceLayout, dictionary: u8, block: u8, lengths: &[u8]) -> Vec<u8> {
        let inputs: Vec<Vec<u8>> = (0_u8..)
            .zip(lengths)
            .map(|(number, length)| vec![number; usize::from(*length)])
            .collect();
        let between = lengths
            .iter()
            .zip(&inputs)
            .flat_map(|(length, input)| std::iter::once(*length).chain(input.iter().copied()));
        match layout {
            PieceLayout::LengthsAhead => [&[dictionary, block], lengths, &inputs.concat()].concat(),
            PieceLayout::LengthsBetween => [dictionary, block].into_iter().chain(between).collect(),
            PieceLayout::NoDictionary => std::iter::once(block).chain(between).collect(),
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_run_and_a_cut_is_refused(
            layout in select(&LAYOUTS),
            dictionary in 0..20_u8,
            block in 1..20_u8,
            length in 0..100_usize,
            start in 0..50_usize,
            sizes in prop::collection::vec(0..100_u8, 120),
            cut in any::<prop::sample::Index>(),
        ) {
            let dictionary =
                if layout == PieceLayout::NoDictionary { 0 } else { dictionary };
            let run = start..start + usize::from(dictionary) + length;
            let first = usize::from(layout != PieceLayout::NoDictionary);
            let count = first + length.div_ceil(usize::from(block));
            let bytes = write(layout, dictionary, block, &sizes[..count]);

            let mut cursor = Cursor::new("_0.fdt", &bytes);
            let pieces = read_pieces(&mut cursor, &run, layout).expect("pieces");
            assert_eq!((cursor.remaining(), pieces.len()), (0, count));
            let mut at = start;
            for (number, piece) in (0_u8..).zip(&pieces) {
                assert_eq!(piece.input, vec![number; usize::from(sizes[usize::from(number)])]);
                assert_eq!(piece.place.start, at);
                at = piece.place.end;
            }
            assert_eq!(at, run.end);

            let mut cursor = Cursor::new("_0.fdt", &bytes[..cut.index(bytes.len())]);
            assert!(read_pieces(&mut cursor, &run, layout).is_err());
        }

        #[test]
        fn random_input_never_panics(
            layout in select(&LAYOUTS),
            junk in any::<Vec<u8>>(),
            length in 0..500_usize,
        ) {
            drop(read_pieces(&mut Cursor::new("_0.fdt", &junk), &(0..length), layout));
        }
    }
}
