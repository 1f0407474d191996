//! What does a snapshot hold, and what of it cannot be migrated? A pure function of what was read.

use std::collections::BTreeMap;

use serde::Serialize;
use snapshot_repo::{
    IndexMetadata, IndexState, PositionCounts, RepositoryError, ShardSurvey, Snapshot, SourceMode,
};

use super::text::instant;

/// One index, as far as it could be read.
pub(super) struct IndexReading {
    pub(super) name: String,
    pub(super) metadata: Result<IndexMetadata, RepositoryError>,
    pub(super) shards: Vec<ShardReading>,
}

/// One shard, as far as it could be read.
pub(super) struct ShardReading {
    pub(super) number: u32,
    pub(super) found: Result<ShardContent, RepositoryError>,
}

/// The content of a shard.
pub(super) struct ShardContent {
    pub(super) bytes: u64,
    pub(super) survey: ShardSurvey,
    /// The counts of its documents, where they were read.
    pub(super) ledger: Option<PositionCounts>,
}

/// Everything that is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) repository: String,
    pub(super) snapshot: String,
    pub(super) uuid: String,
    pub(super) state: String,
    pub(super) server: String,
    pub(super) version: Option<String>,
    pub(super) started: Option<String>,
    pub(super) ended: Option<String>,
    pub(super) global_state: bool,
    pub(super) data_streams: Vec<String>,
    pub(super) totals: Part,
    pub(super) indices: Vec<IndexReport>,
    pub(super) cannot_migrate: Vec<Obstacle>,
}

/// One index.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IndexReport {
    pub(super) name: String,
    pub(super) closed: bool,
    pub(super) source: Option<&'static str>,
    #[serde(flatten)]
    pub(super) part: Part,
}

/// Sizes and counts of an index, or of all of them.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) shards: u32,
    pub(super) missing_shards: u32,
    pub(super) segments: u64,
    /// All files of the shards.
    pub(super) size_bytes: u64,
    /// The stored fields among them: what a migration reads.
    pub(super) stored_bytes: u64,
    pub(super) documents: Documents,
    pub(super) codecs: Vec<SegmentKind>,
}

/// Counts of documents. Counts that need all documents are absent if not all were read.
#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Documents {
    pub(super) live: Option<u64>,
    pub(super) deleted: u64,
    pub(super) nested: Option<u64>,
    pub(super) without_source: Option<u64>,
    pub(super) recovery_source: Option<u64>,
}

/// How many segments have the same format.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentKind {
    pub(super) codec: String,
    pub(super) stored_fields: String,
    pub(super) lucene: String,
    pub(super) segments: u64,
}

/// Something that cannot be migrated as it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Obstacle {
    pub(super) kind: &'static str,
    pub(super) index: String,
    pub(super) shard: Option<u32>,
    pub(super) documents: Option<u64>,
    pub(super) reason: String,
}

impl Report {
    pub(super) fn new(repository: &str, snapshot: &Snapshot, readings: &[IndexReading]) -> Self {
        let mut totals = Part { documents: Documents::none(), ..Part::default() };
        let mut indices = Vec::with_capacity(readings.len());
        let mut cannot_migrate = Vec::new();
        for reading in readings {
            let index = IndexReport::new(reading);
            totals.add(&index.part);
            cannot_migrate.extend(obstacles(snapshot, reading, &index.part.documents));
            indices.push(index);
        }
        Self {
            repository: repository.to_owned(),
            snapshot: snapshot.name.clone(),
            uuid: snapshot.uuid.clone(),
            state: snapshot.state.to_string(),
            server: snapshot.server(),
            version: snapshot.version.clone(),
            started: snapshot.start_millis.and_then(instant),
            ended: snapshot.end_millis.and_then(instant),
            global_state: snapshot.include_global_state,
            data_streams: snapshot.data_streams.clone(),
            totals,
            indices,
            cannot_migrate,
        }
    }

    /// Returns whether a part of the snapshot is damaged.
    pub(super) fn is_damaged(&self) -> bool {
        self.cannot_migrate.iter().any(|obstacle| obstacle.kind == DAMAGED)
    }
}

const DAMAGED: &str = "damaged";

impl IndexReport {
    fn new(reading: &IndexReading) -> Self {
        let metadata = reading.metadata.as_ref().ok();
        let mut part = Part { documents: Documents::none(), ..Part::default() };
        for shard in &reading.shards {
            part.add(&Part::of_shard(shard));
        }
        Self {
            name: reading.name.clone(),
            closed: metadata.is_some_and(|metadata| metadata.state == IndexState::Close),
            source: metadata.map(|metadata| metadata.source_storage().mode.as_str()),
            part,
        }
    }
}

impl Part {
    fn of_shard(shard: &ShardReading) -> Self {
        let Ok(ShardContent { bytes, survey, ledger }) = &shard.found else {
            let documents = Documents::none();
            return Self { shards: 1, missing_shards: 1, documents, ..Self::default() };
        };
        let mut part = Self { shards: 1, size_bytes: *bytes, ..Self::default() };
        part.documents = ledger.map_or(Documents::default(), |ledger| Documents {
            live: Some(ledger.live),
            deleted: 0,
            nested: Some(ledger.nested),
            without_source: Some(ledger.without_source),
            recovery_source: Some(ledger.recovery_source),
        });
        for segment in &survey.segments {
            part.segments += 1;
            part.stored_bytes += segment.stored_bytes;
            part.documents.deleted += segment.deleted;
            part.codecs.push(SegmentKind {
                codec: segment.codec.clone(),
                stored_fields: segment.stored_fields.clone(),
                lucene: segment.lucene.clone(),
                segments: 1,
            });
        }
        part
    }

    fn add(&mut self, more: &Self) {
        self.shards += more.shards;
        self.missing_shards += more.missing_shards;
        self.segments += more.segments;
        self.size_bytes += more.size_bytes;
        self.stored_bytes += more.stored_bytes;
        self.documents.add(more.documents);
        let mut codecs: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
        for SegmentKind { codec, stored_fields, lucene, segments } in
            self.codecs.iter().chain(&more.codecs)
        {
            *codecs.entry((codec, stored_fields, lucene)).or_default() += segments;
        }
        self.codecs = codecs
            .into_iter()
            .map(|((codec, stored_fields, lucene), segments)| SegmentKind {
                codec: codec.to_owned(),
                stored_fields: stored_fields.to_owned(),
                lucene: lucene.to_owned(),
                segments,
            })
            .collect();
    }
}

impl Documents {
    /// Returns zero counts, all of them known.
    fn none() -> Self {
        Self {
            live: Some(0),
            deleted: 0,
            nested: Some(0),
            without_source: Some(0),
            recovery_source: Some(0),
        }
    }

    fn add(&mut self, more: Self) {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        self.live = sum(self.live, more.live);
        self.deleted += more.deleted;
        self.nested = sum(self.nested, more.nested);
        self.without_source = sum(self.without_source, more.without_source);
        self.recovery_source = sum(self.recovery_source, more.recovery_source);
    }
}

/// Returns what of an index cannot be migrated, and why.
fn obstacles(snapshot: &Snapshot, reading: &IndexReading, documents: &Documents) -> Vec<Obstacle> {
    let obstacle = |kind, shard, documents, reason| Obstacle {
        kind,
        index: reading.name.clone(),
        shard,
        documents,
        reason,
    };
    let mut obstacles: Vec<Obstacle> = Vec::new();
    match &reading.metadata {
        Ok(metadata) => {
            let found = of_sources(metadata, documents);
            let found = found.map(|(kind, counted, reason)| obstacle(kind, None, counted, reason));
            obstacles.extend(found);
            if metadata.document_type.is_none()
                && snapshot.has_types()
                && metadata.mappings.as_object().is_some_and(|types| types.len() > 1)
            {
                let reason = "it has several mapping types; documents of the same id in two of them \
                              would replace each other on the target";
                obstacles.push(obstacle("several-types", None, None, reason.to_owned()));
            }
        }
        Err(error) => obstacles.push(obstacle(kind_of(error), None, None, error.full_message())),
    }
    // If a whole index is refused, all its shards are refused with the same message.
    let mut last = String::new();
    for shard in &reading.shards {
        match &shard.found {
            Ok(found) => {
                if let Some(reason) = derived_vectors(&found.survey) {
                    let documents = found.survey.segments.iter();
                    let documents = documents.map(|segment| segment.documents - segment.deleted);
                    let counted = Some(documents.sum());
                    obstacles.push(obstacle(
                        "derived-vectors",
                        Some(shard.number),
                        counted,
                        reason,
                    ));
                }
            }
            Err(RepositoryError::ShardNotInSnapshot { reason, .. }) => {
                let reason = format!("the snapshot does not hold it: {reason}");
                obstacles.push(obstacle("missing-shard", Some(shard.number), None, reason));
            }
            Err(error) => {
                let reason = error.full_message();
                if reason != last {
                    last.clone_from(&reason);
                    obstacles.push(obstacle(kind_of(error), Some(shard.number), None, reason));
                }
            }
        }
    }
    obstacles
}

/// Returns what the sources of an index lack, and for how many documents.
fn of_sources(
    metadata: &IndexMetadata,
    documents: &Documents,
) -> Option<(&'static str, Option<u64>, String)> {
    let Documents { live, without_source, recovery_source, .. } = *documents;
    let storage = metadata.source_storage();
    let because = &storage.because;
    // An unknown count must be treated as more than zero.
    let some = |count: Option<u64>| count != Some(0);
    let recovery = recovery_source.filter(|count| *count > 0).map_or_else(String::new, |count| {
        format!("; {count} of them still have the copy that is kept for recovery, until a merge drops it")
    });
    match storage.mode {
        SourceMode::Partial if some(live) => Some((
            "partial-source",
            live,
            format!("{because}, so these fields are not in the snapshot{recovery}"),
        )),
        SourceMode::Disabled if some(without_source) => Some((
            "no-source",
            without_source,
            format!("{because}, so the documents are not in the snapshot{recovery}"),
        )),
        mode @ (SourceMode::Synthetic | SourceMode::Derived) if some(without_source) => Some((
            "made-source",
            without_source,
            format!(
                "`_source` is {mode} ({because}): it is made when a document is read and stored \
                 nowhere{recovery}"
            ),
        )),
        SourceMode::Stored if without_source.is_some_and(|count| count > 0) => Some((
            "no-source",
            without_source,
            format!(
                "documents without a source, though the mapping says that it is stored{recovery}"
            ),
        )),
        _ => None,
    }
}

fn derived_vectors(survey: &ShardSurvey) -> Option<String> {
    let mut fields: Vec<&str> = survey
        .segments
        .iter()
        .flat_map(|segment| segment.derived_vectors.iter().map(String::as_str))
        .collect();
    fields.sort_unstable();
    fields.dedup();
    (!fields.is_empty()).then(|| {
        format!(
            "the vectors of `{}` are not in the sources (`index.knn.derived_source.enabled`); set it \
             to false, reindex, and take the snapshot again",
            fields.join("`, `")
        )
    })
}

fn kind_of(error: &RepositoryError) -> &'static str {
    match error {
        RepositoryError::Unsupported { .. } => "unsupported",
        RepositoryError::ShardFolderMissing { .. } | RepositoryError::BlobMissing { .. } => {
            "missing-blob"
        }
        _ => DAMAGED,
    }
}
