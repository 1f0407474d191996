//! What does the snapshot contain, read as the documents step will read it?

use std::collections::{BTreeMap, BTreeSet};

use coordination::resolve::OpenSnapshot;
use futures::{StreamExt as _, stream};
use snapshot_repo::{IndexMetadata, IndexState, RepositoryError, ShardFiles};

/// The number of blobs of the repository that are read concurrently.
const MAX_CONCURRENT_READS: usize = 16;

/// Reads the metadata of these indices; adds what is wrong to the problems.
pub(crate) async fn read_metadata(
    opened: &OpenSnapshot,
    names: &BTreeSet<&str>,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, IndexMetadata>, RepositoryError> {
    let wanted = opened.snapshot.indices.iter().filter(|index| names.contains(index.name.as_str()));
    let read: Vec<Result<IndexMetadata, RepositoryError>> = stream::iter(wanted)
        .map(|index| opened.repository.index_metadata(&opened.snapshot, index))
        .buffered(MAX_CONCURRENT_READS)
        .collect()
        .await;
    let mut found = BTreeMap::new();
    for metadata in read {
        if let Some(metadata) = value_or_problem(metadata, problems)? {
            if metadata.state == IndexState::Close {
                tracing::warn!(
                    "index `{}` was closed when the snapshot was taken; its documents are migrated \
                     into an open index",
                    metadata.name
                );
            }
            found.insert(metadata.name.clone(), metadata);
        }
    }
    Ok(found)
}

/// The size of an index in the snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IndexSize {
    pub(crate) shards: u64,
    pub(crate) bytes: u64,
}

/// Reads the list of files of every shard and returns the sizes of the indices.
pub(crate) async fn measure(
    opened: &OpenSnapshot,
    metadata: &BTreeMap<String, IndexMetadata>,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, IndexSize>, RepositoryError> {
    let shards = opened.snapshot.indices.iter().flat_map(|index| {
        let number = metadata.get(&index.name).map_or(0, |metadata| metadata.number_of_shards);
        (0..number).map(move |shard| (index, shard))
    });
    let read: Vec<Result<ShardFiles, RepositoryError>> = stream::iter(shards)
        .map(|(index, shard)| opened.repository.shard_files(&opened.snapshot, index, shard))
        .buffered(MAX_CONCURRENT_READS)
        .collect()
        .await;
    let mut sizes: BTreeMap<String, IndexSize> = BTreeMap::new();
    for files in read {
        if let Some(files) = value_or_problem(files, problems)? {
            let size = sizes.entry(files.index.clone()).or_default();
            size.shards += 1;
            size.bytes += files.total_bytes();
        }
    }
    Ok(sizes)
}

/// Adds an error to the problems; a temporary one ends the step.
fn value_or_problem<T>(
    result: Result<T, RepositoryError>,
    problems: &mut Vec<String>,
) -> Result<Option<T>, RepositoryError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_temporary() => Err(error),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}
