//! Do two documents of an index have one id, in two mapping types?
//!
//! Elasticsearch 5 tells documents apart by type and id. A target without types knows the id only,
//! so one of them would replace the other. It is found out from the snapshot, before anything is
//! written.
//!
//! ```text
//!   each shard:  pass 1 of n   ids whose hash is of the 1st n-th part --> seen twice?
//!                pass 2 of n   ..                                          |
//!                last pass     ids of those hashes, as they are  <---------+
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hasher as _},
};

use snapshot_repo::{Position, ShardFiles, SnapshotIndex};

use crate::{faults::of_repository, resolve::Opened};

/// Hashes that are kept at once: 64 MB.
const AT_ONCE: u64 = 8 * 1024 * 1024;

/// Equal hashes of one shard that are looked at more closely.
const SUSPECTS: usize = 10_000;

/// How many ids a message shows.
const SHOWN: usize = 5;

/// Looks through an index with several mapping types; says what is wrong with it, if anything is.
pub async fn of_index(
    opened: &Opened,
    index: &SnapshotIndex,
    shards: u32,
) -> anyhow::Result<Option<String>> {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for shard in 0..shards {
        let files = opened
            .repository
            .shard_files(&opened.snapshot, index, shard)
            .await
            .map_err(of_repository)?;
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
    Ok((!types.is_empty()).then(|| told(&index.name, &types)))
}

fn told(index: &str, types: &BTreeMap<String, BTreeSet<String>>) -> String {
    let shown: Vec<String> = types
        .iter()
        .take(SHOWN)
        .map(|(id, types)| {
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            format!("`{id}` ({})", types.join(", "))
        })
        .collect();
    format!(
        "index `{index}` has at least {} ids in several mapping types, as in {}; the target has no \
         types, so these documents would replace each other: reindex each type into an index of \
         its own on the source, or exclude it with `-{index}`",
        types.len(),
        shown.join(", ")
    )
}

/// Returns the hashes that several documents of a shard have.
async fn suspects(opened: &Opened, files: &ShardFiles) -> anyhow::Result<BTreeSet<u64>> {
    let size = opened.repository.shard_size(files).await.map_err(of_repository)?;
    let parts = size.physical / AT_ONCE + 1;
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
        suspects.extend(twice(hashes));
        if suspects.len() >= SUSPECTS {
            break;
        }
    }
    Ok(suspects)
}

/// Returns what is there more than once, of much not all.
fn twice(mut hashes: Vec<u64>) -> BTreeSet<u64> {
    hashes.sort_unstable();
    let pairs = hashes.windows(2).filter_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    });
    pairs.take(SUSPECTS).collect()
}

/// Shows each live document of a shard: its id and its type.
async fn each(
    opened: &Opened,
    files: &ShardFiles,
    mut show: impl FnMut(&str, &str),
) -> anyhow::Result<()> {
    let mut documents = opened.repository.documents(files.clone(), Position::START);
    while let Some(batch) = documents.next().await.map_err(of_repository)? {
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
        assert_eq!(twice(vec![3, 1, 3, 2, 3, 1]), BTreeSet::from([1, 3]));
        assert_eq!(twice(vec![1, 2, 3]), BTreeSet::new());
    }

    #[test]
    fn a_message_names_ids_and_types() {
        let of = |types: [&str; 2]| types.map(str::to_owned).into();
        let types = [("7".to_owned(), of(["order", "customer"]))].into();
        let message = told("shop", &types);
        assert!(message.contains("`7` (customer, order)") && message.contains("`-shop`"));
    }
}
