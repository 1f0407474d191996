//! Is each document of an index of the snapshot on the target, and is it equal?

use cluster::{Client, ClusterError, Repeat, Request, path};
use contract::{Exit, Failure};
use coordination::resolve::OpenSnapshot;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use snapshot_repo::{DocumentRef, Position, source};

use crate::comparison::{Side, difference};

/// Documents of one request, and about how many bytes they may have.
const MGET_DOCUMENTS: usize = 500;
const MGET_BYTES: usize = 4 * 1024 * 1024;

/// Differences that a message shows.
const MAX_EXAMPLES: usize = 10;

/// How closely documents are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// A document of this id is there.
    Presence,
    /// Its routing and its source are those of the snapshot.
    Content,
}

/// What the comparison of an index found.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Documents that are as they should be, as far as they were compared.
    pub(crate) equal: u64,
    missing: u64,
    pub(crate) different: u64,
    examples: Vec<String>,
}

impl Comparison {
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
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(format!("document `{id}`: {difference}"));
        }
    }
}

/// Compares all documents of an index.
pub(crate) async fn compare(
    client: &Client,
    opened: &OpenSnapshot,
    index: &str,
    depth: Depth,
) -> Result<Comparison, Failure> {
    let mut compared = Comparison::default();
    let OpenSnapshot { repository, snapshot } = opened;
    let found = snapshot.index(index).ok_or_else(|| {
        Failure::new(Exit::Failed, format!("the snapshot has no index `{index}`"))
    })?;
    let metadata = repository.index_metadata(snapshot, found).await?;
    for shard in 0..metadata.number_of_shards {
        let files = repository.shard_files(snapshot, found, shard).await?;
        let mut documents = repository.documents(files, Position::START);
        while let Some(batch) = documents.next().await? {
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

/// Returns how many of the documents go into one request: at least one.
fn portion(documents: &[DocumentRef<'_>]) -> usize {
    let mut bytes = 0;
    documents
        .iter()
        .take(MGET_DOCUMENTS)
        .take_while(|document| {
            let before = bytes;
            bytes += document.source.map_or(0, <[u8]>::len);
            before < MGET_BYTES
        })
        .count()
        .max(1)
}

#[derive(Deserialize)]
struct MgetResponse {
    docs: Vec<MgetDocument>,
}

#[derive(Deserialize)]
struct MgetDocument {
    #[serde(default)]
    found: bool,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_source")]
    source: Option<Box<RawValue>>,
    error: Option<Value>,
}

async fn call(client: &Client, request: &Request) -> Result<MgetResponse, ClusterError> {
    client.call(request).await?.json()
}

async fn compare_some(
    client: &Client,
    index: &str,
    depth: Depth,
    documents: &[DocumentRef<'_>],
    compared: &mut Comparison,
) -> Result<(), Failure> {
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
    let answer = call(client, &request).await.map_err(|error| {
        let Failure { exit, message } = error.into();
        let doing = format!("reading documents of index `{index}` back from the target");
        Failure::new(exit, format!("{doing}: {message}"))
    })?;
    if answer.docs.len() != documents.len() {
        let message = format!(
            "the target returned {} of {} documents of index `{index}`",
            answer.docs.len(),
            documents.len()
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    for (document, answered) in documents.iter().zip(&answer.docs) {
        if let Some(error) = &answered.error {
            let message =
                format!("the target cannot read document `{}` of `{index}`: {error}", document.id);
            return Err(Failure::new(Exit::Failed, message));
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
