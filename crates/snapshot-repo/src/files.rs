//! Reads a shard's Lucene files: whole files, verified, and ranges of files, joined from their parts.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use lucene::{FileSlice, LuceneError};

use crate::{
    blobs::Blobs,
    error::{Damage, RepositoryError},
    shard::{Piece, ShardFile, ShardFiles, ShardTypes},
    shard_paths::Place,
};

/// The largest small file (segment infos, field infos, live docs); a larger one is damaged.
const MAX_SMALL_FILE_BYTES: u64 = 1 << 30;
/// The length of the checksum at the end of a footer.
const CHECKSUM_LENGTH: usize = 8;

/// Reads the files of one shard.
#[derive(Clone, Debug)]
pub(crate) struct FileReader {
    blobs: Blobs,
    shard: Arc<Shard>,
}

#[derive(Debug)]
struct Shard {
    folder: String,
    files: BTreeMap<String, ShardFile>,
    lucene: lucene::ShardFiles,
    types: ShardTypes,
    bytes_read: AtomicU64,
}

impl FileReader {
    pub(crate) fn new(blobs: &Blobs, files: ShardFiles) -> Self {
        let ShardFiles { index: _, shard: _, files, types, place } = files;
        let Place { levels_up, folder } = place;
        let blobs = blobs.above(levels_up);
        let lucene =
            lucene::ShardFiles::new(files.iter().map(|file| (file.name.clone(), file.length)));
        let files = files.into_iter().map(|file| (file.name.clone(), file)).collect();
        let shard = Shard { folder, files, lucene, types, bytes_read: AtomicU64::new(0) };
        Self { blobs, shard: Arc::new(shard) }
    }

    /// Returns the list of files for the decoder.
    pub(crate) fn lucene_files(&self) -> &lucene::ShardFiles {
        &self.shard.lucene
    }

    /// Returns the mapping types of the shard's documents.
    pub(crate) fn types(&self) -> &ShardTypes {
        &self.shard.types
    }

    /// Returns how many bytes of blobs were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.shard.bytes_read.load(Ordering::Relaxed)
    }

    /// Reads a range that the decoder needs.
    pub(crate) async fn slice(&self, slice: &FileSlice) -> Result<Bytes, RepositoryError> {
        if slice.whole() {
            return self.whole(&slice.file).await;
        }
        let end = slice.offset.saturating_add(slice.length);
        self.range(&slice.file, slice.offset..end).await
    }

    /// Reads a whole file and compares its length and checksum with the list.
    pub(crate) async fn whole(&self, name: &str) -> Result<Bytes, RepositoryError> {
        let file = self.file(name)?;
        let bytes = match &file.content {
            Some(content) => content.clone(),
            None if file.length > MAX_SMALL_FILE_BYTES => {
                let length = file.length;
                let damage = format!(
                    "its list gives it {length} bytes, and no file of this kind has more than \
                     {MAX_SMALL_FILE_BYTES}"
                );
                return Err(self.damaged(file, 0, damage));
            }
            None => self.range(name, 0..file.length).await?,
        };
        let covered = bytes.len().checked_sub(CHECKSUM_LENGTH).and_then(|end| bytes.get(..end));
        let covered =
            covered.ok_or_else(|| self.damaged(file, 0, "it is shorter than its footer"))?;
        self.check_sum(name, crc32fast::hash(covered))?;
        Ok(bytes)
    }

    /// Compares the checksum of a file with the one in the list.
    pub(crate) fn check_sum(&self, name: &str, found: u32) -> Result<(), RepositoryError> {
        let file = self.file(name)?;
        if u64::from(found) == file.checksum {
            return Ok(());
        }
        let expected = file.checksum;
        let damage =
            format!("its checksum is {found:08x}, but the list of files says {expected:08x}");
        Err(self.damaged(file, file.length, damage))
    }

    /// Reads a range of a file.
    pub(crate) async fn range(
        &self,
        name: &str,
        range: Range<u64>,
    ) -> Result<Bytes, RepositoryError> {
        let file = self.file(name)?;
        if range.end > file.length {
            let damage =
                format!("bytes up to {} are needed, but it has {}", range.end, file.length);
            return Err(self.damaged(file, range.start, damage));
        }
        if let Some(content) = &file.content {
            let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            if let Some((start, end)) = bounds
                && start <= end
                && end <= content.len()
            {
                return Ok(content.slice(start..end));
            }
        }
        let mut pieces = file.pieces(range).peekable();
        let Some(first) = pieces.next() else {
            return Ok(Bytes::new());
        };
        let bytes = self.piece(first).await?;
        if pieces.peek().is_none() {
            return Ok(bytes);
        }
        let mut joined = BytesMut::from(bytes);
        for piece in pieces {
            joined.extend_from_slice(&self.piece(piece).await?);
        }
        Ok(joined.freeze())
    }

    async fn piece(&self, piece: Piece) -> Result<Bytes, RepositoryError> {
        let Piece { blob, range } = piece;
        let bytes = self.blobs.read_range(&self.path(&blob), range).await?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.shard.bytes_read.fetch_add(length, Ordering::Relaxed);
        Ok(bytes)
    }

    fn file(&self, name: &str) -> Result<&ShardFile, RepositoryError> {
        self.shard.files.get(name).ok_or_else(|| {
            self.blobs.damaged(&self.shard.folder, format!("its list of files lacks `{name}`"))
        })
    }

    /// Returns the error for an error of the decoder, with the blob that holds the file.
    pub(crate) fn broken(&self, error: &LuceneError) -> RepositoryError {
        let name = match error {
            LuceneError::Malformed { file, .. }
            | LuceneError::Document { file, .. }
            | LuceneError::Unsupported { file, .. }
            | LuceneError::MissingFile { file }
            | LuceneError::WrongLength { file, .. } => file,
        };
        let files = &self.shard.files;
        // A file that is not in the list is in its segment's compound file.
        let file = files.get(name).or_else(|| {
            let segment = name.strip_prefix('_')?.split(['.', '_']).next()?;
            files.get(&format!("_{segment}.cfs"))
        });
        let uri = self.blobs.uri().to_owned();
        let blob = self.path(file.map_or("", |file| &file.blob));
        if let LuceneError::Unsupported { file, header } = error {
            return RepositoryError::Unsupported {
                uri,
                blob,
                what: format!("the Lucene format `{header}` of `{file}`"),
                instead: "report it with the version of the source cluster",
            };
        }
        RepositoryError::Decode { uri, blob, damage: error.to_string().into() }
    }

    /// Returns an error about sources without some of their fields.
    pub(crate) fn derived_source(&self, segment: &str, fields: &str) -> RepositoryError {
        RepositoryError::Unsupported {
            uri: self.blobs.uri().to_owned(),
            blob: self.shard.folder.clone(),
            what: format!("a source without its vectors (`{fields}` in segment `{segment}`)"),
            instead: "set `index.knn.derived_source.enabled: false`, reindex, take the snapshot again",
        }
    }

    /// Returns an error about a read that stopped before its end.
    pub(crate) fn stopped(&self) -> RepositoryError {
        RepositoryError::Stopped { shard: self.shard.folder.clone() }
    }

    fn damaged(&self, file: &ShardFile, offset: u64, damage: impl Into<Damage>) -> RepositoryError {
        RepositoryError::DamagedFile {
            uri: self.blobs.uri().to_owned(),
            blob: self.path(&file.blob),
            file: file.name.clone(),
            offset,
            damage: damage.into(),
        }
    }

    fn path(&self, blob: &str) -> String {
        format!("{}/{blob}", self.shard.folder)
    }
}
