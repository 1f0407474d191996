//! Lucene files: a real segment is opened and read, with one of its files replaced.

use std::{collections::BTreeMap, sync::LazyLock};

use anyhow::{Context as _, Result};
use fs_err as fs;
use lucene::{Arena, FileSlice, LuceneError, Opening, SegmentCommit, SegmentInfos, ShardFiles};

use crate::input::{checkout, with_checksum};

/// The smallest range of chunks: small, so that there are several.
const MIN_RANGE_BYTES: u64 = 2_000;

/// A shard's files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// All shards of the corpus of `lucene`.
static SHARDS: LazyLock<Vec<Files>> =
    LazyLock::new(|| shards().expect("the corpus beside this folder can be read"));

/// A place in a segment for a file of some kind.
#[derive(Clone)]
struct Place {
    shard: usize,
    /// The segment of its commit; none for the commit itself.
    segment: Option<SegmentCommit>,
    slice: FileSlice,
}

/// The places for each kind of file.
static PLACES: LazyLock<BTreeMap<&'static str, Vec<Place>>> = LazyLock::new(places);

/// Returns the real files of a kind.
pub(crate) fn files(ending: &'static str) -> Vec<(u8, Vec<u8>)> {
    let places = PLACES.get(ending).map(Vec::as_slice).unwrap_or_default();
    let files = places.iter().map(|place| fetch(&SHARDS[place.shard], &place.slice));
    (0..=u8::MAX).zip(files).collect()
}

/// Decodes a segment in which a file of this kind is replaced by these bytes.
pub(crate) fn run(ending: &'static str, choice: u8, bytes: &[u8]) {
    let Some(places) = PLACES.get(ending).filter(|places| !places.is_empty()) else { return };
    let place = &places[usize::from(choice) % places.len()];
    let files = &SHARDS[place.shard];
    let mut bytes = bytes.to_vec();
    if place.segment.is_some() {
        // The file keeps its length, which other files contain.
        bytes.resize(usize::try_from(place.slice.length).unwrap_or(0), 0);
    }
    with_checksum(&mut bytes);
    match &place.segment {
        None => drop(SegmentInfos::parse(&place.slice.name, &bytes)),
        // Any error is fine: it says what is wrong with the bytes.
        Some(commit) => drop(read(files, commit, |slice| {
            if slice.name != place.slice.name {
                return fetch(files, slice);
            }
            let start = usize::try_from(slice.offset.saturating_sub(place.slice.offset));
            let rest = bytes.get(start.unwrap_or(usize::MAX)..).unwrap_or_default();
            let length = usize::try_from(slice.length).unwrap_or(usize::MAX).min(rest.len());
            rest.get(..length).unwrap_or_default().to_vec()
        })),
    }
}

/// Reads a segment to its end.
fn read(
    files: &Files,
    commit: &SegmentCommit,
    mut fetch: impl FnMut(&FileSlice) -> Vec<u8>,
) -> Result<(), LuceneError> {
    let list = list(files);
    let mut opening = Opening::start(&list, commit)?;
    let segment = loop {
        match opening {
            Opening::Ready(segment) => break segment,
            Opening::Needs(needs) => {
                let answers: Vec<Vec<u8>> = needs.slices().iter().map(&mut fetch).collect();
                opening = needs.supply(&answers)?;
            }
        }
    };
    let whole = fetch(segment.stored_fields());
    let mut arena = Arena::default();
    let mut sum = segment.stored_fields_sum();
    let mut documents = 0;
    for range in segment.chunk_ranges(MIN_RANGE_BYTES) {
        let bounds =
            usize::try_from(range.bytes.start).ok().zip(usize::try_from(range.bytes.end).ok());
        let bytes = bounds.and_then(|(start, end)| whole.get(start..end)).unwrap_or_default();
        let mut decoder = segment.decoder(&range, bytes)?;
        while let Some(chunk) = decoder.next_chunk(&mut arena)? {
            for document in chunk.documents() {
                let fields = document.fields(&arena, segment.wanted())?;
                drop(fields.push_id(&arena, &mut String::new()));
                documents += 1;
            }
            arena.clear();
        }
        sum.join(&decoder.finish()?);
    }
    assert!(sum.finish()?.is_some(), "not all bytes were read");
    assert_eq!(documents, segment.max_doc(), "documents are missing");
    Ok(())
}

fn list(files: &Files) -> ShardFiles {
    let length = |bytes: &Vec<u8>| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    ShardFiles::new(files.iter().map(|(name, bytes)| (name.clone(), length(bytes))))
}

fn fetch(files: &Files, slice: &FileSlice) -> Vec<u8> {
    let range = usize::try_from(slice.offset).ok().zip(usize::try_from(slice.length).ok());
    range
        .and_then(|(start, length)| files.get(&slice.file)?.get(start..start.checked_add(length)?))
        .unwrap_or_default()
        .to_vec()
}

fn shards() -> Result<Vec<Files>> {
    let mut shards = Vec::new();
    for fixture in sorted(&checkout().join("crates/lucene/tests/corpus"))? {
        for shard in sorted(&fixture)?.into_iter().filter(|path| path.is_dir()) {
            let mut files = Files::new();
            for file in sorted(&shard)? {
                let name = file.file_name().context("a file has a name")?.to_string_lossy();
                files.insert(name.into_owned(), fs::read(&file)?);
            }
            shards.push(files);
        }
    }
    Ok(shards)
}

fn sorted(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Reads every segment unchanged and records which files it needs.
fn places() -> BTreeMap<&'static str, Vec<Place>> {
    const ENDINGS: &[&str] =
        &[".si", ".cfe", ".fnm", ".liv", ".fdm", ".fdx", ".dvm", ".dvd", ".fdt"];
    let mut places: BTreeMap<&'static str, Vec<Place>> = BTreeMap::new();
    for (shard, files) in SHARDS.iter().enumerate() {
        let list = list(files);
        let Ok(slice) = list.segments_file().and_then(|name| list.whole(name)) else { continue };
        let Ok(commit) = SegmentInfos::parse(&slice.name, &fetch(files, &slice)) else { continue };
        places.entry("segments").or_default().push(Place { shard, segment: None, slice });
        for segment in commit.segments {
            let mut asked = Vec::new();
            let whole = read(files, &segment, |slice| {
                asked.push(slice.clone());
                fetch(files, slice)
            });
            assert!(whole.is_ok(), "a real segment cannot be read: {whole:?}");
            // If a file is read in parts, the last part is the whole file.
            let asked: BTreeMap<String, FileSlice> =
                asked.into_iter().map(|slice| (slice.name.clone(), slice)).collect();
            for slice in asked.into_values() {
                if let Some(ending) = ENDINGS.iter().find(|ending| slice.name.ends_with(**ending)) {
                    let segment = Some(segment.clone());
                    places.entry(ending).or_default().push(Place { shard, segment, slice });
                }
            }
        }
    }
    places
}
