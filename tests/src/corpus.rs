//! The snapshot repositories of `tests/corpus/snapshots`, and what their servers returned.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::compare::{Documents, Key, in_one_spelling};

/// One repository of the corpus.
#[derive(Debug)]
pub struct Fixture {
    /// The name of its folder.
    pub name: String,
    /// The server that wrote it, such as `elasticsearch 7.10.2`.
    pub server: String,
    /// What it is a case of.
    pub case: String,
    /// Its snapshots, the oldest first.
    pub snapshots: Vec<FixtureSnapshot>,
    folder: PathBuf,
}

/// A snapshot of a fixture.
#[derive(Debug, Deserialize)]
pub struct FixtureSnapshot {
    /// Its name.
    pub snapshot: String,
    /// How it ended, as the server says it.
    pub state: String,
    /// Its indices, and how many documents each holds; none where no shard is in it.
    pub indices: BTreeMap<String, Option<u64>>,
}

/// `fixture.json`.
#[derive(Deserialize)]
struct About {
    server: String,
    case: String,
    snapshots: Vec<FixtureSnapshot>,
}

/// A line of the expected documents.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_parent")]
    parent: Option<String>,
    #[serde(rename = "_source", borrow)]
    source: Option<&'a RawValue>,
}

/// Fewer repositories than this are not the whole corpus: a loop over them would prove nothing.
const FEWEST: usize = 25;

/// All repositories of the corpus, by name.
pub fn fixtures() -> Result<Vec<Fixture>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/snapshots");
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(root)? {
        let folder = entry?.path();
        let about = fs::read(folder.join("fixture.json"))?;
        let About { server, case, snapshots } = serde_json::from_slice(&about)
            .with_context(|| format!("`{}` has no good `fixture.json`", folder.display()))?;
        let name = folder.file_name().context("a folder has a name")?.to_string_lossy();
        fixtures.push(Fixture { name: name.into_owned(), server, case, snapshots, folder });
    }
    ensure!(fixtures.len() >= FEWEST, "the corpus has only {} repositories", fixtures.len());
    fixtures.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(fixtures)
}

impl Fixture {
    /// The repository's folder.
    pub fn repository(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// The documents that an index held when a snapshot was taken. A child of Elasticsearch 5 has
    /// the id of its parent as its routing, for that is where it lives.
    pub fn documents(&self, snapshot: &str, index: &str) -> Result<Documents> {
        let file = self.folder.join("expected").join(snapshot).join(format!("{index}.ndjson.gz"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(fs::File::open(file)?).read_to_string(&mut text)?;
        text.lines()
            .map(|line| {
                let Line { id, routing, parent, source } = serde_json::from_str(line)?;
                let source = source.map(|source| in_one_spelling(source.get()));
                Ok((Key { id, routing: routing.or(parent) }, source.unwrap_or_default()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{fixtures, fs};

    #[test]
    fn every_fixture_is_listed_and_has_its_documents() {
        let list = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/README.md"));
        let list = list.unwrap();
        let mut documents_read = 0;
        for fixture in fixtures().unwrap() {
            let name = &fixture.name;
            assert!(list.contains(&format!("| {name} |")), "`{name}` is not in corpus/README.md");
            for snapshot in &fixture.snapshots {
                for (index, count) in &snapshot.indices {
                    let Some(count) = count else { continue };
                    let documents = fixture.documents(&snapshot.snapshot, index).unwrap();
                    assert_eq!(u64::try_from(documents.len()).unwrap(), *count, "{name} {index}");
                    documents_read += documents.len();
                }
            }
        }
        assert!(documents_read > 1_000, "{documents_read}");
    }
}
