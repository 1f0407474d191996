//! What the step does: read, check, and only then record.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use cluster::Client;
use futures::{StreamExt as _, stream};
use snapshot_repo::{IndexMetadata, IndexState, RepositoryError, ShardFiles};
use step_api::{
    Context, Exit, Failure,
    register::{RegisterAnswer, RegisterRequest, RegisteredGroup},
};

use crate::{
    decision::{self, DecidedIndex, GroupDocument, Origin},
    earlier,
    existing::{self, Decided, Known},
    faults,
    resolve::{self, Opened},
    selection, target, working_state,
};

/// Findings that a message lists.
const LISTED: usize = 50;

/// Blobs of the repository read at once.
const READS_AT_ONCE: usize = 16;

/// Runs the step.
pub fn run(request: &RegisterRequest, context: &Context) -> anyhow::Result<RegisterAnswer> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(register(request, context))
}

async fn register(request: &RegisterRequest, context: &Context) -> anyhow::Result<RegisterAnswer> {
    let client = Client::new(&request.target, &context.target, &context.storage)
        .map_err(faults::of_cluster)?;
    let opened = resolve::open(&request.snapshot, context).await?;
    let origin = Origin {
        run: context.run.as_str(),
        migration: &request.migration,
        snapshot: &opened.snapshot.uuid,
        repository: &request.snapshot.repository.uri,
    };

    let names: Vec<String> =
        opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
    let selection = selection::select(&request.groups, &names);
    let mut problems = selection.problems;
    let picked: BTreeSet<&str> =
        selection.groups.iter().flat_map(|group| &group.indices).map(String::as_str).collect();

    let metadata = read_metadata(&opened, &picked, &mut problems).await?;
    let mut known = target::look(&client, &picked).await?;
    let earlier = decision::all(&client).await?;
    earlier::remember(&earlier, &earlier::work(&client).await?, origin, &mut known);

    let mut decisions = Vec::new();
    for group in &selection.groups {
        let decided = match earlier::reusable(&earlier, origin, group.group, &known) {
            Some(decided) => decided,
            None => existing::decide(group, &known, &mut problems),
        };
        existing::claimed(&group.group.name, &decided, &known, &mut problems);
        for DecidedIndex { name: index, .. } in &decided.indices {
            if let Some(metadata) = metadata.get(index) {
                let aliases = metadata.aliases.keys().map(String::as_str);
                existing::clashing_aliases(index, aliases, &known, &mut problems);
            }
        }
        decisions.push((group.group, decided));
    }
    let sizes = measure(&opened, &metadata, &mut problems).await?;
    if !problems.is_empty() {
        return Err(Failure::new(Exit::Failed, told(&problems)).into());
    }

    working_state::ensure(&client).await?;
    let mut written = Vec::new();
    let mut groups = Vec::new();
    for (group, Decided { indices, skipped }) in decisions {
        let size = |index: &str| sizes.get(index).copied().unwrap_or_default();
        groups.push(RegisteredGroup {
            name: group.name.clone(),
            shards: indices.iter().map(|index| size(&index.name).shards).sum(),
            bytes: indices.iter().map(|index| size(&index.name).bytes).sum(),
            indices: indices.iter().map(|index| index.name.clone()).collect(),
            skipped: skipped.clone(),
        });
        let document = GroupDocument::new(origin, group, indices, skipped);
        decision::write(&client, &document).await?;
        written.push(document);
    }
    claimed_meanwhile(&client, origin, &written).await?;
    for document in earlier::superseded(&earlier, &written) {
        decision::end(&client, document).await?;
    }
    Ok(RegisterAnswer {
        snapshot: opened.snapshot.name,
        groups,
        passed_over: selection.passed_over,
    })
}

/// Looks again: two migrations may have decided at the same time. Both have written before either
/// looks, so at least one of them sees the other and withdraws.
async fn claimed_meanwhile(
    client: &Client,
    origin: Origin<'_>,
    written: &[GroupDocument],
) -> anyhow::Result<()> {
    let mut known = Known::default();
    let all = decision::all(client).await?;
    earlier::remember(&all, &earlier::work(client).await?, origin, &mut known);
    let mut problems = Vec::new();
    for GroupDocument { group, indices, .. } in written {
        let decided = Decided { indices: indices.clone(), skipped: Vec::new() };
        existing::claimed(group, &decided, &known, &mut problems);
    }
    if problems.is_empty() {
        return Ok(());
    }
    for document in written {
        decision::end(client, document).await?;
    }
    Err(Failure::new(Exit::Failed, told(&problems)).into())
}

/// Writes all findings, one after the other, but no more than a person reads.
fn told(problems: &[String]) -> String {
    let mut lines: Vec<String> =
        problems.iter().take(LISTED).map(|problem| format!("- {problem}")).collect();
    if problems.len() > LISTED {
        lines.push(format!("- and {} more of this kind", problems.len() - LISTED));
    }
    format!("the migration cannot go on; nothing was written to the target:\n{}", lines.join("\n"))
}

async fn read_metadata(
    opened: &Opened,
    names: &BTreeSet<&str>,
    problems: &mut Vec<String>,
) -> anyhow::Result<BTreeMap<String, IndexMetadata>> {
    let wanted = opened.snapshot.indices.iter().filter(|index| names.contains(index.name.as_str()));
    let read: Vec<Result<IndexMetadata, RepositoryError>> = stream::iter(wanted)
        .map(|index| opened.repository.index_metadata(&opened.snapshot, index))
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let mut found = BTreeMap::new();
    for metadata in read {
        if let Some(metadata) = noted(metadata, problems)? {
            if metadata.state == IndexState::Close {
                tracing::warn!(
                    "index `{}` was closed when the snapshot was taken; its documents are migrated \
                     into an open index",
                    metadata.name
                );
            }
            found.insert(metadata.name.clone(), metadata);
        }
    }
    Ok(found)
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    shards: u64,
    bytes: u64,
}

/// Reads every shard's list of files, as RFS will.
async fn measure(
    opened: &Opened,
    metadata: &BTreeMap<String, IndexMetadata>,
    problems: &mut Vec<String>,
) -> anyhow::Result<BTreeMap<String, Size>> {
    let shards = opened.snapshot.indices.iter().flat_map(|index| {
        let number = metadata.get(&index.name).map_or(0, |metadata| metadata.number_of_shards);
        (0..number).map(move |shard| (index, shard))
    });
    let read: Vec<Result<ShardFiles, RepositoryError>> = stream::iter(shards)
        .map(|(index, shard)| opened.repository.shard_files(&opened.snapshot, index, shard))
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
    for files in read {
        if let Some(files) = noted(files, problems)? {
            let size = sizes.entry(files.index.clone()).or_default();
            size.shards += 1;
            size.bytes += files.total_bytes();
        }
    }
    Ok(sizes)
}

/// Adds what is wrong with the repository to the problems; a passing fault ends the step.
fn noted<T>(
    result: Result<T, RepositoryError>,
    problems: &mut Vec<String>,
) -> anyhow::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if faults::is_passing(&error) => Err(faults::of_repository(error)),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}
