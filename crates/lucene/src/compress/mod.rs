//! The compression methods of stored fields, each decoding one run of a chunk.
//!
//! ```text
//! LZ4                 one block; its compressed length is not stored anywhere
//! DEFLATE             vint n, n bytes of raw DEFLATE
//! LZ4 + dictionary    vint dictionary length, vint block length, vint n0, n1, n2, ..
//!                     n0 bytes (the dictionary, which is the start of the run), n1 bytes, ..
//! DEFLATE + dict.     vint dictionary length, vint block length, vint n0, n0 bytes, vint n1, ..
//! ```
//!
//! With a dictionary, the run is its first `dictionary length` bytes and then blocks of
//! `block length` bytes (the last shorter), each compressed as if the dictionary preceded it.

mod deflate;
mod lz4;

use std::ops::Range;

use crate::bytes::Cursor;
use crate::error::{LuceneError, Problem};

pub(crate) use self::lz4::SLACK;

use self::deflate::Inflate;
use self::lz4::{Block, Progress};

/// How the runs of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Plain LZ4 blocks.
    Lz4,
    /// Raw DEFLATE.
    Deflate,
    /// LZ4 in small blocks that share a dictionary.
    Lz4Dictionary,
    /// Raw DEFLATE in small blocks that share a dictionary.
    DeflateDictionary,
}

impl Compression {
    /// No input grows by more than this factor.
    pub(crate) fn largest_expansion(self) -> u64 {
        match self {
            Self::Lz4 | Self::Lz4Dictionary => 256,
            Self::Deflate | Self::DeflateDictionary => 1040,
        }
    }
}

/// A run being decoded: where it lies in the output and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where the run lies in the chunk.
    pub(crate) place: Range<usize>,
    /// Up to where the output is decoded.
    pub(crate) written: usize,
}

/// Decodes runs, keeping what can be used again.
#[derive(Debug)]
pub(crate) struct Decompressor {
    compression: Compression,
    inflate: Inflate,
}

impl Decompressor {
    /// A decompressor for one file.
    pub(crate) fn new(compression: Compression) -> Self {
        Self { compression, inflate: Inflate::new() }
    }

    /// Decodes a run into the output, which reaches `SLACK` bytes beyond the run.
    ///
    /// When the input ends too early, the error is an unexpected end, and cursor and run stand
    /// where decoding goes on with more input.
    pub(crate) fn decode(
        &mut self,
        cursor: &mut Cursor<'_>,
        output: &mut [u8],
        run: &mut Run,
    ) -> Result<(), LuceneError> {
        match self.compression {
            Compression::Lz4 => {
                let block = Block { place: run.place.clone(), dictionary: 0..0 };
                decode_lz4(cursor, output, &mut run.written, &block)
            }
            Compression::Deflate => {
                let input = read_piece(cursor)?;
                self.inflate
                    .decode(input, output, run.place.clone(), 0..0)
                    .map_err(|detail| broken(cursor, "DEFLATE", detail))
            }
            Compression::Lz4Dictionary | Compression::DeflateDictionary => {
                let mut ahead = cursor.clone();
                let pieces = self.pieces(&mut ahead, run)?;
                *cursor = ahead;
                self.decode_pieces(cursor, output, run, &pieces)
            }
        }
    }

    /// Steps over a run without decoding it, where its length is stored; else decodes it.
    pub(crate) fn skip(
        &mut self,
        cursor: &mut Cursor<'_>,
        output: &mut [u8],
        run: &mut Run,
    ) -> Result<(), LuceneError> {
        match self.compression {
            Compression::Lz4 => self.decode(cursor, output, run),
            Compression::Deflate => read_piece(cursor).map(drop),
            Compression::Lz4Dictionary | Compression::DeflateDictionary => {
                let mut ahead = cursor.clone();
                self.pieces(&mut ahead, run)?;
                *cursor = ahead;
                Ok(())
            }
        }
    }

    /// The compressed dictionary and blocks of a run, all of which must be in the window.
    fn pieces<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        run: &Run,
    ) -> Result<Vec<Piece<'a>>, LuceneError> {
        let dictionary = cursor.vlength("the length of a dictionary")?;
        let block = cursor.vlength("the length of a block")?;
        let Range { start, end } = run.place;
        let dictionary_end = start.saturating_add(dictionary);
        if dictionary_end > end || (block == 0 && dictionary_end < end) {
            let value = i64::try_from(dictionary).unwrap_or(i64::MAX);
            return Err(cursor.out_of_range("the length of a dictionary or block", value));
        }
        let mut lengths = Vec::new();
        let mut pieces = Vec::new();
        let mut place = start..dictionary_end;
        loop {
            let length = cursor.vlength("the length of a compressed block")?;
            let next = place.end..place.end.saturating_add(block).min(end);
            if self.compression == Compression::DeflateDictionary {
                pieces.push(Piece { input: cursor.take(length)?, place });
            } else {
                lengths.push((length, place));
            }
            if next.is_empty() {
                break;
            }
            place = next;
        }
        let total =
            lengths.iter().fold(0_usize, |total, (length, _)| total.saturating_add(*length));
        if cursor.remaining() < total {
            cursor.skip(total)?;
        }
        for (length, place) in lengths {
            pieces.push(Piece { input: cursor.take(length)?, place });
        }
        Ok(pieces)
    }

    fn decode_pieces(
        &mut self,
        cursor: &Cursor<'_>,
        output: &mut [u8],
        run: &mut Run,
        pieces: &[Piece<'_>],
    ) -> Result<(), LuceneError> {
        let mut dictionary = 0..0;
        for (number, Piece { input, place }) in pieces.iter().enumerate() {
            if self.compression == Compression::DeflateDictionary {
                self.inflate
                    .decode(input, output, place.clone(), dictionary.clone())
                    .map_err(|detail| broken(cursor, "DEFLATE", detail))?;
            } else {
                let block = Block { place: place.clone(), dictionary: dictionary.clone() };
                let (mut position, mut written) = (0, place.start);
                let progress = lz4::decode(input, &mut position, output, &mut written, &block)
                    .map_err(|detail| broken(cursor, "LZ4", detail))?;
                if progress != Progress::Complete || position != input.len() {
                    return Err(broken(cursor, "LZ4", "a block has another length than stored"));
                }
            }
            if number == 0 {
                dictionary = place.clone();
            }
            run.written = place.end;
        }
        Ok(())
    }
}

struct Piece<'a> {
    input: &'a [u8],
    place: Range<usize>,
}

fn read_piece<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], LuceneError> {
    let mut ahead = cursor.clone();
    let length = ahead.vlength("the length of a compressed block")?;
    let piece = ahead.take(length)?;
    *cursor = ahead;
    Ok(piece)
}

fn decode_lz4(
    cursor: &mut Cursor<'_>,
    output: &mut [u8],
    written: &mut usize,
    block: &Block,
) -> Result<(), LuceneError> {
    let mut position = 0;
    let progress = lz4::decode(cursor.rest(), &mut position, output, written, block);
    cursor.skip(position)?;
    match progress {
        Ok(Progress::Complete) => Ok(()),
        Ok(Progress::Starved { missing }) => {
            let wanted = u64::try_from(missing).unwrap_or(u64::MAX);
            Err(cursor.error(Problem::UnexpectedEnd { wanted }))
        }
        Err(detail) => Err(broken(cursor, "LZ4", detail)),
    }
}

fn broken(cursor: &Cursor<'_>, method: &'static str, detail: &'static str) -> LuceneError {
    cursor.error(Problem::Compressed { method, detail })
}
