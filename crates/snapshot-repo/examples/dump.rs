//! Shows what a snapshot repository holds, for people who debug.
//!
//! ```text
//! cargo run -p snapshot-repo --example dump -- URI                  snapshots
//! cargo run -p snapshot-repo --example dump -- URI SNAPSHOT         metadata of cluster and indices
//! cargo run -p snapshot-repo --example dump -- URI SNAPSHOT INDEX   documents, one JSON object a line
//! ```
//!
//! `URI` may be a folder. Settings of a store (`AWS_ACCESS_KEY_ID` and the like) are taken from the
//! environment.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::value::RawValue;

use snapshot_repo::{Document, Location, Position, Repository, source};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut lines = vec![error.to_string()];
            let mut next = error.source();
            while let Some(cause) = next {
                lines.push(format!("  because: {cause}"));
                next = cause.source();
            }
            let said = writeln!(std::io::stderr(), "{}", lines.join("\n"));
            if said.is_ok() { ExitCode::FAILURE } else { ExitCode::from(2) }
        }
    }
}

async fn run() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut output = BufWriter::new(std::io::stdout());
    match arguments.as_slice() {
        [uri] => snapshots(&open(uri)?, &mut output).await?,
        [uri, snapshot] => metadata(&open(uri)?, snapshot, &mut output).await?,
        [uri, snapshot, index] => documents(&open(uri)?, snapshot, index, &mut output).await?,
        _ => return Err("call it with: URI [SNAPSHOT [INDEX]]".into()),
    }
    Ok(output.flush()?)
}

fn open(uri: &str) -> Result<Repository, Box<dyn Error>> {
    let mut location = match std::path::absolute(uri) {
        Ok(folder) if folder.is_dir() => Location::folder(folder),
        Ok(_) | Err(_) => Location { uri: uri.to_owned(), ..Location::default() },
    };
    location.options = std::env::vars()
        .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|own| name.starts_with(own)))
        .collect();
    Ok(Repository::open(&location)?)
}

async fn snapshots(repository: &Repository, output: &mut impl Write) -> Outcome {
    for snapshot in repository.contents().await?.snapshots {
        let version = snapshot.version.unwrap_or_default();
        let (name, state, indices) = (snapshot.name, snapshot.state, snapshot.index_count);
        writeln!(output, "{name}\t{state}\t{version}\t{indices} indices")?;
    }
    Ok(())
}

async fn metadata(repository: &Repository, snapshot: &str, output: &mut impl Write) -> Outcome {
    let snapshot = repository.snapshot(snapshot).await?;
    writeln!(output, "{snapshot:#?}")?;
    writeln!(output, "{:#?}", repository.global_metadata(&snapshot).await?)?;
    for index in &snapshot.indices {
        writeln!(output, "{:#?}", repository.index_metadata(&snapshot, index).await?)?;
    }
    Ok(())
}

/// A document as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    shard: u32,
    position: u64,
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    doc_type: Option<&'a str>,
    #[serde(rename = "_routing", skip_serializing_if = "Option::is_none")]
    routing: Option<&'a str>,
    #[serde(rename = "_parent", skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(rename = "_source", skip_serializing_if = "Option::is_none")]
    source: Option<&'a RawValue>,
}

async fn documents(
    repository: &Repository,
    snapshot: &str,
    index: &str,
    output: &mut impl Write,
) -> Outcome {
    let snapshot = repository.snapshot(snapshot).await?;
    let index = snapshot.index(index).ok_or("the snapshot holds no such index")?;
    let shards = repository.index_metadata(&snapshot, index).await?.number_of_shards;
    for shard in 0..shards {
        let files = repository.shard_files(&snapshot, index, shard).await?;
        let mut documents = repository.documents(files, Position::START);
        while let Some(batch) = documents.next_batch().await? {
            for document in &batch {
                write_document(shard, document, output)?;
            }
        }
    }
    Ok(())
}

fn write_document(shard: u32, document: &Document, output: &mut impl Write) -> Outcome {
    let source = document.source.as_deref().map(source::to_line).transpose()?;
    let line = Line {
        shard,
        position: document.position,
        id: &document.id,
        doc_type: document.doc_type.as_deref(),
        routing: document.routing.as_deref(),
        parent: document.parent.as_deref(),
        source: source.as_deref().map(serde_json::from_slice).transpose()?,
    };
    Ok(writeln!(output, "{}", serde_json::to_string(&line)?)?)
}
