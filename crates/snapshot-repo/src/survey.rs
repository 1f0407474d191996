//! What is a shard made of? Its segments, their codecs and sizes, without reading a document.

use lucene::LuceneVersion;

use crate::{error::RepositoryError, files::FileReader, opening};

/// An upper bound for the length of the header of a file.
const MAX_HEADER_BYTES: u64 = 128;
/// Attributes of a segment that name fields which were removed from the stored sources.
pub(crate) const DERIVED_VECTORS: &[&str] =
    &["derived_vector_fields", "nested_derived_vector_fields"];

/// The segments of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardSurvey {
    /// In the order of the commit.
    pub segments: Vec<SegmentSurvey>,
}

/// One segment of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSurvey {
    /// Its name, such as `_4k`.
    pub name: String,
    /// The release of Lucene that wrote it.
    pub lucene: String,
    /// The name of its codec in the commit, for display only.
    pub codec: String,
    /// The format of its stored fields: the name in their file's header.
    pub stored_fields: String,
    /// How many documents it has, of any kind.
    pub documents: u64,
    /// How many of these are deleted.
    pub deleted: u64,
    /// How many bytes its stored fields have.
    pub stored_bytes: u64,
    /// Fields whose vectors were removed from the sources (k-NN plug-in of OpenSearch).
    pub derived_vectors: Vec<String>,
}

/// Reads the small files of each segment.
pub(crate) async fn of(reader: &FileReader) -> Result<ShardSurvey, RepositoryError> {
    let mut survey = ShardSurvey::default();
    for commit in opening::commit(reader).await?.segments {
        let segment = opening::segment(reader, &commit).await?;
        let stored = segment.stored_fields();
        let end = stored.offset.saturating_add(stored.length.min(MAX_HEADER_BYTES));
        let start = reader.range(&stored.file, stored.offset..end).await?;
        let stored_fields = lucene::header_name(&stored.name, &start);
        let stored_fields = stored_fields.map_err(|error| reader.broken(&error))?;
        let derived = DERIVED_VECTORS.iter().filter_map(|name| segment.attributes().get(*name));
        let derived = derived.flat_map(|fields| fields.split(','));
        survey.segments.push(SegmentSurvey {
            name: segment.name().to_owned(),
            lucene: release(segment.info().version),
            codec: commit.codec.clone(),
            stored_fields,
            documents: segment.max_doc().into(),
            deleted: segment.live_docs().deleted().into(),
            stored_bytes: stored.length,
            derived_vectors: derived.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        });
    }
    Ok(survey)
}

fn release(version: LuceneVersion) -> String {
    let LuceneVersion { major, minor, bugfix } = version;
    format!("{major}.{minor}.{bugfix}")
}
