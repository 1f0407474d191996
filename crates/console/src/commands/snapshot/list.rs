//! `console snapshot list`: which snapshots does a repository hold?

use cli_support::output;
use contract::{Exit, Failure};
use futures::{StreamExt as _, stream};
use serde::Serialize;
use snapshot_repo::{Repository, RepositoryError, Snapshot, SnapshotSummary};

use super::{
    access::{MAX_CONCURRENT_READS, is_access_error},
    progress::{self, Unit},
    text::{Table, instant},
};
use crate::args::Format;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    repository: &'a str,
    snapshots: Vec<ListedSnapshot>,
}

/// One snapshot. If its own file cannot be read, this is what the root list says about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedSnapshot {
    name: String,
    uuid: String,
    state: String,
    server: Option<String>,
    indices: usize,
    shards: Option<u32>,
    successful_shards: Option<u32>,
    global_state: Option<bool>,
    started: Option<String>,
    ended: Option<String>,
    error: Option<String>,
}

impl ListedSnapshot {
    fn of(snapshot: Snapshot) -> Self {
        Self {
            server: Some(snapshot.server()),
            state: snapshot.state.to_string(),
            indices: snapshot.indices.len(),
            shards: Some(snapshot.total_shards),
            successful_shards: Some(snapshot.successful_shards),
            global_state: Some(snapshot.include_global_state),
            started: snapshot.start_millis.and_then(instant),
            ended: snapshot.end_millis.and_then(instant),
            error: None,
            name: snapshot.name,
            uuid: snapshot.uuid,
        }
    }

    fn unreadable(summary: &SnapshotSummary, error: &RepositoryError) -> Self {
        Self {
            name: summary.name.clone(),
            uuid: summary.uuid.clone(),
            state: summary.state.to_string(),
            server: summary.version.clone(),
            indices: summary.index_count,
            shards: None,
            successful_shards: None,
            global_state: None,
            started: None,
            ended: None,
            error: Some(error.full_message()),
        }
    }
}

/// Lists the snapshots in order of start time. Reads the list and each snapshot's own file, and fails at the
/// end if one cannot be read. `flags` name the repository.
pub(super) async fn run(
    repository: &Repository,
    flags: &str,
    format: Format,
) -> anyhow::Result<Exit> {
    let contents = repository.contents().await.map_err(Failure::from)?;
    let bar = progress::bar("reading", contents.snapshots.len() as u64, Unit::Snapshots);
    let mut reads = stream::iter(&contents.snapshots)
        .map(async |summary| (summary, repository.listed_snapshot(&contents, summary).await))
        .buffered(MAX_CONCURRENT_READS);
    let mut snapshots = Vec::with_capacity(contents.snapshots.len());
    while let Some((summary, read)) = reads.next().await {
        bar.inc(1);
        snapshots.push(match read {
            Ok(snapshot) => ListedSnapshot::of(snapshot),
            Err(error) if is_access_error(&error) => return Err(Failure::from(error).into()),
            Err(error) => ListedSnapshot::unreadable(summary, &error),
        });
    }
    bar.finish_and_clear();
    snapshots.sort_by(|one, other| (&one.started, &one.name).cmp(&(&other.started, &other.name)));
    let broken = snapshots.iter().any(|snapshot| snapshot.error.is_some());
    match format {
        Format::Json => output::json(&List { repository: repository.uri(), snapshots })?,
        Format::Text if snapshots.is_empty() => {
            output::message(&format!("`{}` holds no snapshots", repository.uri()));
        }
        Format::Text => {
            output::plain(&table(&snapshots))?;
            for error in snapshots.iter().filter_map(|snapshot| snapshot.error.as_ref()) {
                output::message(error);
            }
            if let Some(last) = snapshots.iter().rfind(|snapshot| snapshot.error.is_none()) {
                output::hint(&format!("console snapshot show {flags} --snapshot {}", last.name));
            }
        }
    }
    Ok(if broken { Exit::Failed } else { Exit::Done })
}

fn table(snapshots: &[ListedSnapshot]) -> String {
    let mut table =
        Table::new(&["SNAPSHOT", "STATE", "TAKEN BY", "STARTED", ">INDICES", ">SHARDS"]);
    for snapshot in snapshots {
        let shards = match (snapshot.successful_shards, snapshot.shards) {
            (Some(whole), Some(all)) if whole != all => format!("{whole} of {all}"),
            (_, Some(all)) => all.to_string(),
            (_, None) => "-".to_owned(),
        };
        table.row([
            snapshot.name.clone(),
            if snapshot.error.is_some() { "UNREADABLE".to_owned() } else { snapshot.state.clone() },
            snapshot.server.clone().unwrap_or_else(|| "-".to_owned()),
            snapshot.started.clone().unwrap_or_else(|| "-".to_owned()),
            snapshot.indices.to_string(),
            shards,
        ]);
    }
    table.to_string()
}
