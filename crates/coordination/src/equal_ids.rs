//! Do two documents of an index have one id, in two mapping types?
//!
//! Elasticsearch 5 distinguishes documents by type and id. A target without types knows the id only,
//! so one of them would replace the other. That is found in the snapshot, before anything is
//! written.
//!
//! ```text
//!   each shard:  pass 1 of n   ids whose hash is in the 1st n-th part --> seen twice?
//!                pass 2 of n   ..                                          |
//!                last pass     ids of those hashes, as they are  <---------+
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hasher as _},
};

use snapshot_repo::{Position, ShardFiles, SnapshotIndex};

use crate::{CoordinationError, resolve::OpenSnapshot};

/// Hashes that are in memory at the same time: 64 MB.
const MAX_HASHES: u64 = 8 * 1024 * 1024;

/// Hashes of one shard, each of several documents, whose ids are compared.
const MAX_SUSPECTS: usize = 10_000;

/// How many ids a message shows.
const MAX_SHOWN: usize = 5;

/// Reads an index with several mapping types; returns what is wrong with it, if anything is.
pub async fn of_index(
    opened: &OpenSnapshot,
    index: &SnapshotIndex,
    shards: u32,
) -> Result<Option<String>, CoordinationError> {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for shard in 0..shards {
        let files = opened.repository.shard_files(&opened.snapshot, index, shard).await?;
        let suspects = suspects(opened, &files).await?;
        if suspects.is_empty() {
            continue;
        }
        let mut in_shard: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        each(opened, &files, |id, kind| {
            if suspects.contains(&hash(id)) {
                in_shard.entry(id.to_owned()).or_default().insert(kind.to_owned());
            }
        })
        .await?;
        types.extend(in_shard.into_iter().filter(|(_, types)| types.len() > 1));
    }
    Ok((!types.is_empty()).then(|| finding(&index.name, &types)))
}

fn finding(index: &str, types: &BTreeMap<String, BTreeSet<String>>) -> String {
    let shown: Vec<String> = types
        .iter()
        .take(MAX_SHOWN)
        .map(|(id, types)| {
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            format!("`{id}` ({})", types.join(", "))
        })
        .collect();
    format!(
        "index `{index}` has documents of one id in several mapping types (at least {} such ids, \
         for example {}); the target has no types, so these documents would replace each other: \
         reindex each type into an index of its own on the source, or exclude it with `-{index}`",
        types.len(),
        shown.join(", ")
    )
}

/// Returns the hashes that several documents of a shard have.
async fn suspects(
    opened: &OpenSnapshot,
    files: &ShardFiles,
) -> Result<BTreeSet<u64>, CoordinationError> {
    let size = opened.repository.shard_size(files).await?;
    let parts = size.physical / MAX_HASHES + 1;
    let mut suspects = BTreeSet::new();
    for part in 0..parts {
        let mut hashes = Vec::new();
        each(opened, files, |id, _| {
            let hash = hash(id);
            if hash % parts == part {
                hashes.push(hash);
            }
        })
        .await?;
        suspects.extend(repeated(hashes));
        if suspects.len() >= MAX_SUSPECTS {
            break;
        }
    }
    Ok(suspects)
}

/// Returns the hashes that occur more than once, at most [`MAX_SUSPECTS`] of them.
fn repeated(mut hashes: Vec<u64>) -> BTreeSet<u64> {
    hashes.sort_unstable();
    let pairs = hashes.windows(2).filter_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    });
    pairs.take(MAX_SUSPECTS).collect()
}

/// Shows each live document of a shard: its id and its type.
async fn each(
    opened: &OpenSnapshot,
    files: &ShardFiles,
    mut show: impl FnMut(&str, &str),
) -> Result<(), CoordinationError> {
    let mut documents = opened.repository.documents(files.clone(), Position::START);
    while let Some(batch) = documents.next().await? {
        for document in batch.documents() {
            show(document.id, document.doc_type.unwrap_or_default());
        }
    }
    Ok(())
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(id.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_twice_is_found_once() {
        assert_eq!(repeated(vec![3, 1, 3, 2, 3, 1]), BTreeSet::from([1, 3]));
        assert_eq!(repeated(vec![1, 2, 3]), BTreeSet::new());
    }

    #[test]
    fn a_message_names_ids_and_types() {
        let of = |types: [&str; 2]| types.map(str::to_owned).into();
        let types = [("7".to_owned(), of(["order", "customer"]))].into();
        let message = finding("shop", &types);
        assert!(message.contains("`7` (customer, order)") && message.contains("`-shop`"));
    }
}
