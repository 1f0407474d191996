//! A segment of which all is known but the stored fields.

use std::collections::BTreeMap;

use crate::{
    error::LuceneError,
    live_docs::LiveDocs,
    segment_info::SegmentInfo,
    segment_infos::SegmentCommit,
    shard_files::FileSlice,
    stored_fields::{FileSum, Layout, Stretch, StretchDecoder, WantedFields},
};

/// A segment whose stored fields can be read.
#[derive(Clone, Debug)]
pub struct Segment {
    pub(crate) commit: SegmentCommit,
    pub(crate) info: SegmentInfo,
    pub(crate) live: LiveDocs,
    pub(crate) wanted: WantedFields,
    pub(crate) stored_fields: FileSlice,
    pub(crate) layout: Layout,
}

impl Segment {
    /// Its name, such as `_4k`.
    pub fn name(&self) -> &str {
        &self.commit.name
    }

    /// What its commit says about it.
    pub fn commit(&self) -> &SegmentCommit {
        &self.commit
    }

    /// What its `.si` file says.
    pub fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// How many documents it holds, deleted and nested ones included.
    pub fn max_doc(&self) -> u32 {
        self.info.max_doc
    }

    /// Which of them are alive.
    pub fn live_docs(&self) -> &LiveDocs {
        &self.live
    }

    /// The numbers of the metadata fields.
    pub fn wanted(&self) -> &WantedFields {
        &self.wanted
    }

    /// What the codecs noted about the segment.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.info.attributes
    }

    /// Where its stored fields lie.
    pub fn stored_fields(&self) -> &FileSlice {
        &self.stored_fields
    }

    /// The stretches that its stored fields consist of, in order, each of so many bytes or a
    /// little more, if it can be.
    pub fn stretches(&self, least_bytes: u64) -> impl Iterator<Item = Stretch> {
        let Layout { file: _, length, max_doc, head: _, index } = &self.layout;
        index.stretches(least_bytes, *max_doc, *length)
    }

    /// Starts a pass over a stretch, given all its bytes.
    pub fn decoder<'a>(
        &'a self,
        stretch: &Stretch,
        bytes: &'a [u8],
    ) -> Result<StretchDecoder<'a>, LuceneError> {
        StretchDecoder::new(&self.layout, stretch, bytes)
    }

    /// The checksum of its stored fields, to which that of each stretch is joined.
    pub fn stored_fields_sum(&self) -> FileSum {
        FileSum::new(&self.layout)
    }
}
