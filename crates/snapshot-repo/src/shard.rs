//! `<folder of a shard>/snap-<uuid>.dat`: the list of a shard's Lucene files.
//!
//! ```text
//! name, index_version, number_of_files, total_size
//! files[]  name            `__x`: a blob (or `__x.part0`, `__x.part1`, ...); `v__x`: no blob
//!          physical_name   the Lucene file
//!          length          bytes in all
//!          checksum        CRC32 of the Lucene footer, base 36
//!          part_size       bytes of each part but the last; absent: one part
//!          meta_hash       the whole content, for `segments_N` and `.si`
//! ```

use std::{collections::BTreeSet, ops::Range};

use bytes::Bytes;
use serde::Deserialize;
use serde_smile::value::Value;

use crate::{container, error::Damage, shard_paths::Place, smile};

/// The Lucene files of one shard in one snapshot.
#[derive(Clone, Debug)]
pub struct ShardFiles {
    /// The index.
    pub index: String,
    /// The shard's number.
    pub shard: u32,
    /// The files, in the order of the list.
    pub files: Vec<ShardFile>,
    pub(crate) types: ShardTypes,
    pub(crate) place: Place,
}

/// What the mapping says about the types of a shard's documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardTypes {
    /// The type that all documents have, where types are shown.
    pub(crate) only: Option<String>,
    /// The types whose documents have a parent: Elasticsearch 5 keeps the parent's id as routing.
    pub(crate) children: BTreeSet<String>,
}

/// One Lucene file of a shard.
#[derive(Clone, Debug)]
pub struct ShardFile {
    /// The Lucene file's name.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// The CRC32 of its footer.
    pub checksum: u64,
    pub(crate) blob: String,
    pub(crate) part_size: u64,
    pub(crate) content: Option<Bytes>,
}

/// A range of one blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) blob: String,
    pub(crate) range: Range<u64>,
}

impl ShardFiles {
    /// Returns the total size of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.length))
    }
}

impl ShardFile {
    /// Returns the pieces of blobs that make up this range of the file, in order.
    pub(crate) fn pieces(&self, wanted: Range<u64>) -> impl Iterator<Item = Piece> {
        let in_parts = self.length > self.part_size;
        let part_size = if in_parts { self.part_size } else { u64::MAX };
        let mut at = wanted.start;
        std::iter::from_fn(move || {
            if at >= wanted.end {
                return None;
            }
            let part = at / part_size;
            let start = part * part_size;
            let end = wanted.end.min(start.saturating_add(part_size));
            let blob =
                if in_parts { format!("{}.part{part}", self.blob) } else { self.blob.clone() };
            let range = at - start..end - start;
            at = end;
            Some(Piece { blob, range })
        })
    }
}

/// Reads the list of files of a shard in this snapshot.
pub(crate) fn parse(bytes: &[u8], snapshot: &str) -> Result<Vec<ShardFile>, Damage> {
    let body = container::open(bytes, "snapshot")?;
    let list = smile::read(&body)?;
    let Value::Object(mut fields) = list else {
        return Err("it is not an object".into());
    };
    match fields.swap_remove("name") {
        Some(Value::String(name)) if name == snapshot => {}
        Some(Value::String(name)) => {
            return Err(format!("it lists the files of snapshot `{name}`, not `{snapshot}`").into());
        }
        _ => return Err("it does not say which snapshot it is of".into()),
    }
    let Some(Value::Array(files)) = fields.swap_remove("files") else {
        return Err("it has no list `files`".into());
    };
    files.into_iter().map(parse_file).collect()
}

fn parse_file(file: Value) -> Result<ShardFile, Damage> {
    let Value::Object(mut fields) = file else {
        return Err("an entry of `files` is not an object".into());
    };
    let content = match fields.swap_remove("meta_hash") {
        Some(Value::Binary(content)) => Some(Bytes::from(content)),
        Some(_) => return Err("a `meta_hash` is not binary".into()),
        None => None,
    };
    drop(fields.swap_remove("writer_uuid"));
    let json = smile::to_json(Value::Object(fields))?;
    let file: FileEntry = serde_json::from_value(json)
        .map_err(|error| format!("an entry of `files` cannot be read: {error}"))?;
    let FileEntry { name, physical_name, length, checksum, part_size } = file;
    if name.contains('/') || physical_name.contains('/') {
        return Err(format!("the file name `{name}` is a path").into());
    }
    let checksum = u64::from_str_radix(&checksum, 36).map_err(|_| {
        format!("the checksum `{checksum}` of `{physical_name}` is not a base-36 number")
    })?;
    let part_size = part_size.unwrap_or(u64::MAX);
    if part_size == 0 {
        return Err(format!("`{physical_name}` has parts of no bytes").into());
    }
    // For a file that is not stored whole, the hash is shorter than the file.
    let whole = |bytes: &Bytes| u64::try_from(bytes.len()).is_ok_and(|have| have == length);
    let content = content.filter(whole);
    if content.is_none() && name.starts_with("v__") {
        return Err(format!("`{physical_name}` has neither a blob nor its whole content").into());
    }
    Ok(ShardFile { name: physical_name, length, checksum, blob: name, part_size, content })
}

#[derive(Deserialize)]
struct FileEntry {
    name: String,
    physical_name: String,
    length: u64,
    checksum: String,
    part_size: Option<u64>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::ShardFile;

    fn file(length: u64, part_size: u64) -> ShardFile {
        ShardFile {
            name: "_0.cfs".into(),
            length,
            checksum: 0,
            blob: "__a".into(),
            part_size,
            content: None,
        }
    }

    #[test]
    fn a_file_in_one_part_is_the_blob_itself() {
        let pieces = file(100, 100).pieces(10..100).collect::<Vec<_>>();
        assert_eq!(pieces.len(), 1);
        assert_eq!((pieces[0].blob.as_str(), &pieces[0].range), ("__a", &(10..100)));
    }

    #[test]
    fn a_range_over_a_boundary_takes_both_parts() {
        let pieces = file(101, 40).pieces(30..90).collect::<Vec<_>>();
        let shown: Vec<_> =
            pieces.iter().map(|piece| (piece.blob.as_str(), piece.range.clone())).collect();
        assert_eq!(shown, [("__a.part0", 30..40), ("__a.part1", 0..40), ("__a.part2", 0..10)]);
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_without_gaps(length in 1..500_u64, part in 1..60_u64, start in 0..500_u64, size in 0..500_u64) {
            let start = start.min(length);
            let end = (start + size).min(length);
            let file = file(length, part);
            let pieces = file.pieces(start..end);
            let sum: u64 = pieces.map(|piece| piece.range.end - piece.range.start).sum();
            prop_assert_eq!(sum, end - start);
        }
    }
}
