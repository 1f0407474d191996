//! What was written once about a segment? (`.si`)
//!
//! ```text
//! header  Lucene50SegmentInfo, Lucene62SegmentInfo      big-endian
//!         Lucene70SegmentInfo, Lucene86SegmentInfo      big-endian, with the minimum version
//!         Lucene90SegmentInfo                           little-endian, with the minimum version
//! int32 x 3 version | [70..] u8 has minimum version, [int32 x 3]
//! int32 documents | i8 compound (1 yes, -1 no) | [written by 9.9 or newer] i8 has blocks
//! map diagnostics | set files | map attributes | sort fields, not read | footer
//! ```

use std::collections::BTreeMap;

use crate::{
    bytes::{ByteOrder, Cursor},
    codec_header::{Header, ObjectId, content},
    error::LuceneError,
    version::LuceneVersion,
};

/// Whether a segment's files are in one compound file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packaging {
    /// In one `.cfs` file, listed by a `.cfe` file.
    Compound,
    /// Each in a file of its own.
    Separate,
}

/// What a segment's `.si` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The release that wrote the segment.
    pub version: LuceneVersion,
    /// How many documents it holds, including deleted and nested ones.
    pub max_doc: u32,
    /// Where its files are.
    pub packaging: Packaging,
    /// What the codecs noted, such as the mode of the stored fields.
    pub attributes: BTreeMap<String, String>,
}

impl SegmentInfo {
    /// Reads a whole `.si` file. Verifies its checksum and the segment's id.
    pub fn parse(file: &str, bytes: &[u8], id: &ObjectId) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        let has_minimum = match header.name {
            "Lucene50SegmentInfo" | "Lucene62SegmentInfo" => false,
            "Lucene70SegmentInfo" | "Lucene86SegmentInfo" => true,
            "Lucene90SegmentInfo" => {
                cursor.set_order(ByteOrder::Little);
                true
            }
            _ => return Err(header.unsupported(file)),
        };
        header.require_version(file, 0, 1)?;
        header.require_id(file, id)?;
        let version = LuceneVersion::read_ints(&mut cursor)?;
        if has_minimum {
            match cursor.u8()? {
                0 => {}
                1 => drop(LuceneVersion::read_ints(&mut cursor)?),
                other => {
                    return Err(cursor.out_of_range("the marker of a version", other.into()));
                }
            }
        }
        let max_doc = cursor.count("the number of documents")?;
        let packaging = match cursor.u8()?.cast_signed() {
            1 => Packaging::Compound,
            -1 => Packaging::Separate,
            other => return Err(cursor.out_of_range("the compound marker", other.into())),
        };
        if header.name == "Lucene90SegmentInfo" && (version.major, version.minor) >= (9, 9) {
            cursor.skip(1)?;
        }
        cursor.map("diagnostics")?;
        cursor.set("a file of the segment")?;
        let attributes = cursor.map("segment attributes")?;
        Ok(Self { version, max_doc, packaging, attributes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Packaging, SegmentInfo};
    use crate::codec_header::writing;

    fn big_endian(has_minimum: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend([8_u32, 7, 0].into_iter().flat_map(u32::to_be_bytes));
        if has_minimum {
            bytes.push(1);
            bytes.extend([7_u32, 0, 0].into_iter().flat_map(u32::to_be_bytes));
        }
        bytes.extend(42_u32.to_be_bytes());
        bytes.push(0xff);
        bytes.extend(b"\x01\x02os\x05Linux");
        bytes.extend(b"\x01\x05_0.si");
        bytes.extend(b"\x01\x04mode\x05SPEED");
        bytes.push(0);
        bytes
    }

    #[test]
    fn each_header_is_read_by_its_own_layout() {
        for (name, has_minimum) in [
            ("Lucene50SegmentInfo", false),
            ("Lucene62SegmentInfo", false),
            ("Lucene70SegmentInfo", true),
            ("Lucene86SegmentInfo", true),
        ] {
            let file = writing::file(name, 0, "", &big_endian(has_minimum));
            let info = SegmentInfo::parse("_0.si", &file, &writing::ID).expect("valid content");
            assert_eq!(info.max_doc, 42);
            assert_eq!(info.packaging, Packaging::Separate);
            assert_eq!(info.attributes["mode"], "SPEED");
        }
    }

    #[test]
    fn the_blocks_marker_is_skipped_from_9_9_on() {
        for minor in [8_u32, 9] {
            let mut bytes = Vec::new();
            bytes.extend([9, minor, 0].into_iter().flat_map(u32::to_le_bytes));
            bytes.push(0);
            bytes.extend(42_u32.to_le_bytes());
            bytes.push(1);
            if minor == 9 {
                bytes.push(0xff);
            }
            bytes.extend(b"\x00\x00\x01\x04mode\x05SPEED");
            let file = writing::file("Lucene90SegmentInfo", 0, "", &bytes);
            let info = SegmentInfo::parse("_0.si", &file, &writing::ID).expect("valid content");
            assert_eq!(info.max_doc, 42);
            assert_eq!(info.packaging, Packaging::Compound);
            assert_eq!(info.attributes["mode"], "SPEED");
        }
    }

    #[test]
    fn a_file_of_another_segment_is_refused() {
        let file = writing::file("Lucene86SegmentInfo", 0, "", &big_endian(true));
        let error = SegmentInfo::parse("_0.si", &file, &[0; 16]).expect_err("an error");
        assert_eq!(
            error.to_string(),
            "`_0.si` at byte 0: the file belongs to another segment or generation: its segment id differs"
        );
    }

    proptest! {
        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>(), keep in 0..60_usize) {
            let mut bytes = big_endian(true);
            bytes.truncate(keep);
            bytes.extend(junk);
            let file = writing::file("Lucene86SegmentInfo", 0, "", &bytes);
            drop(SegmentInfo::parse("_0.si", &file, &writing::ID));
        }
    }
}
