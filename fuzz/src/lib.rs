//! Fuzz targets: one for each decoder of bytes from outside.
//!
//! ```text
//! bytes ── Target::run ──> decoder     wrong: a panic, a hang, a broken promise
//!            ^
//! Target::seeds: the real files of the corpora
//! ```
//!
//! The first byte of an input selects the real file that the rest replaces, so one target covers all
//! releases of its format.

mod input;
mod mutation;
mod repository;
mod segment;

pub use mutation::Mutator;
use serde_json::value::RawValue;

/// A decoder of bytes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `segments_N`.
    Commit,
    /// `.si`.
    SegmentInfo,
    /// `.cfe`.
    CompoundEntries,
    /// `.fnm`.
    FieldInfos,
    /// `.liv`.
    LiveDocs,
    /// `.fdm`.
    StoredFieldsMeta,
    /// `.fdx`.
    ChunkIndex,
    /// `.dvm`.
    DocValuesMeta,
    /// `.dvd`.
    DocValues,
    /// `.fdt`, of every layout and compression.
    StoredFields,
    /// `index.latest`.
    Latest,
    /// `index-N` of the root.
    Root,
    /// `snap-*.dat` of the root.
    Snapshot,
    /// `meta-*.dat` of the root.
    Global,
    /// `meta-*.dat` of an index.
    IndexMetadata,
    /// `snap-*.dat` of a shard: the list of its files.
    ShardFiles,
    /// `snapshot_shard_paths/*`.
    ShardPaths,
    /// `_source` as JSON, SMILE, CBOR or YAML.
    Source,
    /// `_id` and `_uid`.
    Id,
}

impl Target {
    /// All targets.
    pub const ALL: &[Self] = &[
        Self::Commit,
        Self::SegmentInfo,
        Self::CompoundEntries,
        Self::FieldInfos,
        Self::LiveDocs,
        Self::StoredFieldsMeta,
        Self::ChunkIndex,
        Self::DocValuesMeta,
        Self::DocValues,
        Self::StoredFields,
        Self::Latest,
        Self::Root,
        Self::Snapshot,
        Self::Global,
        Self::IndexMetadata,
        Self::ShardFiles,
        Self::ShardPaths,
        Self::Source,
        Self::Id,
    ];

    /// Returns the name of the target and of its program for libFuzzer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::SegmentInfo => "segment_info",
            Self::CompoundEntries => "compound_entries",
            Self::FieldInfos => "field_infos",
            Self::LiveDocs => "live_docs",
            Self::StoredFieldsMeta => "stored_fields_meta",
            Self::ChunkIndex => "chunk_index",
            Self::DocValuesMeta => "doc_values_meta",
            Self::DocValues => "doc_values",
            Self::StoredFields => "stored_fields",
            Self::Latest => "latest",
            Self::Root => "root",
            Self::Snapshot => "snapshot",
            Self::Global => "global",
            Self::IndexMetadata => "index_metadata",
            Self::ShardFiles => "shard_files",
            Self::ShardPaths => "shard_paths",
            Self::Source => "source",
            Self::Id => "id",
        }
    }

    /// Decodes the input.
    pub fn run(self, input: &[u8]) {
        match self {
            Self::Source => source(input),
            Self::Id => id(input),
            _ => {
                let Some((choice, bytes)) = input.split_first() else { return };
                if let Some(part) = self.part() {
                    segment::run(part, *choice, bytes);
                } else if let Some(blob) = self.blob() {
                    repository::run(blob, *choice, bytes);
                }
            }
        }
    }

    /// Returns real inputs to begin with.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        match self {
            Self::Source => [
                &b"{\"a\": [1, \"x\\n\", null],\n \"b\": {}}"[..],
                b":)\n\x05\xfa\x80a\xc2\x80b\x43xyz\xfb",
                b"\xbf\x61a\x83\x01\xf9\x3c\x00\x63xyz\xff",
                b"\xd9\xd9\xf7\xa1\x61a\xc2\x42\x01\x02",
                b"---\na: [1, 2.5]\nb: \"x\\ny\"\n",
                b"\xef\xbb\xbf{}",
            ]
            .map(<[u8]>::to_vec)
            .to_vec(),
            Self::Id => {
                [&b"\xffid"[..], b"\xfe\x12\x3f", b"\x01\x02\x03", b"\xfd\xfe\x01", b"type#id"]
                    .map(<[u8]>::to_vec)
                    .to_vec()
            }
            _ => {
                let files: Vec<(u8, Vec<u8>)> = match (self.part(), self.blob()) {
                    (Some(part), _) => segment::files(part),
                    (None, Some(blob)) => repository::files(blob),
                    (None, None) => Vec::new(),
                };
                files.into_iter().map(|(choice, file)| [vec![choice], file].concat()).collect()
            }
        }
    }

    /// Returns the ending of the Lucene file that the target decodes.
    fn part(self) -> Option<&'static str> {
        match self {
            Self::Commit => Some("segments"),
            Self::SegmentInfo => Some(".si"),
            Self::CompoundEntries => Some(".cfe"),
            Self::FieldInfos => Some(".fnm"),
            Self::LiveDocs => Some(".liv"),
            Self::StoredFieldsMeta => Some(".fdm"),
            Self::ChunkIndex => Some(".fdx"),
            Self::DocValuesMeta => Some(".dvm"),
            Self::DocValues => Some(".dvd"),
            Self::StoredFields => Some(".fdt"),
            _ => None,
        }
    }

    /// Returns the blob of a repository that the target decodes.
    fn blob(self) -> Option<repository::Blob> {
        match self {
            Self::Latest => Some(repository::Blob::Latest),
            Self::Root => Some(repository::Blob::Root),
            Self::Snapshot => Some(repository::Blob::Snapshot),
            Self::Global => Some(repository::Blob::Global),
            Self::IndexMetadata => Some(repository::Blob::IndexMetadata),
            Self::ShardFiles => Some(repository::Blob::ShardFiles),
            Self::ShardPaths => Some(repository::Blob::ShardPaths),
            _ => None,
        }
    }
}

/// One document becomes one line, and sources in other formats become JSON. (The tokens of JSON are
/// copied without reading them, so numbers stay the same.)
fn source(bytes: &[u8]) {
    if let Ok(line) = snapshot_repo::source::to_line(bytes) {
        assert!(!line.contains(&b'\n'), "the line contains a line break");
        let is_json = serde_json::from_slice::<&RawValue>(&line).is_ok();
        let marks: [&[u8]; 3] = [b":)\n", b"\xd9\xd9\xf7", b"---"];
        let was_other = marks.iter().any(|mark| bytes.starts_with(mark));
        assert!(
            is_json || !was_other,
            "`{}` became `{}`, which is not JSON",
            bytes.escape_ascii(),
            line.escape_ascii()
        );
    }
}

fn id(bytes: &[u8]) {
    drop(lucene::decode_id(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(lucene::split_uid(text));
    }
}
