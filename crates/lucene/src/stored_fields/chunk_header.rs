//! The header of a chunk: which documents it holds and how long each is.

use super::{
    counts::Counts,
    format::{CountsLayout, Format},
    lucene50, lucene90,
};
use crate::{
    bytes::Cursor,
    error::{LuceneError, Problem},
};

/// Whether a chunk is compressed as one run or in several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// One run.
    One,
    /// Runs of the file's chunk size.
    Sliced,
}

/// The header of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkHeader {
    pub(super) first: u32,
    pub(super) documents: u32,
    pub(super) runs: Runs,
    pub(super) fields: Counts,
    pub(super) lengths: Counts,
    /// The sum of the lengths.
    pub(super) length: usize,
}

impl ChunkHeader {
    /// Reads a header. The chunk must begin with the document `expected` and end before `end`, and
    /// the bytes left must be able to hold it.
    pub(super) fn read(
        cursor: &mut Cursor<'_>,
        format: Format,
        expected: u32,
        end: u32,
    ) -> Result<Self, LuceneError> {
        let first = cursor.vint()?;
        if first != expected {
            return Err(cursor.error(Problem::CountMismatch {
                what: "first document of a chunk",
                found: first.into(),
                expected: expected.into(),
            }));
        }
        let token = cursor.vint()?;
        let documents = token.wrapping_shr(format.flag_bits);
        let runs = if token & 1 == 0 { Runs::One } else { Runs::Sliced };
        if documents == 0 || documents > end.saturating_sub(first) {
            return Err(cursor.out_of_range("the number of documents in a chunk", documents.into()));
        }
        let (fields, lengths) = if documents == 1 {
            (Counts::Same(cursor.vint()?), Counts::Same(cursor.vint()?))
        } else {
            match format.counts {
                CountsLayout::Lucene50 => (
                    lucene50::read_counts(cursor, documents)?,
                    lucene50::read_counts(cursor, documents)?,
                ),
                CountsLayout::Lucene90 => (
                    lucene90::read_counts(cursor, documents)?,
                    lucene90::read_counts(cursor, documents)?,
                ),
            }
        };
        let sum = lengths.sum(documents);
        let remaining = u64::try_from(cursor.remaining()).unwrap_or(u64::MAX);
        let largest = remaining.saturating_mul(format.compression.max_expansion());
        let length = usize::try_from(sum)
            .ok()
            .filter(|_| sum <= largest && i32::try_from(sum).is_ok())
            .ok_or_else(|| {
                let value = i64::try_from(sum).unwrap_or(i64::MAX);
                cursor.out_of_range("the length of a chunk", value)
            })?;
        Ok(Self { first, documents, runs, fields, lengths, length })
    }
}
