//! A segment of which everything is known except the stored fields.

use std::collections::BTreeMap;

use crate::{
    error::LuceneError,
    live_docs::LiveDocs,
    segment_info::SegmentInfo,
    segment_infos::SegmentCommit,
    shard_files::FileSlice,
    stored_fields::{ChunkDecoder, ChunkRange, FdtLayout, FileSum, WantedFields},
};

/// A segment whose stored fields can be read.
#[derive(Clone, Debug)]
pub struct Segment {
    pub(crate) commit: SegmentCommit,
    pub(crate) info: SegmentInfo,
    pub(crate) live: LiveDocs,
    pub(crate) wanted: WantedFields,
    pub(crate) stored_fields: FileSlice,
    pub(crate) layout: FdtLayout,
}

impl Segment {
    /// Returns the name, such as `_4k`.
    pub fn name(&self) -> &str {
        &self.commit.name
    }

    /// Returns what the commit says about the segment.
    pub fn commit(&self) -> &SegmentCommit {
        &self.commit
    }

    /// Returns what the `.si` file says.
    pub fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// Returns how many documents the segment holds, including deleted and nested ones.
    pub fn max_doc(&self) -> u32 {
        self.info.max_doc
    }

    /// Returns which documents are live.
    pub fn live_docs(&self) -> &LiveDocs {
        &self.live
    }

    /// Returns the numbers of the metadata fields.
    pub fn wanted(&self) -> &WantedFields {
        &self.wanted
    }

    /// Returns what the codecs noted about the segment.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.info.attributes
    }

    /// Returns the place of the stored fields.
    pub fn stored_fields(&self) -> &FileSlice {
        &self.stored_fields
    }

    /// Divides the stored fields into ranges of chunks, in order. Each has at least `min_bytes` bytes,
    /// except the last one.
    pub fn chunk_ranges(&self, min_bytes: u64) -> impl Iterator<Item = ChunkRange> {
        let FdtLayout { file: _, length, max_doc, header: _, index } = &self.layout;
        index.chunk_ranges(min_bytes, *max_doc, *length)
    }

    /// Starts to decode a range of chunks, given all its bytes.
    pub fn decoder<'a>(
        &'a self,
        range: &ChunkRange,
        bytes: &'a [u8],
    ) -> Result<ChunkDecoder<'a>, LuceneError> {
        ChunkDecoder::new(&self.layout, range, bytes)
    }

    /// Returns the checksum of no stored fields yet, to join those of all ranges of chunks to.
    pub fn stored_fields_sum(&self) -> FileSum {
        FileSum::new(&self.layout)
    }
}
