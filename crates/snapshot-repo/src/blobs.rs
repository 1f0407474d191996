//! Reads blobs, and ranges of blobs, of one repository.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt as _,
    path::{Path, PathPart},
};

use crate::{
    error::{Damage, RepositoryError},
    location::{Location, StoreRoot},
    shard_paths::Place,
    store_error,
};

/// The blobs of one repository; names are relative to the repository's root.
#[derive(Clone)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The path from the root of the store to the folder that names are relative to.
    prefix: Path,
    root: StoreRoot,
    uri: Arc<str>,
    region: Option<Arc<str>>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Blobs").field(&self.uri).finish()
    }
}

impl Blobs {
    /// Opens the store of a location; nothing is read yet.
    pub(crate) fn open(location: &Location) -> Result<Self, RepositoryError> {
        let opened = location.open()?;
        Ok(Self {
            store: opened.store,
            prefix: opened.prefix,
            root: opened.root,
            uri: location.uri.to_string().into(),
            region: location.region.as_deref().map(Into::into),
        })
    }

    /// Returns the URI of the repository.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the path from the root of the store to the repository.
    pub(crate) fn parts(&self) -> Vec<String> {
        self.prefix.parts().map(|part| part.as_ref().to_owned()).collect()
    }

    /// Returns how many levels above the repository a path that is not relative to it may begin, the
    /// most likely first.
    pub(crate) fn levels(&self) -> Vec<usize> {
        let depth = self.prefix.parts_count();
        match self.root {
            StoreRoot::Bucket => std::iter::once(depth).chain(0..depth).collect(),
            StoreRoot::FileSystem => (0..=depth).collect(),
        }
    }

    /// Returns the same store with names relative to a folder `levels` levels further up.
    pub(crate) fn above(&self, levels: usize) -> Self {
        let mut above = self.clone();
        for _ in 0..levels {
            above.prefix = above.prefix.parent().unwrap_or_default();
        }
        above
    }

    /// Returns a place as a path from the root of the store.
    pub(crate) fn shown(&self, place: &Place) -> String {
        let path = self.above(place.levels_up).path(&place.folder);
        match self.root {
            StoreRoot::Bucket => path.to_string(),
            StoreRoot::FileSystem => format!("/{path}"),
        }
    }

    /// Reads a whole blob.
    pub(crate) async fn read(&self, name: &str) -> Result<Bytes, RepositoryError> {
        let path = self.path(name);
        let got = self.store.get(&path).await.map_err(|error| self.failed(&path, error))?;
        got.bytes().await.map_err(|error| self.failed(&path, error))
    }

    /// Reads a whole blob that may be absent.
    pub(crate) async fn read_if_present(
        &self,
        name: &str,
    ) -> Result<Option<Bytes>, RepositoryError> {
        match self.read(name).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(RepositoryError::BlobMissing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads exactly this range of a blob; a shorter blob is damage.
    pub(crate) async fn read_range(
        &self,
        name: &str,
        range: Range<u64>,
    ) -> Result<Bytes, RepositoryError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let path = self.path(name);
        let wanted = range.end - range.start;
        let got = match self.store.get_range(&path, range.clone()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                // Each store reports a range past the end in its own way; the size is unambiguous.
                return match self.store.head(&path).await {
                    Ok(meta) if meta.size < range.end => {
                        Err(self.too_short(name, meta.size, range.end))
                    }
                    Ok(_) | Err(_) => Err(self.failed(&path, error)),
                };
            }
        };
        let length = u64::try_from(got.len()).unwrap_or(u64::MAX);
        if length == wanted {
            Ok(got)
        } else {
            Err(self.too_short(name, range.start.saturating_add(length), range.end))
        }
    }

    /// Returns the names of the blobs directly in a folder (`""` is the root), from all pages.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>, RepositoryError> {
        let path = self.path(folder);
        let parent = (!path.as_ref().is_empty()).then_some(&path);
        let found = self
            .store
            .list_with_delimiter(parent)
            .await
            .map_err(|error| self.failed(&path, error))?;
        Ok(found
            .objects
            .into_iter()
            .filter_map(|object| object.location.filename().map(str::to_owned))
            .collect())
    }

    /// Returns an error about the content of a blob.
    pub(crate) fn damaged(&self, name: &str, damage: impl Into<Damage>) -> RepositoryError {
        RepositoryError::Damaged {
            uri: self.uri.to_string(),
            blob: name.to_owned(),
            damage: damage.into(),
        }
    }

    fn too_short(&self, name: &str, size: u64, wanted: u64) -> RepositoryError {
        self.damaged(name, format!("it ends at byte {size}, but {wanted} bytes are expected"))
    }

    fn path(&self, name: &str) -> Path {
        // Not `Path::from`: parts are joined one by one and unchanged. Only `..` and the like are
        // escaped, so that no part is read as a path.
        let parts = name.split('/').filter(|part| !part.is_empty());
        parts.fold(self.prefix.clone(), |path, part| {
            path.join(PathPart::parse(part).unwrap_or_else(|_| part.into()))
        })
    }

    fn failed(&self, path: &Path, error: object_store::Error) -> RepositoryError {
        let shown = match self.root {
            StoreRoot::Bucket => path.clone(),
            StoreRoot::FileSystem => {
                path.prefix_match(&self.prefix).map_or_else(|| path.clone(), Iterator::collect)
            }
        };
        store_error::of(&self.uri, self.region.as_deref(), &shown, error)
    }
}
