//! Reads every document of an index from the snapshot again and looks for it on the target.

use anyhow::Context as _;
use cluster::{Client, Repeat, Request, path};
use coordination::{faults, resolve::Opened};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use snapshot_repo::{DocumentRef, Position, source};

use crate::comparison::{Side, difference};

/// Documents asked for in one request, and about how many bytes they may have.
const AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;

/// Differences that a message shows.
const SHOWN: usize = 10;

/// How closely documents are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// A document of this id is there.
    Presence,
    /// Its routing and its source are those of the snapshot.
    Content,
}

/// What the comparison of an index found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Documents that are as they should be, as far as was looked.
    pub(crate) equal: u64,
    missing: u64,
    pub(crate) different: u64,
    examples: Vec<String>,
}

impl Compared {
    /// Returns what does not hold, given how many documents the target refused.
    pub(crate) fn differences(&self, rejected: u64) -> Vec<String> {
        let mut problems = Vec::new();
        if self.different > 0 {
            problems.push(format!(
                "{} documents differ: {}",
                self.different,
                self.examples.join("; ")
            ));
        }
        if self.missing > rejected {
            problems.push(format!(
                "{} documents of the snapshot are not on the target, and {rejected} were refused: {}",
                self.missing,
                self.examples.join("; ")
            ));
        }
        problems
    }

    fn note(&mut self, id: &str, difference: &str) {
        if self.examples.len() < SHOWN {
            self.examples.push(format!("document `{id}`: {difference}"));
        }
    }
}

/// Compares all documents of an index.
pub(crate) async fn compare(
    client: &Client,
    opened: &Opened,
    index: &str,
    depth: Depth,
) -> anyhow::Result<Compared> {
    let mut compared = Compared::default();
    let found = opened
        .snapshot
        .index(index)
        .with_context(|| format!("the snapshot holds no index `{index}`"))?;
    let metadata = opened
        .repository
        .index_metadata(&opened.snapshot, found)
        .await
        .map_err(faults::of_repository)?;
    for shard in 0..metadata.number_of_shards {
        let files = opened
            .repository
            .shard_files(&opened.snapshot, found, shard)
            .await
            .map_err(faults::of_repository)?;
        let mut documents = opened.repository.documents(files, Position::START);
        while let Some(batch) = documents.next().await.map_err(faults::of_repository)? {
            let batch: Vec<DocumentRef<'_>> = batch.documents().collect();
            let mut rest = batch.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(portion(rest));
                compare_some(client, index, depth, now, &mut compared).await?;
                rest = later;
            }
        }
    }
    Ok(compared)
}

/// How many of the documents go into one request: at least one.
fn portion(documents: &[DocumentRef<'_>]) -> usize {
    let mut bytes = 0;
    documents
        .iter()
        .take(AT_ONCE)
        .take_while(|document| {
            let before = bytes;
            bytes += document.source.map_or(0, <[u8]>::len);
            before < BYTES_AT_ONCE
        })
        .count()
        .max(1)
}

#[derive(Deserialize)]
struct Answer {
    docs: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    found: bool,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_source")]
    source: Option<Box<RawValue>>,
    error: Option<Value>,
}

async fn compare_some(
    client: &Client,
    index: &str,
    depth: Depth,
    documents: &[DocumentRef<'_>],
    compared: &mut Compared,
) -> anyhow::Result<()> {
    let asked: Vec<Value> = documents
        .iter()
        .map(|document| match document.routing.or(document.parent) {
            Some(routing) => json!({ "_id": document.id, "routing": routing }),
            None => json!({ "_id": document.id }),
        })
        .collect();
    let request =
        Request::post(path(&[index, "_mget"])).json(json!({ "docs": asked })).repeat(Repeat::Safe);
    let request = match depth {
        Depth::Presence => request.query("_source", "false"),
        Depth::Content => request,
    };
    let answer: Answer = faults::decoded(client.call(&request).await)
        .with_context(|| format!("reading documents of index `{index}` back from the target"))?;
    anyhow::ensure!(
        answer.docs.len() == documents.len(),
        "the target answered {} of {} documents of index `{index}`",
        answer.docs.len(),
        documents.len()
    );
    for (document, answered) in documents.iter().zip(&answer.docs) {
        if let Some(error) = &answered.error {
            anyhow::bail!(
                "the target cannot read document `{}` of `{index}`: {error}",
                document.id
            );
        }
        let Some(stored) = document.source else { continue };
        if depth == Depth::Presence && answered.found {
            compared.equal += 1;
            continue;
        }
        let (true, Some(target)) = (answered.found, &answered.source) else {
            compared.missing += 1;
            compared.note(document.id, "it is missing on the target");
            continue;
        };
        let Ok(line) = source::to_line(stored) else {
            // It was refused as unreadable: one of those that may be missing.
            compared.missing += 1;
            compared.note(document.id, "its source in the snapshot cannot be read");
            continue;
        };
        let snapshot = Side { routing: document.routing.or(document.parent), source: &line };
        let target = Side { routing: answered.routing.as_deref(), source: target.get().as_bytes() };
        match difference(snapshot, target) {
            None => compared.equal += 1,
            Some(difference) => {
                compared.different += 1;
                compared.note(document.id, &difference);
            }
        }
    }
    Ok(())
}
