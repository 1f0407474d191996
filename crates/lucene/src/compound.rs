//! Where are the files of a segment inside its compound file? (`.cfe`)
//!
//! ```text
//! header Lucene50CompoundEntries (big-endian) or Lucene90CompoundEntries (little-endian)
//! vint n | n x { string name without the segment's, int64 offset, int64 length } | footer
//! ```
//!
//! The `.cfs` file is a header, the inner files whole (each with its own header and footer,
//! padded between in Lucene 9), and a footer.

use std::collections::BTreeMap;

use crate::{
    bytes::{ByteOrder, Cursor},
    codec_header::{Header, ObjectId, content},
    error::LuceneError,
};

/// The place of one file inside a compound file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompoundEntry {
    /// The offset in the `.cfs` file.
    pub(crate) offset: u64,
    /// The length.
    pub(crate) length: u64,
}

/// The table of a compound file, by file name without the segment's name: `.fnm`, `_Lucene80_0.dvm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompoundEntries {
    entries: BTreeMap<String, CompoundEntry>,
}

impl CompoundEntries {
    /// Reads a whole `.cfe` file. No entry may reach beyond the end of the `.cfs` file.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        compound_length: u64,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        match header.name {
            "Lucene50CompoundEntries" => {}
            "Lucene90CompoundEntries" => cursor.set_order(ByteOrder::Little),
            _ => return Err(header.unsupported(file)),
        }
        header.require_version(file, 0, 0)?;
        header.require_id(file, id)?;
        let count = cursor.vlength("the number of files")?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let name = cursor.string("a file name")?.to_owned();
            let offset = cursor.long_count("the offset of a file")?;
            let length = cursor.long_count("the length of a file")?;
            if offset.checked_add(length).is_none_or(|end| end > compound_length) {
                let value = i64::try_from(offset).unwrap_or(i64::MAX);
                return Err(cursor.out_of_range("the offset of a file", value));
            }
            entries.insert(name, CompoundEntry { offset, length });
        }
        Ok(Self { entries })
    }

    /// Returns the place of a file, by its name without the segment's.
    pub(crate) fn get(&self, name: &str) -> Option<CompoundEntry> {
        self.entries.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{CompoundEntries, CompoundEntry};
    use crate::codec_header::writing;

    fn table(offset: [u8; 8], length: [u8; 8]) -> Vec<u8> {
        let mut bytes = b"\x01\x04.fnm".to_vec();
        bytes.extend(offset);
        bytes.extend(length);
        bytes
    }

    #[test]
    fn both_byte_orders_are_read() {
        let expected = Some(CompoundEntry { offset: 64, length: 300 });
        let old = table(64_u64.to_be_bytes(), 300_u64.to_be_bytes());
        let new = table(64_u64.to_le_bytes(), 300_u64.to_le_bytes());
        for (name, content) in [("Lucene50CompoundEntries", old), ("Lucene90CompoundEntries", new)]
        {
            let file = writing::file(name, 0, "", &content);
            let entries =
                CompoundEntries::parse("_0.cfe", &file, &writing::ID, 364).expect("valid content");
            assert_eq!(entries.get(".fnm"), expected);
            assert_eq!(entries.get(".fdt"), None);
        }
    }

    #[test]
    fn an_entry_beyond_the_compound_file_is_refused() {
        let content = table(64_u64.to_be_bytes(), 300_u64.to_be_bytes());
        let file = writing::file("Lucene50CompoundEntries", 0, "", &content);
        assert!(CompoundEntries::parse("_0.cfe", &file, &writing::ID, 363).is_err());
    }

    proptest! {
        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>()) {
            let file = writing::file("Lucene50CompoundEntries", 0, "", &junk);
            drop(CompoundEntries::parse("_0.cfe", &file, &writing::ID, 1000));
        }
    }
}
