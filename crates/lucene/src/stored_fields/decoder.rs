//! Turns the bytes of a `.fdt` file, pushed in any portions, into chunks.
//!
//! ```text
//!            push                        next_chunk
//! bytes ──────────> window ──> Header ──> Head <──> Body ──> Trailer ──> End ──> finish
//!          │                              (of a chunk)
//!          └──> running CRC32, footer
//! ```
//!
//! A step that finds the window too short says how many bytes it misses and is not tried again
//! before they are there, so that small portions cost no second decoding.

use super::chunk::Chunk;
use super::chunk_header::{ChunkHeader, Runs};
use super::format::{ChunkSizePlace, Format};
use super::meta::{StoredFieldsMeta, read_chunk_size};
use crate::bytes::Cursor;
use crate::codec_header::{FOOTER_LENGTH, Header, ObjectId, check_footer};
use crate::compress::{Decompressor, Run, SLACK};
use crate::error::{LuceneError, Problem};

/// Consumed bytes are dropped from the window when they are more than this and than the rest.
const COMPACT_FROM: usize = 1 << 16;

/// What a complete pass over a `.fdt` file proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedRead {
    /// How many documents the file holds; it is what the segment promised.
    pub documents: u32,
    /// The CRC32 of the file, which equals the one in its footer.
    pub checksum: u32,
}

/// A pass over the stored fields of a segment.
#[derive(Debug)]
pub struct StoredFieldsDecoder {
    file: String,
    length: u64,
    id: ObjectId,
    max_doc: u32,
    meta: Option<StoredFieldsMeta>,
    skip_until: u32,

    hasher: crc32fast::Hasher,
    pushed: u64,
    footer: Vec<u8>,
    /// Content that was pushed; what lies before `start` is used up.
    window: Vec<u8>,
    start: usize,
    /// Where `window[start]` stands in the file.
    offset: u64,
    /// No step is tried before the window has this many unused bytes.
    needed: usize,
    state: State,
    spare: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Header,
    Head(File, u32),
    Body(File, Body),
    Trailer(File),
    End,
    /// A step failed, so nothing more can be said about the file.
    Failed,
}

#[derive(Debug)]
struct File {
    format: Format,
    chunk_size: usize,
    decompressor: Decompressor,
}

#[derive(Debug)]
struct Body {
    chunk: Chunk,
    run: Run,
    treatment: Treatment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Decode,
    Skip,
}

/// What a step on the window leads to.
enum Step {
    Next(State),
    Chunk(Chunk, State),
}

impl StoredFieldsDecoder {
    /// Starts a pass from the first byte of a file of `length` bytes.
    pub(crate) fn new(
        file: String,
        length: u64,
        id: ObjectId,
        max_doc: u32,
        meta: Option<StoredFieldsMeta>,
    ) -> Self {
        Self {
            file,
            length,
            id,
            max_doc,
            meta,
            skip_until: 0,
            hasher: crc32fast::Hasher::new(),
            pushed: 0,
            footer: Vec::new(),
            window: Vec::new(),
            start: 0,
            offset: 0,
            needed: 1,
            state: State::Header,
            spare: Vec::new(),
        }
    }

    /// Leaves out chunks that lie wholly before the document; call it before the first chunk.
    ///
    /// Such chunks are not decompressed where their compressed length is stored.
    pub fn skip_until(&mut self, document: u32) {
        self.skip_until = document;
    }

    /// How many bytes of the file were not pushed yet.
    pub fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.pushed)
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), LuceneError> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let remaining = self.remaining();
        if count > remaining {
            let file = self.file.clone();
            return Err(LuceneError::WrongAnswer { file, wanted: remaining, given: count });
        }
        let until_footer = self.content_length().saturating_sub(self.pushed);
        let until_footer = usize::try_from(until_footer).unwrap_or(usize::MAX);
        let (content, footer) = bytes.split_at_checked(until_footer).unwrap_or((bytes, &[]));
        self.hasher.update(content);
        self.footer.extend_from_slice(footer);
        let used = self.start;
        if used >= COMPACT_FROM && used >= self.available() {
            self.window.drain(..used);
            self.start = 0;
        }
        self.window.extend_from_slice(content);
        self.pushed = self.pushed.saturating_add(count);
        Ok(())
    }

    /// The next chunk; none when more bytes are needed, or when the last chunk was given.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, LuceneError> {
        loop {
            let complete = self.pushed >= self.content_length();
            if matches!(self.state, State::End | State::Failed)
                || (!complete && self.available() < self.needed)
            {
                return Ok(None);
            }
            let window = self.window.get(self.start..).unwrap_or_default();
            let mut cursor = Cursor::at(&self.file, window, self.offset);
            // Used bytes that a failed step may claim: whole LZ4 sequences. Other steps start over.
            let mut state = std::mem::replace(&mut self.state, State::Failed);
            let stepped = match &mut state {
                State::Header => {
                    read_header(&mut cursor, &self.id, self.meta.as_ref()).map(|file| {
                        let next = if self.max_doc == 0 {
                            State::Trailer(file)
                        } else {
                            State::Head(file, 0)
                        };
                        (Step::Next(next), cursor.position())
                    })
                }
                _ => step(
                    &mut cursor,
                    &mut state,
                    &mut self.spare,
                    Limits {
                        max_doc: self.max_doc,
                        skip_until: self.skip_until,
                        content_length: self.length.saturating_sub(16),
                        chunks_end: self.meta.as_ref().map(|meta| meta.chunks_end),
                        offset: self.offset,
                    },
                )
                .map(|step| (step, cursor.position())),
            };
            match stepped {
                Ok((step, used)) => {
                    self.advance(used);
                    self.needed = 1;
                    match step {
                        Step::Next(state) => self.state = state,
                        Step::Chunk(chunk, state) => {
                            self.state = state;
                            return Ok(Some(chunk));
                        }
                    }
                }
                Err(error) => {
                    let missing = missing_bytes(&error).filter(|_| !complete);
                    let Some(missing) = missing else { return Err(error) };
                    let used = if matches!(state, State::Body(..)) { cursor.position() } else { 0 };
                    self.advance(used);
                    self.state = state;
                    self.needed = self.available().saturating_add(missing);
                    return Ok(None);
                }
            }
        }
    }

    /// Gives the buffers of a chunk back, to be used for the next one.
    pub fn recycle(&mut self, chunk: Chunk) {
        self.spare = chunk.data;
    }

    /// Ends the pass: the file must have been pushed whole and all its chunks taken.
    pub fn finish(self) -> Result<FinishedRead, LuceneError> {
        let place = Cursor::at(&self.file, &[], self.offset);
        if !matches!(self.state, State::End) || self.remaining() > 0 {
            let unread = self.length.saturating_sub(self.offset);
            return Err(place.error(Problem::UnexpectedEnd { wanted: unread }));
        }
        let Some(footer) = self.footer.first_chunk::<FOOTER_LENGTH>() else {
            return Err(place.error(Problem::FooterMagic));
        };
        let offset = self.length.saturating_sub(16);
        let checksum = check_footer(&self.file, offset, footer, self.hasher)?;
        Ok(FinishedRead { documents: self.max_doc, checksum })
    }

    fn content_length(&self) -> u64 {
        self.length.saturating_sub(16)
    }

    fn available(&self) -> usize {
        self.window.len().saturating_sub(self.start)
    }

    fn advance(&mut self, used: usize) {
        self.start = self.start.saturating_add(used);
        self.offset = self.offset.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
        if self.start >= self.window.len() {
            self.window.clear();
            self.start = 0;
        }
    }
}

/// How many bytes a step misses, if that is what it failed for.
fn missing_bytes(error: &LuceneError) -> Option<usize> {
    match error {
        LuceneError::Malformed { problem: Problem::UnexpectedEnd { wanted }, .. } => {
            Some(usize::try_from(*wanted).unwrap_or(usize::MAX).max(1))
        }
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Limits {
    max_doc: u32,
    skip_until: u32,
    content_length: u64,
    chunks_end: Option<u64>,
    offset: u64,
}

fn read_header(
    cursor: &mut Cursor<'_>,
    id: &ObjectId,
    meta: Option<&StoredFieldsMeta>,
) -> Result<File, LuceneError> {
    let file = cursor.file();
    let header = Header::read(cursor)?;
    let format = Format::recognise(file, &header)?;
    header.require_id(file, Some(id))?;
    let chunk_size = match format.chunk_size {
        ChunkSizePlace::Data => {
            let size = read_chunk_size(cursor)?;
            cursor.vint()?;
            size
        }
        ChunkSizePlace::Meta => {
            let size = meta.and_then(|meta| meta.chunk_size);
            let name = file.strip_suffix(".fdt").unwrap_or(file);
            size.ok_or_else(|| LuceneError::MissingFile { file: format!("{name}.fdm") })?
        }
    };
    let decompressor = Decompressor::new(format.compression);
    Ok(File { format, chunk_size, decompressor })
}

/// Does one step; on success the state was moved out of, on failure it stands for a new try.
fn step(
    cursor: &mut Cursor<'_>,
    state: &mut State,
    spare: &mut Vec<u8>,
    limits: Limits,
) -> Result<Step, LuceneError> {
    match state {
        State::Header | State::End | State::Failed => Ok(Step::Next(State::Failed)),
        State::Head(file, expected) => {
            let remaining = limits.content_length.saturating_sub(limits.offset);
            let header =
                ChunkHeader::read(cursor, file.format, *expected, limits.max_doc, remaining)?;
            let end = header.first.saturating_add(header.documents);
            let treatment =
                if end <= limits.skip_until { Treatment::Skip } else { Treatment::Decode };
            let run_end = first_run_end(&header, file.chunk_size, 0);
            let chunk = Chunk {
                file: cursor.file().to_owned(),
                offset: limits.offset,
                header,
                data: std::mem::take(spare),
            };
            let run = Run { place: 0..run_end, written: 0 };
            let State::Head(file, _) = std::mem::replace(state, State::Failed) else {
                return Ok(Step::Next(State::Failed));
            };
            Ok(Step::Next(State::Body(file, Body { chunk, run, treatment })))
        }
        State::Body(file, body) => {
            let room = body.run.place.end.saturating_add(SLACK);
            if body.chunk.data.len() < room {
                body.chunk.data.resize(room, 0);
            }
            let decompressor = &mut file.decompressor;
            match body.treatment {
                Treatment::Decode => {
                    decompressor.decode(cursor, &mut body.chunk.data, &mut body.run)?;
                }
                Treatment::Skip => {
                    decompressor.skip(cursor, &mut body.chunk.data, &mut body.run)?;
                }
            }
            let State::Body(file, body) = std::mem::replace(state, State::Failed) else {
                return Ok(Step::Next(State::Failed));
            };
            Ok(end_run(file, body, limits.max_doc))
        }
        State::Trailer(file) => {
            if limits.chunks_end.is_some_and(|end| end != limits.offset) {
                return Err(cursor.error(Problem::CountMismatch {
                    what: "end of the chunks",
                    found: limits.offset,
                    expected: limits.chunks_end.unwrap_or_default(),
                }));
            }
            if file.format.chunk_size == ChunkSizePlace::Data {
                cursor.vlong()?;
                cursor.vlong()?;
            }
            let position = u64::try_from(cursor.position()).unwrap_or(u64::MAX);
            let here = limits.offset.saturating_add(position);
            match limits.content_length.saturating_sub(here) {
                0 => Ok(Step::Next(State::End)),
                count => Err(cursor.error(Problem::TrailingBytes { count })),
            }
        }
    }
}

/// Where the run ends that begins at `start`.
fn first_run_end(header: &ChunkHeader, chunk_size: usize, start: usize) -> usize {
    match header.runs {
        Runs::One => header.length,
        Runs::Sliced => start.saturating_add(chunk_size).min(header.length),
    }
}

/// Goes on to the chunk's next run, the next chunk, or the end.
fn end_run(file: File, mut body: Body, max_doc: u32) -> Step {
    let start = body.run.place.end;
    if start < body.chunk.header.length {
        let end = first_run_end(&body.chunk.header, file.chunk_size, start);
        body.run = Run { place: start..end, written: start };
        return Step::Next(State::Body(file, body));
    }
    let Body { chunk, run: _, treatment } = body;
    let next = chunk.header.first.saturating_add(chunk.header.documents);
    let state = if next < max_doc { State::Head(file, next) } else { State::Trailer(file) };
    match treatment {
        Treatment::Decode => Step::Chunk(chunk, state),
        Treatment::Skip => Step::Next(state),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{FinishedRead, StoredFieldsDecoder};
    use crate::LuceneError;
    use crate::codec_header::writing;

    /// A file of the oldest layout: one chunk for each document length list, nothing compressed.
    fn file(chunks: &[Vec<u8>], chunk_size: u8) -> (Vec<u8>, u32) {
        let mut bytes = vec![chunk_size, 2];
        let mut first = 0_u8;
        for lengths in chunks {
            let total: usize = lengths.iter().map(|length| usize::from(*length)).sum();
            let sliced = total >= 2 * usize::from(chunk_size);
            let count = u8::try_from(lengths.len()).unwrap();
            bytes.extend([first, count << 1 | u8::from(sliced)]);
            if count == 1 {
                bytes.extend([0, lengths[0]]);
            } else {
                bytes.extend([0, 0, 8]);
                bytes.extend(lengths);
            }
            let text = vec![first; total];
            let run = if sliced { usize::from(chunk_size) } else { total.max(1) };
            let runs: Vec<&[u8]> = if total == 0 { vec![&[]] } else { text.chunks(run).collect() };
            for run in runs {
                bytes.push(u8::try_from(run.len().min(15) << 4).unwrap());
                if let Some(rest) = run.len().checked_sub(15) {
                    bytes.extend(std::iter::repeat_n(255, rest / 255));
                    bytes.push(u8::try_from(rest % 255).unwrap());
                }
                bytes.extend(run);
            }
            first += count;
        }
        bytes.extend([3, 1]);
        (writing::file("Lucene50StoredFieldsFastData", 1, "", &bytes), first.into())
    }

    type Found = Vec<(u32, Vec<u8>)>;

    fn read(
        bytes: &[u8],
        max_doc: u32,
        portion: usize,
    ) -> Result<(Found, FinishedRead), LuceneError> {
        let length = u64::try_from(bytes.len()).unwrap();
        let name = "_0.fdt".to_owned();
        let mut decoder = StoredFieldsDecoder::new(name, length, writing::ID, max_doc, None);
        let mut found = Vec::new();
        for part in bytes.chunks(portion) {
            decoder.push(part)?;
            while let Some(chunk) = decoder.next_chunk()? {
                let data = chunk.data[..chunk.byte_count()].to_vec();
                found.push((chunk.first_document(), data));
                decoder.recycle(chunk);
            }
        }
        decoder.finish().map(|finished| (found, finished))
    }

    proptest! {
        #[test]
        fn chunks_come_back_whole_and_sliced_in_portions_of_any_size(
            chunks in prop::collection::vec(prop::collection::vec(0..90_u8, 1..8), 1..12),
            chunk_size in 16..100_u8,
            portion in 1..300_usize,
        ) {
            let (bytes, max_doc) = file(&chunks, chunk_size);
            let (found, finished) = read(&bytes, max_doc, portion).unwrap();
            assert_eq!(finished.documents, max_doc);
            let mut first = 0_u8;
            let expected: Found = chunks
                .iter()
                .map(|lengths| {
                    let total = lengths.iter().map(|length| usize::from(*length)).sum();
                    let chunk = (first.into(), vec![first; total]);
                    first += u8::try_from(lengths.len()).unwrap();
                    chunk
                })
                .collect();
            assert_eq!(found, expected);
        }

        #[test]
        fn random_content_behind_a_good_header_never_panics(
            junk in any::<Vec<u8>>(),
            max_doc in 1..1000_u32,
            portion in 1..50_usize,
        ) {
            let bytes = writing::file("Lucene50StoredFieldsHighData", 1, "", &junk);
            drop(read(&bytes, max_doc, portion));
        }
    }

    #[test]
    fn fewer_or_more_documents_than_promised_are_an_error() {
        let (bytes, max_doc) = file(&[vec![3, 4], vec![5]], 50);
        assert!(read(&bytes, max_doc, 64).is_ok());
        assert!(read(&bytes, max_doc + 1, 64).is_err());
        assert!(read(&bytes, max_doc - 1, 64).is_err());
    }

    #[test]
    fn a_pass_that_failed_once_cannot_be_finished() {
        let (bytes, max_doc) = file(&[vec![3, 4], vec![5]], 50);
        let length = u64::try_from(bytes.len()).unwrap();
        let name = "_0.fdt".to_owned();
        let mut decoder = StoredFieldsDecoder::new(name, length, writing::ID, max_doc - 1, None);
        decoder.push(&bytes).unwrap();
        while let Ok(Some(_)) = decoder.next_chunk() {}
        assert_eq!(decoder.next_chunk().unwrap(), None);
        assert!(decoder.finish().is_err());
    }

    #[test]
    fn an_unknown_format_is_named() {
        let bytes = writing::file("QatStoredFieldsZstd", 0, "", &[]);
        assert_eq!(
            read(&bytes, 1, 64).unwrap_err().to_string(),
            "not supported: header `QatStoredFieldsZstd` in file `_0.fdt`"
        );
    }
}
