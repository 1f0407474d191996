//! Opens a shard's commit and its segments: reads small files until the documents can be read.

use futures::future::try_join_all;
use lucene::{Opening, Segment, SegmentCommit, SegmentInfos};
use tokio::task::spawn_blocking;

use crate::{error::RepositoryError, files::FileReader};

/// Reads which segments the shard consists of.
pub(crate) async fn commit(reader: &FileReader) -> Result<SegmentInfos, RepositoryError> {
    let name = reader.lucene_files().segments_file().map_err(|error| reader.broken(&error))?;
    let bytes = reader.whole(name).await?;
    SegmentInfos::parse(name, &bytes).map_err(|error| reader.broken(&error))
}

/// Reads a segment's small files.
pub(crate) async fn segment(
    reader: &FileReader,
    commit: &SegmentCommit,
) -> Result<Box<Segment>, RepositoryError> {
    let mut opening =
        Opening::start(reader.lucene_files(), commit).map_err(|error| reader.broken(&error))?;
    loop {
        match opening {
            Opening::Ready(segment) => return Ok(segment),
            Opening::Needs(needs) => {
                let asked = needs.slices().iter().map(|slice| reader.slice(slice));
                let answers = try_join_all(asked).await?;
                let supplied = spawn_blocking(move || needs.supply(&answers)).await;
                opening = supplied
                    .map_err(|_| reader.stopped())?
                    .map_err(|error| reader.broken(&error))?;
            }
        }
    }
}
