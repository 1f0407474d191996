//! The compression methods of stored fields, each decoding one run of a chunk.
//!
//! ```text
//! LZ4                 one block; its compressed length is not stored anywhere
//! DEFLATE             vint n, n bytes of raw DEFLATE
//! zstd                vint n, n bytes: a zstd frame; an empty run has neither
//! in blocks           see `pieces.rs`
//! ```

mod deflate;
mod lz4;
mod pieces;
mod zstd;

use std::ops::Range;

use crate::bytes::Cursor;
use crate::error::{LuceneError, Problem};

pub(crate) use self::lz4::SLACK;

use self::deflate::Inflate;
use self::lz4::{Block, Progress};
use self::pieces::{Piece, PieceLayout, read_pieces};
use self::zstd::Frames;

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
    /// A zstd frame.
    Zstd,
    /// A zstd frame for each of several blocks.
    ZstdBlocks,
    /// A zstd frame for each of several blocks that share a dictionary.
    ZstdDictionary,
}

impl Compression {
    /// No input grows by more than this factor.
    pub(crate) fn largest_expansion(self) -> u64 {
        match self {
            Self::Lz4 | Self::Lz4Dictionary => 256,
            Self::Deflate | Self::DeflateDictionary => 1040,
            // A block of 4 bytes, a header and the byte to repeat, stands for up to 128 KiB.
            Self::Zstd | Self::ZstdBlocks | Self::ZstdDictionary => 1 << 15,
        }
    }

    /// How the pieces of a run lie, when it has several.
    fn pieces(self) -> Option<PieceLayout> {
        match self {
            Self::Lz4 | Self::Deflate | Self::Zstd => None,
            Self::Lz4Dictionary => Some(PieceLayout::LengthsAhead),
            Self::DeflateDictionary | Self::ZstdDictionary => Some(PieceLayout::LengthsBetween),
            Self::ZstdBlocks => Some(PieceLayout::NoDictionary),
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
    frames: Frames,
}

impl Decompressor {
    /// A decompressor for one file.
    pub(crate) fn new(compression: Compression) -> Self {
        Self { compression, inflate: Inflate::new(), frames: Frames::new() }
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
        if let Some(layout) = self.compression.pieces() {
            let pieces = read_pieces(cursor, &run.place, layout)?;
            return self.decode_pieces(cursor, output, run, &pieces, layout);
        }
        match self.compression {
            Compression::Lz4 | Compression::Lz4Dictionary => {
                let block = Block { place: run.place.clone(), dictionary: 0..0 };
                decode_lz4(cursor, output, &mut run.written, &block)
            }
            Compression::Zstd if run.place.is_empty() => Ok(()),
            Compression::Deflate
            | Compression::DeflateDictionary
            | Compression::Zstd
            | Compression::ZstdBlocks
            | Compression::ZstdDictionary => {
                let input = read_piece(cursor)?;
                self.decode_piece(cursor, output, &Piece { input, place: run.place.clone() }, 0..0)
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
        if let Some(layout) = self.compression.pieces() {
            return read_pieces(cursor, &run.place, layout).map(drop);
        }
        match self.compression {
            Compression::Lz4 | Compression::Lz4Dictionary => self.decode(cursor, output, run),
            Compression::Zstd if run.place.is_empty() => Ok(()),
            Compression::Deflate
            | Compression::DeflateDictionary
            | Compression::Zstd
            | Compression::ZstdBlocks
            | Compression::ZstdDictionary => read_piece(cursor).map(drop),
        }
    }

    fn decode_pieces(
        &mut self,
        cursor: &Cursor<'_>,
        output: &mut [u8],
        run: &mut Run,
        pieces: &[Piece<'_>],
        layout: PieceLayout,
    ) -> Result<(), LuceneError> {
        let mut dictionary = 0..0;
        for (number, piece) in pieces.iter().enumerate() {
            self.decode_piece(cursor, output, piece, dictionary.clone())?;
            if number == 0 && layout != PieceLayout::NoDictionary {
                dictionary = piece.place.clone();
            }
            run.written = piece.place.end;
        }
        Ok(())
    }

    fn decode_piece(
        &mut self,
        cursor: &Cursor<'_>,
        output: &mut [u8],
        piece: &Piece<'_>,
        dictionary: Range<usize>,
    ) -> Result<(), LuceneError> {
        let Piece { input, place } = piece;
        match self.compression {
            Compression::Deflate | Compression::DeflateDictionary => self
                .inflate
                .decode(input, output, place.clone(), dictionary)
                .map_err(|detail| broken(cursor, "DEFLATE", detail)),
            Compression::Zstd | Compression::ZstdBlocks | Compression::ZstdDictionary => self
                .frames
                .decode(input, output, place.clone(), dictionary)
                .map_err(|detail| broken(cursor, "zstd", detail)),
            Compression::Lz4 | Compression::Lz4Dictionary => {
                let block = Block { place: place.clone(), dictionary };
                let (mut position, mut written) = (0, place.start);
                let progress = lz4::decode(input, &mut position, output, &mut written, &block)
                    .map_err(|detail| broken(cursor, "LZ4", detail))?;
                if progress != Progress::Complete || position != input.len() {
                    return Err(broken(cursor, "LZ4", "a block has another length than stored"));
                }
                Ok(())
            }
        }
    }
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
