//! Which documents have a value in a field, and where does a `.dvd` file say so?

use crate::{bit_set::BitSet, bytes::ByteOrder};

/// The format of a segment's doc values, by the header of its `.dvm` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lucene 7.
    Lucene70,
    /// Lucene 8, with the version in the header.
    Lucene80 {
        /// 1: binary values are compressed; 2: they and the terms may be.
        version: u32,
    },
    /// Lucene 9 and 10.
    Lucene90,
}

impl Format {
    pub(super) fn order(self) -> ByteOrder {
        match self {
            Self::Lucene70 | Self::Lucene80 { .. } => ByteOrder::Big,
            Self::Lucene90 => ByteOrder::Little,
        }
    }
}

/// The documents of a segment that have a value in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DocumentsWithValue {
    /// No document.
    None,
    /// Every document.
    All,
    /// These documents.
    Set(BitSet),
}

impl DocumentsWithValue {
    /// Returns whether the document has a value.
    pub(crate) fn contains(&self, doc: u32) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Set(set) => set.contains(doc),
        }
    }
}

impl From<BitSet> for DocumentsWithValue {
    fn from(set: BitSet) -> Self {
        Self::Set(set)
    }
}

/// A range of a `.dvd` file that holds a set of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DocumentSetRange {
    /// The offset of the set in the file.
    pub(crate) offset: u64,
    /// Its length, including the jump table.
    pub(crate) length: u64,
    /// How many documents have a value.
    pub(crate) values: u64,
    /// The binary logarithm of the step of the rank table, if full blocks have one.
    pub(super) rank_power: Option<u8>,
    pub(super) format: Format,
}
