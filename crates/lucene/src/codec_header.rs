//! The frame around every Lucene file: header, footer, checksum.
//!
//! ```text
//! header   3F D7 6C 17 | vint n, n bytes name | int32 version | 16 bytes id | u8 n, n bytes suffix
//!          (always big-endian; id and suffix are the "index header", present in every file of a shard)
//! footer   C0 28 93 E8 | int32 0 | int64 CRC32 of all before this number        (always big-endian)
//! ```
//!
//! The id is the segment's (in `segments_N` the commit's); the suffix is empty, or the
//! base-36 generation, or the segment suffix of a per-field format such as `Lucene80_0`.

#[cfg(test)]
pub(crate) mod writing;

use crate::{
    bytes::Cursor,
    error::{LuceneError, Problem},
};

/// The length of a footer.
pub(crate) const FOOTER_LENGTH: usize = 16;

const HEADER_MAGIC: u32 = 0x3fd7_6c17;
const FOOTER_MAGIC: u32 = 0xc028_93e8;
/// No format has a longer name; the limit keeps error messages readable.
const MAX_NAME_LENGTH: usize = 128;

/// The 16 bytes that name a segment or a commit.
pub(crate) type ObjectId = [u8; 16];

/// Returns the name of the format in the header of a file. The first 128 bytes of the file are
/// enough.
///
/// ```
/// let mut start = vec![0x3f, 0xd7, 0x6c, 0x17]; // the magic number
/// start.push(16); // the length of the name
/// start.extend(b"Lucene50LiveDocs");
/// start.extend([0, 0, 0, 0]); // version 0
/// start.extend(*b"id of 16 bytes..");
/// start.extend([1, b'a']); // the suffix: generation 10 in base 36
/// assert_eq!(lucene::header_name("_0_a.liv", &start), Ok("Lucene50LiveDocs".to_owned()));
/// ```
pub fn header_name(file: &str, start: &[u8]) -> Result<String, LuceneError> {
    Header::read(&mut Cursor::new(file, start)).map(|header| header.name.to_owned())
}

/// What the header of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// The format's name.
    pub(crate) name: &'a str,
    /// The version of the format.
    pub(crate) version: u32,
    /// The segment or commit that the file belongs to.
    pub(crate) id: ObjectId,
    /// The suffix, often empty.
    pub(crate) suffix: &'a str,
}

impl<'a> Header<'a> {
    /// Reads the header at the cursor.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, LuceneError> {
        let start = cursor.clone();
        let found = cursor.u32()?;
        if found != HEADER_MAGIC {
            return Err(start.error(Problem::HeaderMagic { found }));
        }
        let length = cursor.vlength("length of the header name")?;
        if length > MAX_NAME_LENGTH {
            let value = i64::try_from(length).unwrap_or(i64::MAX);
            return Err(cursor.out_of_range("length of the header name", value));
        }
        let name = cursor.take(length)?;
        let name = std::str::from_utf8(name)
            .map_err(|_| cursor.error(Problem::NotUtf8 { what: "the header name" }))?;
        let version = cursor.u32()?;
        let mut id = [0; 16];
        id.copy_from_slice(cursor.take(16)?);
        let length = cursor.u8()?;
        let suffix = std::str::from_utf8(cursor.take(length.into())?)
            .map_err(|_| cursor.error(Problem::NotUtf8 { what: "the header suffix" }))?;
        Ok(Self { name, version, id, suffix })
    }

    /// Returns the error for a format that no decoder knows.
    pub(crate) fn unsupported(&self, file: &str) -> LuceneError {
        LuceneError::Unsupported { file: file.to_owned(), header: self.name.to_owned() }
    }

    /// Rejects versions outside `first..=last`.
    pub(crate) fn require_version(
        &self,
        file: &str,
        first: u32,
        last: u32,
    ) -> Result<(), LuceneError> {
        if (first..=last).contains(&self.version) {
            return Ok(());
        }
        let header = format!("{} version {}", self.name, self.version);
        Err(LuceneError::Unsupported { file: file.to_owned(), header })
    }

    /// Rejects a file of another segment.
    pub(crate) fn require_id(&self, file: &str, id: &ObjectId) -> Result<(), LuceneError> {
        if *id == self.id {
            return Ok(());
        }
        Err(LuceneError::Malformed {
            file: file.to_owned(),
            offset: 0,
            problem: Problem::Foreign { part: "segment id" },
        })
    }

    /// Rejects a file whose suffix is not the one in its name.
    pub(crate) fn require_suffix(&self, file: &str, suffix: &str) -> Result<(), LuceneError> {
        if self.suffix == suffix {
            return Ok(());
        }
        Err(LuceneError::Malformed {
            file: file.to_owned(),
            offset: 0,
            problem: Problem::Foreign { part: "suffix" },
        })
    }
}

/// Verifies the footer of a whole file and returns the bytes before it.
pub(crate) fn content<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a [u8], LuceneError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let Some((content, footer)) = bytes.split_last_chunk::<FOOTER_LENGTH>() else {
        let missing = FOOTER_LENGTH.saturating_sub(bytes.len());
        let wanted = u64::try_from(missing).unwrap_or(u64::MAX);
        return Err(Cursor::at(file, &[], length).error(Problem::UnexpectedEnd { wanted }));
    };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(content);
    let offset = length.saturating_sub(16);
    check_footer(file, offset, footer, hasher)?;
    Ok(content)
}

/// Compares a footer with the running checksum of all bytes before it. Returns the checksum.
pub(crate) fn check_footer(
    file: &str,
    offset: u64,
    footer: &[u8; FOOTER_LENGTH],
    mut hasher: crc32fast::Hasher,
) -> Result<u32, LuceneError> {
    let mut cursor = Cursor::at(file, footer, offset);
    if cursor.u32()? != FOOTER_MAGIC || cursor.u32()? != 0 {
        return Err(Cursor::at(file, &[], offset).error(Problem::FooterMagic));
    }
    hasher.update(footer.get(..8).unwrap_or_default());
    let computed = hasher.finalize();
    let stored = cursor.u64()?;
    if u64::from(computed) == stored {
        Ok(computed)
    } else {
        Err(cursor.error(Problem::Checksum { computed, stored }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, content, writing};
    use crate::bytes::Cursor;

    #[test]
    fn every_flipped_bit_breaks_the_checksum_or_the_footer() {
        let good = writing::file("Lucene50LiveDocs", 0, "1", b"content");
        let inside = content("_0_1.liv", &good).expect("a valid frame");
        let mut cursor = Cursor::new("_0_1.liv", inside);
        let header = Header::read(&mut cursor).expect("a header");
        assert_eq!((header.name, header.version, header.suffix), ("Lucene50LiveDocs", 0, "1"));
        assert_eq!(cursor.take(7).expect("seven bytes"), b"content");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(content("_0_1.liv", &bad).is_err(), "bit {bit} went unnoticed");
        }
    }

    #[test]
    fn a_short_file_is_named() {
        let error = content("_0.si", &[1, 2, 3]).expect_err("an error");
        assert_eq!(
            error.to_string(),
            "`_0.si` at byte 3: the file ends here, but 13 more bytes belong to it"
        );
    }
}
