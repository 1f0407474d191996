//! `console snapshot show`: what does a snapshot hold, and what of it cannot be migrated?
//!
//! ```text
//! metadata of each index ──> list of files and segments of each shard ──> every document
//!                                                                       (not with `--quick`)
//! ```

use std::thread;

use cli_support::output;
use contract::{
    Exit, Failure,
    numbers::{grouped, size},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use snapshot_repo::{
    IndexMetadata, Position, PositionCounts, Repository, RepositoryError, ShardFiles, Snapshot,
    SnapshotIndex,
};

use super::{
    access::{MAX_CONCURRENT_READS, is_access_error},
    progress::{self, Unit},
    report::{IndexReading, Part, Report, ShardContent, ShardReading},
    text::Table,
};
use crate::args::Format;

/// A shard whose files are known.
struct Surveyed {
    at: (usize, usize),
    files: ShardFiles,
}

/// Prints what the snapshot holds. Fails if a part of it is damaged.
pub(super) async fn run(
    repository: &Repository,
    name: &str,
    quick: bool,
    format: Format,
) -> anyhow::Result<Exit> {
    let snapshot = repository.snapshot(name).await.map_err(Failure::from)?;
    let (mut readings, surveyed) = survey(repository, &snapshot).await.map_err(Failure::from)?;
    if !quick {
        read_documents(repository, &mut readings, surveyed).await.map_err(Failure::from)?;
    }
    let report = Report::new(repository.uri(), &snapshot, &readings);
    match format {
        Format::Json => output::json(&report)?,
        Format::Text => output::plain(&text(&report))?,
    }
    Ok(if report.is_damaged() { Exit::Failed } else { Exit::Done })
}

/// Looks at the small files: metadata, lists of files, segments.
async fn survey(
    repository: &Repository,
    snapshot: &Snapshot,
) -> Result<(Vec<IndexReading>, Vec<Surveyed>), RepositoryError> {
    let bar = progress::bar("surveying", u64::from(snapshot.total_shards), Unit::Shards);
    let metadata: Vec<Result<IndexMetadata, RepositoryError>> = stream::iter(&snapshot.indices)
        .map(async |index| separate(repository.index_metadata(snapshot, index).await))
        .buffered(MAX_CONCURRENT_READS)
        .try_collect()
        .await?;
    let shards =
        snapshot.indices.iter().zip(&metadata).enumerate().flat_map(|(at, (index, read))| {
            let metadata = read.as_ref().ok();
            let shards = 0..metadata.map_or(0, |metadata| metadata.number_of_shards);
            shards.filter_map(move |shard| Some((at, index, metadata?, shard)))
        });
    let found: Vec<_> = stream::iter(shards)
        .map(async |(at, index, metadata, shard)| {
            let found = survey_shard(repository, snapshot, (index, metadata), shard).await;
            bar.inc(1);
            separate(found).map(|found| (at, shard, found))
        })
        .buffered(MAX_CONCURRENT_READS)
        .try_collect()
        .await?;
    bar.finish_and_clear();

    let indices = snapshot.indices.iter().zip(metadata);
    let mut readings: Vec<IndexReading> = indices
        .map(|(index, metadata)| IndexReading {
            name: index.name.clone(),
            metadata,
            shards: Vec::new(),
        })
        .collect();
    let mut surveyed = Vec::new();
    for (at, number, found) in found {
        let Some(reading) = readings.get_mut(at) else { continue };
        let found = found.map(|(files, found)| {
            surveyed.push(Surveyed { at: (at, reading.shards.len()), files });
            found
        });
        reading.shards.push(ShardReading { number, found });
    }
    Ok((readings, surveyed))
}

/// Separates findings about the snapshot from errors of the store, which end the command.
fn separate<T>(
    result: Result<T, RepositoryError>,
) -> Result<Result<T, RepositoryError>, RepositoryError> {
    match result {
        Err(error) if is_access_error(&error) => Err(error),
        other => Ok(other),
    }
}

async fn survey_shard(
    repository: &Repository,
    snapshot: &Snapshot,
    (index, metadata): (&SnapshotIndex, &IndexMetadata),
    shard: u32,
) -> Result<(ShardFiles, ShardContent), RepositoryError> {
    let files = repository.shard_files_of(snapshot, index, metadata, shard).await?;
    let survey = repository.shard_survey(&files).await?;
    let found = ShardContent { bytes: files.total_bytes(), survey, ledger: None };
    Ok((files, found))
}

/// Reads every document, with as many concurrent shards as there are processors.
async fn read_documents(
    repository: &Repository,
    readings: &mut [IndexReading],
    surveyed: Vec<Surveyed>,
) -> Result<(), RepositoryError> {
    let shard_at = |readings: &[IndexReading], (index, shard): (usize, usize)| {
        let found = readings.get(index)?.shards.get(shard)?.found.as_ref().ok()?;
        let segments = &found.survey.segments;
        let readable = segments.iter().all(|segment| segment.derived_vectors.is_empty());
        readable.then(|| segments.iter().map(|segment| segment.documents).sum::<u64>())
    };
    let readable: Vec<Surveyed> =
        surveyed.into_iter().filter(|shard| shard_at(readings, shard.at).is_some()).collect();
    let total = readable.iter().filter_map(|shard| shard_at(readings, shard.at)).sum();
    let bar = progress::bar("counting", total, Unit::Documents);
    let concurrent = thread::available_parallelism().map_or(1, usize::from);
    let mut counts = stream::iter(readable)
        .map(async |Surveyed { at, files }| (at, count_documents(repository, files, &bar).await))
        .buffer_unordered(concurrent);
    while let Some(((index, shard), counted)) = counts.next().await {
        let counted = separate(counted)?;
        let reading = readings.get_mut(index).and_then(|reading| reading.shards.get_mut(shard));
        if let Some(ShardReading { found, .. }) = reading {
            match (counted, found) {
                (Ok(ledger), Ok(found)) => found.ledger = Some(ledger),
                (Err(error), found) => *found = Err(error),
                (Ok(_), Err(_)) => {}
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

async fn count_documents(
    repository: &Repository,
    files: ShardFiles,
    bar: &ProgressBar,
) -> Result<PositionCounts, RepositoryError> {
    let mut documents = repository.documents(files, Position::START);
    let mut before = 0;
    while documents.next().await?.is_some() {
        let physical = documents.ledger().physical;
        bar.inc(physical - before);
        before = physical;
    }
    Ok(documents.ledger())
}

fn text(report: &Report) -> String {
    let Report { totals, .. } = report;
    let known = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), grouped);
    let mut lines = vec![format!("snapshot `{}`, {}", report.snapshot, report.state)];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<13} {value}"));
    fact("uuid", report.uuid.clone());
    fact("taken by", report.server.clone());
    if let Some(started) = &report.started {
        fact("started", started.clone());
    }
    if let Some(ended) = &report.ended {
        fact("ended", ended.clone());
    }
    fact("global state", if report.global_state { "yes" } else { "no" }.to_owned());
    let missing = match totals.missing_shards {
        0 => String::new(),
        missing => format!(", {missing} of them missing or unreadable"),
    };
    fact("indices", format!("{} with {} shards{missing}", report.indices.len(), totals.shards));
    let (all, stored) = (size(totals.size_bytes), size(totals.stored_bytes));
    fact("size", format!("{all}, {stored} of it stored fields in {} segments", totals.segments));
    let documents = totals.documents;
    fact(
        "documents",
        format!(
            "{} live, {} deleted, {} nested, {} without source",
            known(documents.live),
            grouped(documents.deleted),
            known(documents.nested),
            known(documents.without_source)
        ),
    );
    for codec in &totals.codecs {
        let (name, stored, lucene) = (&codec.codec, &codec.stored_fields, &codec.lucene);
        fact("codec", format!("{name}, {stored}, Lucene {lucene}: {} segments", codec.segments));
    }
    let mut text = lines.join("\n") + "\n\n" + &indices(report);
    if report.cannot_migrate.is_empty() {
        text.push_str("\nEverything in it can be migrated.\n");
    } else {
        text.push_str("\nWhat cannot be migrated as it is:\n");
    }
    for obstacle in &report.cannot_migrate {
        let shard = obstacle.shard.map_or_else(String::new, |shard| format!(" shard {shard}"));
        let documents = match obstacle.documents {
            Some(documents) => format!(" ({} documents)", grouped(documents)),
            None => String::new(),
        };
        let (index, reason) = (&obstacle.index, &obstacle.reason);
        text.push_str(&format!("  `{index}`{shard}{documents}: {reason}\n"));
    }
    text
}

fn indices(report: &Report) -> String {
    let known = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), grouped);
    let headings = [
        "INDEX",
        ">SHARDS",
        ">SIZE",
        ">LIVE",
        ">DELETED",
        ">NESTED",
        ">NO SOURCE",
        "SOURCE",
        "CODECS",
    ];
    let mut table = Table::new(&headings);
    for index in &report.indices {
        let Part { shards, missing_shards, size_bytes, documents, codecs, .. } = &index.part;
        let mut formats: Vec<&str> = codecs.iter().map(|codec| codec.codec.as_str()).collect();
        formats.dedup();
        let closed = if index.closed { " (closed)" } else { "" };
        table.row([
            format!("{}{closed}", index.name),
            match missing_shards {
                0 => shards.to_string(),
                missing => format!("{} of {shards}", shards - missing),
            },
            size(*size_bytes),
            known(documents.live),
            grouped(documents.deleted),
            known(documents.nested),
            known(documents.without_source),
            index.source.unwrap_or("-").to_owned(),
            formats.join(", "),
        ]);
    }
    table.to_string()
}
