//! Which files, or ranges of files, are needed to read a segment's documents, step by step.
//!
//! ```text
//! round 1   _N.si | _N.cfe when listed | _N_<gen>.liv when there are hard deletes
//! round 2   .fnm (newest generation: _N_<gen>.fnm) | .fdm when there is one | .fdx
//!           the beginning of .fdt
//! round 3   .dvm of the soft deletes field, when the segment has it:
//!           _N_<gen>_<Format>_<suffix>.dvm, or without generation
//! round 4   .dvd, with the set of soft-deleted documents
//! then      .fdt, in ranges of chunks
//! ```
//!
//! Every file is read whole, so that its checksum is verified, with one exception: a large `.dvd`
//! that was written with the segment holds the values of all fields, and only the range of the soft
//! deletes is read. Of that range two things are verified: each block holds as many documents as it
//! says, and together they hold as many as the commit says.
//!
//! Files that were written with the segment are in `_N.cfs` when it is compound; later files
//! (generations) never are.

use crate::{
    codec_header::content,
    compound::CompoundEntries,
    doc_values::{DocumentSetRange, DocumentsWithValue, FieldEntry, decode_set},
    error::{LuceneError, Problem},
    field_infos::{FieldInfo, FieldInfos},
    live_docs::{HardDeletes, LiveDocs},
    segment::Segment,
    segment_info::{Packaging, SegmentInfo},
    segment_infos::SegmentCommit,
    shard_files::{FileSlice, ShardFiles, base36},
    stored_fields::{
        ChunkIndex, FdtHeader, FdtLayout, IndexContext, MAX_HEADER_LENGTH, StoredFieldsMeta,
        WantedFields,
    },
};

/// A chunk holds at most this many documents and has at least one byte.
const MAX_DOCUMENTS_PER_BYTE: u64 = 4096;

/// A `.dvd` file of at most this many bytes is read whole, to verify its checksum.
const MAX_WHOLE_DOC_VALUES: u64 = 1 << 16;

/// The state of opening a segment.
#[derive(Debug)]
pub enum Opening {
    /// These ranges are needed to continue.
    Needs(Box<SegmentNeeds>),
    /// Everything is known except the stored fields.
    Ready(Box<Segment>),
}

impl Opening {
    /// Starts to open a segment of the commit, given the shard's file list.
    pub fn start(files: &ShardFiles, commit: &SegmentCommit) -> Result<Self, LuceneError> {
        SegmentParts {
            files: files.of_segment(&commit.name),
            commit: commit.clone(),
            info: None,
            entries: None,
            hard: None,
            fields: None,
            meta: None,
            header: None,
            index: None,
            soft: None,
        }
        .advance()
    }
}

/// The ranges that a segment needs next.
#[derive(Debug)]
pub struct SegmentNeeds {
    parts: SegmentParts,
    purposes: Vec<Purpose>,
    slices: Vec<FileSlice>,
}

impl SegmentNeeds {
    /// Returns the ranges, in the order in which `supply` takes their bytes.
    pub fn slices(&self) -> &[FileSlice] {
        &self.slices
    }

    /// Takes the bytes of all ranges and continues to open the segment.
    pub fn supply<B: AsRef<[u8]>>(self, answers: &[B]) -> Result<Opening, LuceneError> {
        let Self { mut parts, purposes, slices } = self;
        let mut answers = answers.iter().map(AsRef::as_ref);
        for (purpose, slice) in purposes.into_iter().zip(slices) {
            let bytes = answers.next().unwrap_or_default();
            let received = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if received != slice.length {
                let (file, requested) = (slice.name, slice.length);
                return Err(LuceneError::WrongLength { file, requested, received });
            }
            parts.take(purpose, &slice.name, bytes)?;
        }
        parts.advance()
    }
}

/// What a range is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Info,
    Entries,
    HardDeletes,
    Fields,
    Meta,
    /// Depends on `Meta`, so it comes later.
    FdtHeader,
    /// Depends on `FdtHeader`, so it comes later.
    Index,
    SoftDeletesEntry,
    /// The whole file.
    SoftDeletesFile,
    /// The range of the file that holds them.
    SoftDeletesRange,
}

/// The parts of a segment that are known so far.
#[derive(Debug)]
struct SegmentParts {
    files: ShardFiles,
    commit: SegmentCommit,
    info: Option<SegmentInfo>,
    entries: Option<CompoundEntries>,
    hard: Option<HardDeletes>,
    fields: Option<FieldInfos>,
    meta: Option<StoredFieldsMeta>,
    header: Option<FdtHeader>,
    index: Option<ChunkIndex>,
    soft: Option<FieldEntry>,
}

impl SegmentParts {
    fn take(&mut self, purpose: Purpose, file: &str, bytes: &[u8]) -> Result<(), LuceneError> {
        let id = &self.commit.id;
        let max_doc = self.info.as_ref().map_or(0, |info| info.max_doc);
        match purpose {
            Purpose::Info => self.info = Some(SegmentInfo::parse(file, bytes, id)?),
            Purpose::Entries => {
                let length = self.files.whole(&self.name(".cfs"))?.length;
                self.entries = Some(CompoundEntries::parse(file, bytes, id, length)?);
            }
            Purpose::HardDeletes => {
                let generation = self.commit.deletion_generation.map(base36).unwrap_or_default();
                let deleted = self.commit.deleted;
                let parsed = HardDeletes::parse(file, bytes, id, &generation, max_doc, deleted)?;
                self.hard = Some(parsed);
            }
            Purpose::Fields => {
                let generation = self.commit.field_infos_generation.map(base36).unwrap_or_default();
                self.fields = Some(FieldInfos::parse(file, bytes, id, &generation)?);
            }
            Purpose::Meta => self.meta = Some(StoredFieldsMeta::parse(file, bytes, id, max_doc)?),
            Purpose::FdtHeader => {
                self.header = Some(FdtHeader::parse(file, bytes, id, self.meta.as_ref())?);
            }
            Purpose::Index => {
                if let Some(header) = &self.header {
                    let length = self.locate(".fdt")?.length;
                    let meta = self.meta.as_ref();
                    let context = IndexContext { id, max_doc, header, meta, length };
                    self.index = Some(ChunkIndex::parse(file, bytes, context)?);
                }
            }
            Purpose::SoftDeletesEntry => {
                if let Some(fields) = &self.fields
                    && let Some(field) = fields.soft_deletes()
                {
                    self.soft = Some(FieldEntry::parse(file, bytes, id, fields, field.number)?);
                }
            }
            Purpose::SoftDeletesFile => {
                content(file, bytes)?;
                if let Some(FieldEntry::Range(range)) = &self.soft {
                    let bytes = range_of(bytes, range).unwrap_or_default();
                    self.soft = Some(FieldEntry::Known(decode_set(range, file, bytes, max_doc)?));
                }
            }
            Purpose::SoftDeletesRange => {
                if let Some(FieldEntry::Range(range)) = &self.soft {
                    self.soft = Some(FieldEntry::Known(decode_set(range, file, bytes, max_doc)?));
                }
            }
        }
        Ok(())
    }

    fn advance(self) -> Result<Opening, LuceneError> {
        let Some(info) = &self.info else {
            return self.request_first();
        };
        if info.packaging == Packaging::Compound && self.entries.is_none() {
            return Err(LuceneError::MissingFile { file: self.name(".cfe") });
        }
        self.check_documents(info)?;
        let Some(fields) = &self.fields else {
            return self.request_fields();
        };
        let soft = match (fields.soft_deletes(), &self.soft) {
            (None, _) => None,
            (Some(field), None) => {
                let slice = self.locate_doc_values(field, "dvm")?;
                return Ok(self.request(vec![(Purpose::SoftDeletesEntry, slice)]));
            }
            (Some(field), Some(FieldEntry::Range(range))) => {
                let file = self.locate_doc_values(field, "dvd")?;
                let slice = file.part(range.offset, range.length).ok_or_else(|| {
                    LuceneError::Malformed {
                        file: file.name.clone(),
                        offset: file.length,
                        problem: Problem::UnexpectedEnd { wanted: range.length },
                    }
                })?;
                let is_generation = field.doc_values_generation.is_some();
                let requests = if is_generation || file.length <= MAX_WHOLE_DOC_VALUES {
                    (Purpose::SoftDeletesFile, file)
                } else {
                    (Purpose::SoftDeletesRange, slice)
                };
                return Ok(self.request(vec![requests]));
            }
            (Some(_), Some(FieldEntry::Known(soft))) => Some(soft.clone()),
        };
        let info = info.clone();
        let wanted = WantedFields::new(fields);
        self.ready(info, wanted, soft)
    }

    fn request_first(self) -> Result<Opening, LuceneError> {
        let mut requests = vec![(Purpose::Info, self.files.whole(&self.name(".si"))?)];
        if let Ok(slice) = self.files.whole(&self.name(".cfe")) {
            requests.push((Purpose::Entries, slice));
        }
        if let Some(generation) = self.commit.deletion_generation {
            let name = self.name(&format!("_{}.liv", base36(generation)));
            requests.push((Purpose::HardDeletes, self.files.whole(&name)?));
        }
        Ok(self.request(requests))
    }

    fn request_fields(self) -> Result<Opening, LuceneError> {
        let fields = match self.commit.field_infos_generation {
            Some(generation) => {
                self.files.whole(&self.name(&format!("_{}.fnm", base36(generation))))?
            }
            None => self.locate(".fnm")?,
        };
        let mut requests = vec![(Purpose::Fields, fields)];
        if let Ok(slice) = self.locate(".fdm") {
            requests.push((Purpose::Meta, slice));
        }
        let stored_fields = self.locate(".fdt")?;
        let start = stored_fields.length.min(MAX_HEADER_LENGTH);
        requests.extend(stored_fields.part(0, start).map(|slice| (Purpose::FdtHeader, slice)));
        requests.push((Purpose::Index, self.locate(".fdx")?));
        Ok(self.request(requests))
    }

    fn request(self, requests: Vec<(Purpose, FileSlice)>) -> Opening {
        let (purposes, slices) = requests.into_iter().unzip();
        Opening::Needs(Box::new(SegmentNeeds { parts: self, purposes, slices }))
    }

    fn ready(
        self,
        info: SegmentInfo,
        wanted: WantedFields,
        soft: Option<DocumentsWithValue>,
    ) -> Result<Opening, LuceneError> {
        let stored_fields = self.locate(".fdt")?;
        let max_doc = info.max_doc;
        let live = LiveDocs::new(max_doc, self.hard.clone(), soft);
        if let Some(expected) = self.commit.soft_deleted
            && expected != live.soft_deleted()
        {
            return Err(self.malformed_info(Problem::CountMismatch {
                what: "soft-deleted documents of the segment",
                found: live.soft_deleted().into(),
                expected: expected.into(),
            }));
        }
        let Self { commit, header, index, .. } = self;
        let Some((header, index)) = header.zip(index) else {
            return Err(LuceneError::MissingFile { file: stored_fields.name });
        };
        let file = stored_fields.name.as_str().into();
        let layout = FdtLayout { file, length: stored_fields.length, max_doc, header, index };
        Ok(Opening::Ready(Box::new(Segment { commit, info, live, wanted, stored_fields, layout })))
    }

    /// Rejects a number of documents that the stored fields cannot hold, before it sizes an
    /// allocation.
    fn check_documents(&self, info: &SegmentInfo) -> Result<(), LuceneError> {
        let length = self.locate(".fdt")?.length;
        if u64::from(info.max_doc) <= length.saturating_mul(MAX_DOCUMENTS_PER_BYTE) {
            return Ok(());
        }
        let value = info.max_doc.into();
        Err(self.malformed_info(Problem::OutOfRange { what: "the number of documents", value }))
    }

    fn malformed_info(&self, problem: Problem) -> LuceneError {
        LuceneError::Malformed { file: self.name(".si"), offset: 0, problem }
    }

    /// Returns a file's name: the segment's, followed by `rest`.
    fn name(&self, rest: &str) -> String {
        format!("{}{rest}", self.commit.name)
    }

    /// Returns a file that was written with the segment, alone or inside the compound file.
    fn locate(&self, rest: &str) -> Result<FileSlice, LuceneError> {
        let name = self.name(rest);
        let Some(entry) = self.entries.as_ref().and_then(|entries| entries.get(rest)) else {
            return self.files.whole(&name);
        };
        let missing = || LuceneError::MissingFile { file: name.clone() };
        let compound = self.files.whole(&self.name(".cfs"))?;
        let part = compound.part(entry.offset, entry.length).ok_or_else(missing)?;
        Ok(part.named(name))
    }

    fn locate_doc_values(&self, field: &FieldInfo, ending: &str) -> Result<FileSlice, LuceneError> {
        let suffix = field.doc_values_suffix().map(|suffix| format!("_{suffix}"));
        let suffix = suffix.unwrap_or_default();
        match field.doc_values_generation {
            Some(generation) => {
                self.files.whole(&self.name(&format!("_{}{suffix}.{ending}", base36(generation))))
            }
            None => self.locate(&format!("{suffix}.{ending}")),
        }
    }
}

/// Returns the bytes of a range of a file.
fn range_of<'a>(file: &'a [u8], range: &DocumentSetRange) -> Option<&'a [u8]> {
    let start = usize::try_from(range.offset).ok()?;
    let end = usize::try_from(range.offset.checked_add(range.length)?).ok()?;
    file.get(start..end)
}
