//! In which folder is a shard? The list of its files is searched in all possible places.

use bytes::Bytes;

use crate::{
    blobs::Blobs,
    error::RepositoryError,
    shard_paths::{Place, ShardOfIndex, ShardPaths},
};

/// A shard's folder, and the list of files in it.
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) blob: String,
    pub(crate) list: Bytes,
}

/// The result of a search.
pub(crate) enum Search {
    /// The first place that has the list.
    Found(Found),
    /// No place has it.
    Absent(Vec<Place>),
}

/// Reads the list of a shard's files, `list_name` in the shard's folder.
///
/// A place without permission does not end the search, because credentials are often limited to the
/// base path. It is reported only if no other place has the list.
pub(crate) async fn find(
    blobs: &Blobs,
    paths: ShardPaths,
    shard: ShardOfIndex<'_>,
    list_name: &str,
) -> Result<Search, RepositoryError> {
    let named = match paths {
        ShardPaths::HashedPrefix | ShardPaths::HashedInfix => named(blobs, paths, shard).await,
        ShardPaths::Fixed | ShardPaths::Unknown(_) => None,
    };
    let places = shard.places(paths, named.as_deref(), &blobs.parts(), &blobs.levels());
    let mut denied = None;
    for place in &places {
        let blob = format!("{}/{list_name}", place.folder);
        match blobs.above(place.levels_up).read_if_present(&blob).await {
            Ok(Some(list)) => return Ok(Search::Found(Found { place: place.clone(), blob, list })),
            Ok(None) => {}
            Err(error @ RepositoryError::Denied { .. }) => {
                denied.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    denied.map_or(Ok(Search::Absent(places)), Err)
}

/// Returns what the paths file says. It is only a hint, so a file that cannot be read is the same as
/// no file.
async fn named(blobs: &Blobs, paths: ShardPaths, shard: ShardOfIndex<'_>) -> Option<String> {
    for name in shard.paths_files(paths) {
        if let Ok(Some(file)) = blobs.read_if_present(&name).await {
            return shard.named(&file);
        }
    }
    None
}

/// Returns whether one of the places has files of a shallow snapshot.
pub(crate) async fn is_shallow(blobs: &Blobs, places: &[Place]) -> bool {
    for place in places {
        let names = blobs.above(place.levels_up).list(&place.folder).await.unwrap_or_default();
        if names.iter().any(|name| name.starts_with("shallow-snap-")) {
            return true;
        }
    }
    false
}
