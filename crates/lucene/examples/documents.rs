//! Prints the live documents of a folder of Lucene files, one JSON object a line.
//!
//! `cargo run -p lucene --example documents -- FOLDER`

use std::{
    collections::BTreeMap,
    error::Error,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use lucene::{Arena, DocumentClass, FileSlice, Opening, SegmentInfos, ShardFiles};
use serde_json::json;

/// The smallest number of bytes of stored fields to read with one request.
const MIN_RANGE_BYTES: u64 = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder of Lucene files")?;
    let folder = Path::new(&folder);
    let mut list = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        list.push((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()));
    }
    let files = ShardFiles::new(list);
    let commit_file = files.whole(files.segments_file()?)?;
    let infos = SegmentInfos::parse(&commit_file.name, &fetch(folder, &commit_file)?)?;
    let mut out = std::io::stdout().lock();
    let mut classes: BTreeMap<DocumentClass, u32> = BTreeMap::new();
    for commit in &infos.segments {
        let mut opening = Opening::start(&files, commit)?;
        let segment = loop {
            match opening {
                Opening::Ready(segment) => break segment,
                Opening::Needs(needs) => {
                    let answers: Result<Vec<_>, _> =
                        needs.slices().iter().map(|slice| fetch(folder, slice)).collect();
                    opening = needs.supply(&answers?)?;
                }
            }
        };
        let mut arena = Arena::default();
        let mut sum = segment.stored_fields_sum();
        for range in segment.chunk_ranges(MIN_RANGE_BYTES) {
            let length = range.bytes.end.saturating_sub(range.bytes.start);
            let slice = segment.stored_fields().part(range.bytes.start, length);
            let bytes =
                fetch(folder, &slice.ok_or("a range of chunks is beyond the end of the file")?)?;
            let mut decoder = segment.decoder(&range, &bytes)?;
            while let Some(chunk) = decoder.next_chunk(&mut arena)? {
                for document in chunk.documents() {
                    let fields = document.fields(&arena, segment.wanted())?;
                    let class = fields.class(segment.live_docs().liveness(document.number()));
                    let count = classes.entry(class).or_default();
                    *count = count.saturating_add(1);
                    if !matches!(class, DocumentClass::Document | DocumentClass::WithoutSource) {
                        continue;
                    }
                    let broken = |problem| document.broken(problem);
                    let mut id = String::new();
                    fields.push_id(&arena, &mut id).map_err(broken)?;
                    let source =
                        fields.source.map(|place| String::from_utf8_lossy(arena.get(place)));
                    let line = json!({
                        "id": id,
                        "kind": fields.kind(&arena).map_err(broken)?,
                        "routing": fields.routing(&arena).map_err(broken)?,
                        "parent": fields.parent(&arena).map_err(broken)?,
                        "source": source,
                    });
                    writeln!(out, "{line}")?;
                }
                arena.clear();
            }
            sum.join(&decoder.finish()?);
        }
        sum.finish()?;
    }
    writeln!(std::io::stderr(), "{classes:?}")?;
    Ok(())
}

fn fetch(folder: &Path, slice: &FileSlice) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut file = fs_err::File::open(folder.join(&slice.file))?;
    file.seek(SeekFrom::Start(slice.offset))?;
    let mut bytes = Vec::new();
    file.take(slice.length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
