//! The compression methods of stored fields. Each decodes one run of a chunk.
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

use self::{
    deflate::Inflate,
    lz4::Block,
    pieces::{Piece, PieceLayout, read_pieces},
    zstd::Frames,
};
use crate::{
    bytes::Cursor,
    error::{LuceneError, Problem},
};

/// How the runs of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Returns the factor that no input grows by more than.
    pub(crate) fn max_expansion(self) -> u64 {
        match self {
            Self::Lz4 | Self::Lz4Dictionary => 256,
            Self::Deflate | Self::DeflateDictionary => 1040,
            // A block of 4 bytes, a header and the byte to repeat, encodes up to 128 KiB.
            Self::Zstd | Self::ZstdBlocks | Self::ZstdDictionary => 1 << 15,
        }
    }

    /// Returns the layout of the pieces of a run, if it has several.
    fn pieces(self) -> Option<PieceLayout> {
        match self {
            Self::Lz4 | Self::Deflate | Self::Zstd => None,
            Self::Lz4Dictionary => Some(PieceLayout::LengthsAhead),
            Self::DeflateDictionary | Self::ZstdDictionary => Some(PieceLayout::LengthsBetween),
            Self::ZstdBlocks => Some(PieceLayout::NoDictionary),
        }
    }
}

/// Decodes runs. Keeps the state that can be reused.
#[derive(Debug)]
pub(crate) struct Decompressor {
    compression: Compression,
    inflate: Inflate,
    frames: Frames,
}

impl Decompressor {
    /// Returns a decompressor for one file.
    pub(crate) fn new(compression: Compression) -> Self {
        Self { compression, inflate: Inflate::new(), frames: Frames::new() }
    }

    /// Decodes the run at the cursor into a range of the output.
    pub(crate) fn decode(
        &mut self,
        cursor: &mut Cursor<'_>,
        output: &mut [u8],
        place: Range<usize>,
    ) -> Result<(), LuceneError> {
        if let Some(layout) = self.compression.pieces() {
            let pieces = read_pieces(cursor, &place, layout)?;
            return self.decode_pieces(cursor, output, &pieces, layout);
        }
        match self.compression {
            Compression::Lz4 | Compression::Lz4Dictionary => {
                let block = Block { place, dictionary: 0..0 };
                let taken = lz4::decode(cursor.rest(), output, &block)
                    .map_err(|detail| broken(cursor, "LZ4", detail))?;
                cursor.skip(taken)
            }
            Compression::Zstd if place.is_empty() => Ok(()),
            Compression::Deflate
            | Compression::DeflateDictionary
            | Compression::Zstd
            | Compression::ZstdBlocks
            | Compression::ZstdDictionary => {
                let length = cursor.vlength("the length of a compressed block")?;
                let piece = Piece::take(cursor, length, place)?;
                self.decode_piece(cursor, output, piece, 0..0)
            }
        }
    }

    fn decode_pieces(
        &mut self,
        cursor: &Cursor<'_>,
        output: &mut [u8],
        pieces: &[Piece<'_>],
        layout: PieceLayout,
    ) -> Result<(), LuceneError> {
        let mut dictionary = 0..0;
        for (number, piece) in pieces.iter().enumerate() {
            self.decode_piece(cursor, output, piece.clone(), dictionary.clone())?;
            if number == 0 && layout != PieceLayout::NoDictionary {
                dictionary = piece.place.clone();
            }
        }
        Ok(())
    }

    fn decode_piece(
        &mut self,
        cursor: &Cursor<'_>,
        output: &mut [u8],
        piece: Piece<'_>,
        dictionary: Range<usize>,
    ) -> Result<(), LuceneError> {
        let Piece { input, ahead, place } = piece;
        match self.compression {
            Compression::Deflate | Compression::DeflateDictionary => self
                .inflate
                .decode(input, output, place, dictionary)
                .map_err(|detail| broken(cursor, "DEFLATE", detail)),
            Compression::Zstd | Compression::ZstdBlocks | Compression::ZstdDictionary => self
                .frames
                .decode(input, output, place, dictionary)
                .map_err(|detail| broken(cursor, "zstd", detail)),
            Compression::Lz4 | Compression::Lz4Dictionary => {
                let taken = lz4::decode(ahead, output, &Block { place, dictionary })
                    .map_err(|detail| broken(cursor, "LZ4", detail))?;
                if taken == input.len() {
                    return Ok(());
                }
                Err(broken(cursor, "LZ4", "a block has another length than stored"))
            }
        }
    }
}

fn broken(cursor: &Cursor<'_>, method: &'static str, detail: &'static str) -> LuceneError {
    cursor.error(Problem::Compressed { method, detail })
}
