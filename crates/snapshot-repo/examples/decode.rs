//! Decodes all documents of a snapshot and throws them away, for measurements.
//!
//! `cargo run --release -p snapshot-repo --example decode -- FOLDER SNAPSHOT DECODERS PASSES`
//! prints how many documents one pass gave, and the bytes of their sources.

use std::{error::Error, num::NonZeroUsize, path::PathBuf};

use snapshot_repo::{Location, Position, Repository};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = |what| arguments.next().ok_or_else(|| format!("{what} is missing"));
    let folder = PathBuf::from(next("the folder of a repository")?);
    let text = |word: std::ffi::OsString| word.into_string().map_err(|_| "not UTF-8");
    let name = text(next("the name of a snapshot")?)?;
    let decoders: NonZeroUsize = text(next("the number of decoders")?)?.parse()?;
    let passes: u32 = text(next("the number of passes")?)?.parse()?;

    let repository = Repository::open(&Location::folder(folder))?;
    let snapshot = repository.snapshot(&name).await?;
    for pass in 0..passes {
        let (mut documents, mut bytes) = (0_u64, 0_u64);
        for index in &snapshot.indices {
            let metadata = repository.index_metadata(&snapshot, index).await?;
            for shard in 0..metadata.number_of_shards {
                let files = repository.shard_files(&snapshot, index, shard).await?;
                let mut stream = repository.documents(files, Position::START).decoders(decoders);
                while let Some(batch) = stream.next().await? {
                    for document in batch.documents() {
                        documents += 1;
                        bytes += document.source.map_or(0, |source| source.len() as u64);
                    }
                }
            }
        }
        if pass == 0 {
            println(&format!("{documents} {bytes}"))?;
        }
    }
    Ok(())
}

fn println(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}")
}
