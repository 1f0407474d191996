//! Which files, or ranges of files, a segment's documents need, step by step.
//!
//! ```text
//! round 1   _N.si | _N.cfe when listed | _N_<gen>.liv when there are hard deletes
//! round 2   .fnm (newest generation: _N_<gen>.fnm) | .fdm when there is one | .fdx
//!           the beginning of .fdt
//! round 3   .dvm of the soft deletes field, when the segment has it:
//!           _N_<gen>_<Format>_<suffix>.dvm, or without generation
//! round 4   .dvd, with the set of soft-deleted documents
//! then      .fdt, in stretches
//! ```
//!
//! Every file is taken whole, so that its checksum is looked at, but one: a large `.dvd` that was
//! written with the segment holds the values of all fields, and only the range of the soft deletes
//! is taken of it. What can be checked of that range is: its blocks hold as many documents as they
//! say, and together they are as many as the commit says.
//!
//! What was written with the segment lies in `_N.cfs` when it is compound; what came later
//! (generations) never does.

use crate::{
    codec_header::content,
    compound::CompoundEntries,
    doc_values::{DocumentSetRange, DocumentsWithValue, FieldEntry},
    error::{LuceneError, Problem},
    field_infos::{FieldInfo, FieldInfos},
    live_docs::{HardDeletes, LiveDocs},
    segment::Segment,
    segment_info::{Packaging, SegmentInfo},
    segment_infos::SegmentCommit,
    shard_files::{FileSlice, ShardFiles, base36},
    stored_fields::{
        ChunkIndex, HEAD_LENGTH, Head, Indexed, Layout, StoredFieldsMeta, WantedFields,
    },
};

/// No chunk holds more documents than this, and none is shorter than a byte.
const MOST_DOCUMENTS_A_BYTE: u64 = 4096;

/// A `.dvd` file of up to this many bytes is taken whole, for the sake of its checksum.
const SMALL_DOC_VALUES: u64 = 1 << 16;

/// A segment being opened: either it needs bytes, or its documents can be read.
#[derive(Debug)]
pub enum Opening {
    /// These ranges are needed to go on.
    Needs(Box<SegmentNeeds>),
    /// All is known but the stored fields.
    Ready(Box<Segment>),
}

impl Opening {
    /// Starts with the shard's file list and what the commit says about the segment.
    pub fn start(files: &ShardFiles, commit: &SegmentCommit) -> Result<Self, LuceneError> {
        Gathered {
            files: files.of_segment(&commit.name),
            commit: commit.clone(),
            info: None,
            entries: None,
            hard: None,
            fields: None,
            meta: None,
            head: None,
            index: None,
            soft: None,
        }
        .go_on()
    }
}

/// The ranges that a segment needs next.
#[derive(Debug)]
pub struct SegmentNeeds {
    gathered: Gathered,
    wants: Vec<Want>,
    slices: Vec<FileSlice>,
}

impl SegmentNeeds {
    /// The ranges, in the order in which `supply` takes their bytes.
    pub fn slices(&self) -> &[FileSlice] {
        &self.slices
    }

    /// Takes the bytes of all ranges and goes on.
    pub fn supply<B: AsRef<[u8]>>(self, answers: &[B]) -> Result<Opening, LuceneError> {
        let Self { mut gathered, wants, slices } = self;
        let mut answers = answers.iter().map(AsRef::as_ref);
        for (want, slice) in wants.into_iter().zip(slices) {
            let bytes = answers.next().unwrap_or_default();
            let given = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if given != slice.length {
                let (file, wanted) = (slice.name, slice.length);
                return Err(LuceneError::WrongAnswer { file, wanted, given });
            }
            gathered.take(want, &slice.name, bytes)?;
        }
        gathered.go_on()
    }
}

/// What a range is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Info,
    Entries,
    HardDeletes,
    Fields,
    Meta,
    /// After `Meta`, on which it depends.
    Head,
    /// After `Head`, on which it depends.
    Index,
    SoftDeletesEntry,
    /// The whole file.
    SoftDeletesFile,
    /// The range of the file that holds them.
    SoftDeletesRange,
}

/// What is known about a segment so far.
#[derive(Debug)]
struct Gathered {
    files: ShardFiles,
    commit: SegmentCommit,
    info: Option<SegmentInfo>,
    entries: Option<CompoundEntries>,
    hard: Option<HardDeletes>,
    fields: Option<FieldInfos>,
    meta: Option<StoredFieldsMeta>,
    head: Option<Head>,
    index: Option<ChunkIndex>,
    soft: Option<FieldEntry>,
}

impl Gathered {
    fn take(&mut self, want: Want, file: &str, bytes: &[u8]) -> Result<(), LuceneError> {
        let id = &self.commit.id;
        let max_doc = self.info.as_ref().map_or(0, |info| info.max_doc);
        match want {
            Want::Info => self.info = Some(SegmentInfo::parse(file, bytes, id)?),
            Want::Entries => {
                let length = self.files.whole(&self.name(".cfs"))?.length;
                self.entries = Some(CompoundEntries::parse(file, bytes, id, length)?);
            }
            Want::HardDeletes => {
                let generation = self.commit.deletion_generation.map(base36).unwrap_or_default();
                let deleted = self.commit.deleted;
                let parsed = HardDeletes::parse(file, bytes, id, &generation, max_doc, deleted)?;
                self.hard = Some(parsed);
            }
            Want::Fields => {
                let generation = self.commit.field_infos_generation.map(base36).unwrap_or_default();
                self.fields = Some(FieldInfos::parse(file, bytes, id, &generation)?);
            }
            Want::Meta => self.meta = Some(StoredFieldsMeta::parse(file, bytes, id, max_doc)?),
            Want::Head => self.head = Some(Head::parse(file, bytes, id, self.meta.as_ref())?),
            Want::Index => {
                if let Some(head) = &self.head {
                    let length = self.locate(".fdt")?.length;
                    let meta = self.meta.as_ref();
                    let indexed = Indexed { id, max_doc, head, meta, length };
                    self.index = Some(ChunkIndex::parse(file, bytes, indexed)?);
                }
            }
            Want::SoftDeletesEntry => {
                if let Some(fields) = &self.fields
                    && let Some(field) = fields.soft_deletes()
                {
                    self.soft = Some(FieldEntry::parse(file, bytes, id, fields, field.number)?);
                }
            }
            Want::SoftDeletesFile => {
                content(file, bytes)?;
                if let Some(FieldEntry::Range(range)) = &self.soft {
                    let bytes = range_of(bytes, range).unwrap_or_default();
                    self.soft = Some(FieldEntry::Known(range.decode(file, bytes, max_doc)?));
                }
            }
            Want::SoftDeletesRange => {
                if let Some(FieldEntry::Range(range)) = &self.soft {
                    self.soft = Some(FieldEntry::Known(range.decode(file, bytes, max_doc)?));
                }
            }
        }
        Ok(())
    }

    fn go_on(self) -> Result<Opening, LuceneError> {
        let Some(info) = &self.info else {
            return self.ask_first();
        };
        if info.packaging == Packaging::Compound && self.entries.is_none() {
            return Err(LuceneError::MissingFile { file: self.name(".cfe") });
        }
        self.check_documents(info)?;
        let Some(fields) = &self.fields else {
            return self.ask_fields();
        };
        let soft = match (fields.soft_deletes(), &self.soft) {
            (None, _) => None,
            (Some(field), None) => {
                let slice = self.locate_doc_values(field, "dvm")?;
                return Ok(self.ask(vec![(Want::SoftDeletesEntry, slice)]));
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
                let asked = if is_generation || file.length <= SMALL_DOC_VALUES {
                    (Want::SoftDeletesFile, file)
                } else {
                    (Want::SoftDeletesRange, slice)
                };
                return Ok(self.ask(vec![asked]));
            }
            (Some(_), Some(FieldEntry::Known(soft))) => Some(soft.clone()),
        };
        let info = info.clone();
        let wanted = WantedFields::new(fields);
        self.ready(info, wanted, soft)
    }

    fn ask_first(self) -> Result<Opening, LuceneError> {
        let mut asked = vec![(Want::Info, self.files.whole(&self.name(".si"))?)];
        if let Ok(slice) = self.files.whole(&self.name(".cfe")) {
            asked.push((Want::Entries, slice));
        }
        if let Some(generation) = self.commit.deletion_generation {
            let name = self.name(&format!("_{}.liv", base36(generation)));
            asked.push((Want::HardDeletes, self.files.whole(&name)?));
        }
        Ok(self.ask(asked))
    }

    fn ask_fields(self) -> Result<Opening, LuceneError> {
        let fields = match self.commit.field_infos_generation {
            Some(generation) => {
                self.files.whole(&self.name(&format!("_{}.fnm", base36(generation))))?
            }
            None => self.locate(".fnm")?,
        };
        let mut asked = vec![(Want::Fields, fields)];
        if let Ok(slice) = self.locate(".fdm") {
            asked.push((Want::Meta, slice));
        }
        let stored_fields = self.locate(".fdt")?;
        let head = stored_fields.length.min(HEAD_LENGTH);
        asked.extend(stored_fields.part(0, head).map(|slice| (Want::Head, slice)));
        asked.push((Want::Index, self.locate(".fdx")?));
        Ok(self.ask(asked))
    }

    fn ask(self, asked: Vec<(Want, FileSlice)>) -> Opening {
        let (wants, slices) = asked.into_iter().unzip();
        Opening::Needs(Box::new(SegmentNeeds { gathered: self, wants, slices }))
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
        let Self { commit, head, index, .. } = self;
        let Some((head, index)) = head.zip(index) else {
            return Err(LuceneError::MissingFile { file: stored_fields.name });
        };
        let file = stored_fields.name.as_str().into();
        let layout = Layout { file, length: stored_fields.length, max_doc, head, index };
        Ok(Opening::Ready(Box::new(Segment { commit, info, live, wanted, stored_fields, layout })))
    }

    /// Refuses a number of documents that the stored fields cannot hold, before it sizes anything.
    fn check_documents(&self, info: &SegmentInfo) -> Result<(), LuceneError> {
        let length = self.locate(".fdt")?.length;
        if u64::from(info.max_doc) <= length.saturating_mul(MOST_DOCUMENTS_A_BYTE) {
            return Ok(());
        }
        let value = info.max_doc.into();
        Err(self.malformed_info(Problem::OutOfRange { what: "the number of documents", value }))
    }

    fn malformed_info(&self, problem: Problem) -> LuceneError {
        LuceneError::Malformed { file: self.name(".si"), offset: 0, problem }
    }

    /// A file's name: the segment's, and what comes behind.
    fn name(&self, rest: &str) -> String {
        format!("{}{rest}", self.commit.name)
    }

    /// A file that was written with the segment, wherever it lies.
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

/// The bytes of a range of a file.
fn range_of<'a>(file: &'a [u8], range: &DocumentSetRange) -> Option<&'a [u8]> {
    let start = usize::try_from(range.offset).ok()?;
    let end = usize::try_from(range.offset.checked_add(range.length)?).ok()?;
    file.get(start..end)
}
