//! Which release of Lucene wrote a commit or a segment?

use crate::{bytes::Cursor, error::LuceneError};

/// A release of Lucene, such as 8.11.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LuceneVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub bugfix: u32,
}

impl LuceneVersion {
    /// Reads three variable-length numbers, as in `segments_N`.
    pub(crate) fn read_vints(cursor: &mut Cursor<'_>) -> Result<Self, LuceneError> {
        Ok(Self { major: cursor.vint()?, minor: cursor.vint()?, bugfix: cursor.vint()? })
    }

    /// Reads three fixed numbers, as in `.si`.
    pub(crate) fn read_ints(cursor: &mut Cursor<'_>) -> Result<Self, LuceneError> {
        Ok(Self { major: cursor.u32()?, minor: cursor.u32()?, bugfix: cursor.u32()? })
    }
}
