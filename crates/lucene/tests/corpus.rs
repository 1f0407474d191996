//! Shards that real servers wrote, read back and compared with what the servers answered.
//!
//! `corpus/<name>/<shard>/` has the Lucene files, `corpus/<name>/expected.ndjson` the live
//! documents of all shards of that folder.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lucene::{
    Arena, DocumentClass, FileSlice, LuceneError, Opening, Segment, SegmentCommit, SegmentInfos,
    ShardFiles,
};
use proptest::prelude::{any, prop, proptest};
use serde_json::{Value, json};

/// A shard's files in memory.
struct Shard {
    contents: BTreeMap<String, Vec<u8>>,
    files: ShardFiles,
}

impl Shard {
    fn load(folder: &Path) -> Self {
        let contents: BTreeMap<String, Vec<u8>> = fs_err::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path
                    .file_name()
                    .expect("a file name")
                    .to_str()
                    .expect("a UTF-8 path")
                    .to_owned();
                (name, fs_err::read(path).expect("a readable file"))
            })
            .collect();
        let files = contents.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64));
        let files = ShardFiles::new(files);
        Self { contents, files }
    }

    fn bytes(&self, slice: &FileSlice) -> &[u8] {
        let start = usize::try_from(slice.offset).expect("in range");
        let end = start + usize::try_from(slice.length).expect("in range");
        &self.contents[&slice.file][start..end]
    }

    fn commits(&self) -> Result<Vec<SegmentCommit>, LuceneError> {
        let file = self.files.whole(self.files.segments_file()?)?;
        Ok(SegmentInfos::parse(&file.name, self.bytes(&file))?.segments)
    }

    fn open(&self, commit: &SegmentCommit) -> Result<Segment, LuceneError> {
        let mut opening = Opening::start(&self.files, commit)?;
        loop {
            match opening {
                Opening::Ready(segment) => return Ok(*segment),
                Opening::Needs(needs) => {
                    let answers: Vec<&[u8]> =
                        needs.slices().iter().map(|slice| self.bytes(slice)).collect();
                    opening = needs.supply(&answers)?;
                }
            }
        }
    }

    /// The live documents of all segments.
    fn documents(&self, least: u64) -> Result<Vec<Value>, LuceneError> {
        let mut documents = Vec::new();
        for commit in self.commits()? {
            let segment = self.open(&commit)?;
            let stored_fields = self.bytes(segment.stored_fields());
            documents.extend(read(&segment, stored_fields, least, 0)?.1);
        }
        Ok(documents)
    }
}

/// All document numbers that were given out, and the live documents among them, from the range of chunks
/// that holds the document `from` on.
fn read(
    segment: &Segment,
    stored_fields: &[u8],
    least: u64,
    from: u32,
) -> Result<(Vec<u32>, Vec<Value>), LuceneError> {
    let (mut numbers, mut documents) = (Vec::new(), Vec::new());
    let mut sum = segment.stored_fields_sum();
    let mut whole = true;
    for range in segment.chunk_ranges(least) {
        if range.documents.end <= from {
            whole = false;
            continue;
        }
        let bounds = [range.bytes.start, range.bytes.end];
        let [start, end] = bounds.map(|bound| usize::try_from(bound).expect("in range"));
        let bytes = stored_fields.get(start..end).unwrap_or_default();
        let mut arena = Arena::default();
        let mut decoder = segment.decoder(&range, bytes)?;
        while let Some(chunk) = decoder.next_chunk(&mut arena)? {
            for document in chunk.documents() {
                numbers.push(document.number());
                let fields = document.fields(&arena, segment.wanted())?;
                let class = fields.class(segment.live_docs().liveness(document.number()));
                if !matches!(class, DocumentClass::Document | DocumentClass::WithoutSource) {
                    continue;
                }
                let broken = |problem| document.broken(problem);
                let mut id = String::new();
                let named = fields.push_id(&arena, &mut id).map_err(broken)?;
                assert!(named, "only nested documents have no identity");
                let kind = fields.kind(&arena).map_err(broken)?;
                let routing = fields.routing(&arena).map_err(broken)?;
                let source = fields.source.map(|place| arena.get(place));
                let source: Option<Value> =
                    source.and_then(|source| serde_json::from_slice(source).ok());
                documents
                    .push(json!({ "id": id, "kind": kind, "routing": routing, "source": source }));
            }
        }
        sum.join(&decoder.finish()?);
    }
    let sum = sum.finish()?;
    assert_eq!(sum.is_some(), whole, "what was read whole has a sum");
    Ok((numbers, documents))
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs_err::read_dir(parent)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn corpus() -> Vec<PathBuf> {
    folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
}

fn sorted(documents: &[Value]) -> Vec<String> {
    let mut lines: Vec<String> = documents.iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn every_shard_gives_the_documents_that_the_server_gave() {
    let corpus = corpus();
    assert!(corpus.len() >= 12, "the corpus is not whole");
    for folder in corpus {
        let expected =
            fs_err::read_to_string(folder.join("expected.ndjson")).expect("a readable file");
        let expected: Vec<Value> =
            expected.lines().map(|line| serde_json::from_str(line).expect("valid JSON")).collect();
        let expected = sorted(&expected);
        for least in [1, 5000, u64::MAX] {
            let found: Vec<Value> = folders(&folder)
                .iter()
                .flat_map(|shard| {
                    Shard::load(shard)
                        .documents(least)
                        .unwrap_or_else(|error| panic!("{}: {error}", shard.display()))
                })
                .collect();
            assert_eq!(sorted(&found), expected, "{}", folder.display());
        }
    }
}

/// The table of formats in the README names what proves them: shards here, and repositories of the
/// workspace.
#[test]
fn every_fixture_that_the_table_names_is_there_and_every_shard_here_is_named() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs_err::read_to_string(home.join("README.md")).expect("a readable file");
    let names = |start: &'static str| -> Vec<&str> {
        let words = table.split('`').filter_map(|word| word.strip_prefix(start));
        words.filter(|name| !name.is_empty()).collect()
    };
    for name in names("s/") {
        assert!(home.join("../../tests/corpus/snapshots").join(name).is_dir(), "`s/{name}`");
    }
    let (rows, mut there) = (names("c/"), Vec::new());
    for folder in corpus() {
        let name =
            folder.file_name().expect("a file name").to_str().expect("a UTF-8 path").to_owned();
        assert!(rows.contains(&name.as_str()), "`c/{name}` is in no row");
        there.push(name);
    }
    for name in rows {
        assert!(there.iter().any(|folder| folder == name), "`c/{name}`");
    }
}

#[test]
fn chunk_ranges_before_a_document_can_be_left_out() {
    let mut most = 0;
    for folder in corpus() {
        let shard = Shard::load(&folder.join("0"));
        for commit in shard.commits().expect("a commit") {
            let segment = shard.open(&commit).expect("an open segment");
            most = most.max(segment.chunk_ranges(1).count());
            let stored_fields = shard.bytes(segment.stored_fields());
            let (all, _) = read(&segment, stored_fields, 1, 0).expect("all documents");
            assert_eq!(all, (0..segment.max_doc()).collect::<Vec<_>>());
            for from in [1, segment.max_doc() / 2, segment.max_doc()] {
                let (rest, _) = read(&segment, stored_fields, 1, from).expect("all documents");
                let first = rest.first().map_or_else(|| segment.max_doc(), |first| *first);
                assert!(first <= from, "document {from} itself was left out");
                assert_eq!(rest, all[usize::try_from(first).expect("in range")..]);
            }
        }
    }
    assert!(most > 2, "some segment has several chunks");
}

#[test]
fn live_documents_and_deletes_add_up() {
    let (mut hard, mut soft) = (0, 0);
    for folder in corpus() {
        for shard in folders(&folder) {
            let shard = Shard::load(&shard);
            for commit in shard.commits().expect("a commit") {
                let segment = shard.open(&commit).expect("an open segment");
                let live = segment.live_docs();
                assert_eq!(live.live() + live.deleted(), segment.max_doc());
                assert_eq!(live.deleted(), commit.deleted + live.soft_deleted());
                hard += commit.deleted;
                soft += live.soft_deleted();
            }
        }
    }
    assert!(hard > 0 && soft > 0, "the corpus has deletes of both kinds");
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(400))]

    #[test]
    fn altered_stored_fields_are_an_error_and_never_a_panic(
        folder in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        change in 1..=255_u8,
        least in 1..5000_u64,
    ) {
        let corpus = corpus();
        let shard = Shard::load(&folder.get(&corpus).join("0"));
        for commit in shard.commits().expect("a commit") {
            let segment = shard.open(&commit).expect("an open segment");
            let mut bytes = shard.bytes(segment.stored_fields()).to_vec();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            assert!(read(&segment, &bytes, least, 0).is_err(), "byte {place} went unnoticed");
        }
    }

    #[test]
    fn stored_fields_that_end_early_are_an_error(
        folder in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        let corpus = corpus();
        let shard = Shard::load(&folder.get(&corpus).join("0"));
        for commit in shard.commits().expect("a commit") {
            let segment = shard.open(&commit).expect("an open segment");
            let bytes = shard.bytes(segment.stored_fields());
            let cut = &bytes[..place.index(bytes.len())];
            assert!(read(&segment, cut, 512, 0).is_err());
        }
    }
}
