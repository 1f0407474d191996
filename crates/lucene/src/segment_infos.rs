//! Which segments does a commit consist of? (`segments_N`)
//!
//! ```text
//! header "segments" 6..10, suffix N | version 3 vints | [7..] vint major that created the index
//! int64 version | [..7] int32, [8..] vlong name counter | int32 count
//! [count > 0] oldest segment's version, 3 vints
//! count x { string name | [6] u8 1 | 16 bytes id | string codec
//!           int64 deletion generation | int32 deleted
//!           int64 field infos generation | int64 doc values generation
//!           [9..] int32 soft-deleted | [10] u8 has id, 16 bytes id
//!           set field infos files | int32 n, n x (int32 field number, set files) }
//! map user data | footer
//! ```
//!
//! Every fixed number is big-endian in all versions. A generation of -1 means "none".

use std::collections::BTreeMap;

use crate::{
    bytes::Cursor,
    codec_header::{Header, ObjectId, content},
    error::LuceneError,
    version::LuceneVersion,
};

/// A commit: the segments that make up the shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfos {
    /// The release that wrote the commit.
    pub version: LuceneVersion,
    /// The segments, in the order in which their documents are numbered.
    pub segments: Vec<SegmentCommit>,
    /// What the server stored with the commit, such as `history_uuid` and `max_seq_no`.
    pub user_data: BTreeMap<String, String>,
}

/// A segment in a commit, with the generations of what changed after it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentCommit {
    /// The name that all its files begin with, such as `_4k`.
    pub name: String,
    /// The id in all its files.
    pub id: ObjectId,
    /// The codec's name, for messages only.
    pub codec: String,
    /// The generation of its `.liv` file.
    pub deletion_generation: Option<u64>,
    /// How many documents that file marks as deleted.
    pub deleted: u32,
    /// The generation of its newest `.fnm` file, unless that is the first one.
    pub field_infos_generation: Option<u64>,
    /// How many further documents are soft-deleted, if the commit's format says so.
    pub soft_deleted: Option<u32>,
}

impl SegmentInfos {
    /// Reads a whole `segments_N` file and verifies its checksum.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        if header.name != "segments" {
            return Err(header.unsupported(file));
        }
        header.require_version(file, 6, 10)?;
        header.require_suffix(file, file.strip_prefix("segments_").unwrap_or_default())?;
        let format = header.version;
        let version = LuceneVersion::read_vints(&mut cursor)?;
        if format >= 7 {
            cursor.vint()?;
        }
        cursor.i64()?;
        if format >= 8 {
            cursor.vlong()?;
        } else {
            cursor.i32()?;
        }
        let count = cursor.count("the number of segments")?;
        if count > 0 {
            LuceneVersion::read_vints(&mut cursor)?;
        }
        let mut segments = Vec::new();
        for _ in 0..count {
            segments.push(SegmentCommit::read(&mut cursor, format)?);
        }
        let user_data = cursor.map("user data")?;
        Ok(Self { version, segments, user_data })
    }
}

impl SegmentCommit {
    fn read(cursor: &mut Cursor<'_>, format: u32) -> Result<Self, LuceneError> {
        let name = cursor.string("the segment's name")?.to_owned();
        if format == 6 {
            let marker = cursor.u8()?;
            if marker != 1 {
                return Err(cursor.out_of_range("the marker of a segment id", marker.into()));
            }
        }
        let mut id = [0; 16];
        id.copy_from_slice(cursor.take(16)?);
        let codec = cursor.string("the codec's name")?.to_owned();
        let deletion_generation = cursor.generation()?;
        let deleted = cursor.count("the number of deleted documents")?;
        let field_infos_generation = cursor.generation()?;
        // The generation of the doc values: each field has its own in `.fnm`.
        cursor.generation()?;
        let soft_deleted = if format >= 9 {
            Some(cursor.count("the number of soft-deleted documents")?)
        } else {
            None
        };
        if format >= 10 {
            match cursor.u8()? {
                0 => {}
                1 => cursor.skip(16)?,
                other => {
                    return Err(cursor.out_of_range("the marker of a commit id", other.into()));
                }
            }
        }
        cursor.set("a field infos file")?;
        let updated = cursor.count("the number of updated fields")?;
        for _ in 0..updated {
            cursor.i32()?;
            cursor.set("a doc values file")?;
        }
        Ok(Self {
            name,
            id,
            codec,
            deletion_generation,
            deleted,
            field_infos_generation,
            soft_deleted,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::SegmentInfos;
    use crate::codec_header::writing;

    fn commit(format: u32) -> Vec<u8> {
        let mut bytes = vec![8, 11, 3];
        if format >= 7 {
            bytes.push(8);
        }
        bytes.extend(5_i64.to_be_bytes());
        if format >= 8 {
            bytes.push(3);
        } else {
            bytes.extend(3_i32.to_be_bytes());
        }
        bytes.extend(1_i32.to_be_bytes());
        bytes.extend([8, 11, 3]);
        bytes.extend(b"\x02_0");
        if format == 6 {
            bytes.push(1);
        }
        bytes.extend(writing::ID);
        bytes.extend(b"\x08Lucene87");
        bytes.extend(2_i64.to_be_bytes());
        bytes.extend(7_i32.to_be_bytes());
        bytes.extend((-1_i64).to_be_bytes());
        bytes.extend(4_i64.to_be_bytes());
        if format >= 9 {
            bytes.extend(6_i32.to_be_bytes());
        }
        if format >= 10 {
            bytes.push(1);
            bytes.extend([9; 16]);
        }
        bytes.extend(b"\x01\x08_0_1.fnm");
        bytes.extend(1_i32.to_be_bytes());
        bytes.extend(3_i32.to_be_bytes());
        bytes.extend(b"\x01\x03abc");
        bytes.extend(b"\x01\x03key\x05value");
        bytes
    }

    #[test]
    fn every_format_from_6_to_10_gives_the_same_commit() {
        for format in 6..=10 {
            let file = writing::file("segments", format, "1a", &commit(format));
            let infos = SegmentInfos::parse("segments_1a", &file).expect("valid content");
            let segment = &infos.segments[0];
            assert_eq!(segment.name, "_0");
            assert_eq!(segment.id, writing::ID);
            assert_eq!(segment.deletion_generation, Some(2));
            assert_eq!(segment.deleted, 7);
            assert_eq!(segment.field_infos_generation, None);
            assert_eq!(segment.soft_deleted, (format >= 9).then_some(6));
            assert_eq!(infos.user_data["key"], "value");
        }
    }

    #[test]
    fn a_newer_format_is_named_and_refused() {
        let file = writing::file("segments", 11, "2", &commit(10));
        let error = SegmentInfos::parse("segments_2", &file).expect_err("an error");
        assert_eq!(
            error.to_string(),
            "not supported: header `segments version 11` in file `segments_2`"
        );
    }

    proptest! {
        #[test]
        fn altered_commits_never_panic(
            format in 6..=10_u32,
            place in any::<proptest::sample::Index>(),
            junk in any::<[u8; 4]>(),
        ) {
            let mut inside = commit(format);
            let place = place.index(inside.len());
            inside.splice(place..place, junk);
            let file = writing::file("segments", format, "2", &inside);
            drop(SegmentInfos::parse("segments_2", &file));
        }
    }
}
