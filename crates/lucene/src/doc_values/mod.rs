//! Which documents have a value in a numeric field, which is how soft deletes are marked.
//!
//! The values themselves are never read. A `.dvm` file says where in the `.dvd` file the set
//! of documents lies, and only that range is needed:
//!
//! ```text
//! .dvm (metadata.rs)  entry of the field: nobody, everybody, or a range ──> .dvd (indexed_disi.rs)
//! ```

mod indexed_disi;
mod metadata;

pub(crate) use self::metadata::FieldEntry;
use crate::{bit_set::BitSet, bytes::ByteOrder, error::LuceneError};

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
    fn order(self) -> ByteOrder {
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
    Nobody,
    /// Every document.
    Everybody,
    /// These documents.
    Some(BitSet),
}

impl DocumentsWithValue {
    /// Whether the document has a value.
    pub(crate) fn contains(&self, doc: u32) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Some(set) => set.contains(doc),
        }
    }
}

impl From<BitSet> for DocumentsWithValue {
    fn from(set: BitSet) -> Self {
        Self::Some(set)
    }
}

/// A range of a `.dvd` file that holds a set of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DocumentSetRange {
    /// Where the set starts in the file.
    pub(crate) offset: u64,
    /// How long it is, jump table included.
    pub(crate) length: u64,
    /// How many documents have a value.
    pub(crate) values: u64,
    /// The power of two of the rank table's step, when full blocks have one.
    rank_power: Option<u8>,
    format: Format,
}

impl DocumentSetRange {
    /// Decodes the set; as many documents must be in it as the entry promised.
    pub(crate) fn decode(
        &self,
        file: &str,
        bytes: &[u8],
        max_doc: u32,
    ) -> Result<DocumentsWithValue, LuceneError> {
        indexed_disi::decode(file, bytes, self, max_doc).map(DocumentsWithValue::Some)
    }
}
