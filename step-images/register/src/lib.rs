//! The register step: can the snapshot be read as RFS will read it, and which index belongs to
//! which group?
//!
//! It reads and checks, and only then records. Everything that is wrong is reported together, and
//! only a register without findings writes: one document for each group, which says what the group
//! means. Later steps read it instead of deciding again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use contract::{
    Exit, Failure, MigrationName, SnapshotUuid,
    register::{RegisterAnswer, RegisterRequest, RegisteredGroup},
};
use coordination::{
    assessment::{self, Assessment},
    decision,
    existing_indices::{self, Claim, GroupPlan, KnownTarget},
    group::{GroupDocument, RunOrigin},
    ownership,
    resolve::{self, OpenSnapshot},
    takeover,
};
use futures::{StreamExt as _, stream};
use snapshot_repo::{IndexMetadata, IndexState, RepositoryError, ShardFiles};
use step::Context;

/// Findings that a message lists.
const MAX_LISTED: usize = 50;

/// For how long a run that holds an index of ours is observed: twice the lease of a work item.
const OBSERVATION_TIME: Duration = Duration::from_mins(2);

/// Blobs of the repository that are read at the same time.
const MAX_CONCURRENT_READS: usize = 16;

/// Runs the step.
pub async fn run(request: RegisterRequest, context: Context) -> anyhow::Result<RegisterAnswer> {
    Ok(register(&request, &context).await?)
}

/// Every fault is turned into a [`Failure`] where it leaves a library, so that it keeps its code.
async fn register(request: &RegisterRequest, context: &Context) -> Result<RegisterAnswer, Failure> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let origin = RunOrigin {
        run: context.run.clone(),
        migration: MigrationName::new(&request.migration),
        snapshot: SnapshotUuid::new(&opened.snapshot.uuid),
        repository: request.snapshot.repository.uri.clone(),
    };

    let names: Vec<String> =
        opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
    let Assessment { groups: plans, passed_over, known, earlier, mut problems, claims } =
        assessment::assess(&client, &origin, "the snapshot", &request.groups, &names).await?;
    let picked: BTreeSet<&str> =
        plans.iter().flat_map(|(_, plan)| &plan.indices).map(|index| index.name.as_str()).collect();
    let metadata = read_metadata(&opened, &picked, &mut problems).await?;
    for index in &picked {
        if let Some(metadata) = metadata.get(*index) {
            let aliases = metadata.aliases.keys().map(String::as_str);
            existing_indices::clashing_aliases(index, aliases, &known, &mut problems);
        }
    }
    let sizes = measure(&opened, &metadata, &mut problems).await?;
    if !problems.is_empty() {
        problems.extend(claims.into_keys());
        return Err(Failure::new(Exit::Failed, findings(&problems)));
    }
    take_idle_places(&client, &origin, &claims).await?;

    decision::ensure_index(&client).await?;
    let mut written = Vec::new();
    let mut groups = Vec::new();
    for (group, GroupPlan { indices, skipped }) in plans {
        let size = |index: &str| sizes.get(index).copied().unwrap_or_default();
        groups.push(RegisteredGroup {
            name: group.name.clone(),
            shards: indices.iter().map(|index| size(&index.name).shards).sum(),
            bytes: indices.iter().map(|index| size(&index.name).bytes).sum(),
            indices: indices.iter().map(|index| index.name.clone()).collect(),
            skipped: skipped.clone(),
        });
        let document = GroupDocument::new(&origin, group, indices, skipped);
        decision::write(&client, &document).await?;
        written.push(document);
    }
    claimed_meanwhile(&client, &origin, &written).await?;
    // Only now: of two runs of one migration that register concurrently, at least one sees the other.
    for line in takeover::of_earlier_runs(&client, &origin).await? {
        tracing::warn!("{line}");
    }
    for document in ownership::superseded(&earlier, &written) {
        decision::end(&client, document).await?;
    }
    Ok(RegisterAnswer { snapshot: opened.snapshot.name, groups, passed_over })
}

/// Takes the places of runs that have begun to fill our indices and do nothing any more. A run that
/// still works is a reason to stop.
async fn take_idle_places(
    client: &Client,
    origin: &RunOrigin,
    claims: &BTreeMap<String, Claim>,
) -> Result<(), Failure> {
    let by = takeover::in_favour_of(origin);
    if claims.is_empty() {
        // An attempt of this run may have been killed when it had taken them.
        return Ok(takeover::remove_items(client, &by).await?);
    }
    for claim in claims.keys() {
        tracing::warn!("{claim}; observing for {OBSERVATION_TIME:?} whether that run still works");
    }
    let decisions: BTreeSet<String> = claims.values().map(|claim| claim.decision.clone()).collect();
    let idle = takeover::of_idle_runs(client, &decisions, OBSERVATION_TIME, &by).await?;
    let Some(lines) = idle else {
        let problems: Vec<String> = claims.keys().cloned().collect();
        return Err(Failure::new(Exit::Failed, findings(&problems)));
    };
    for line in lines {
        tracing::warn!("{line}");
    }
    Ok(())
}

/// Checks again: two migrations may have decided at the same time. Both have written before either
/// checks, so at least one of them sees the other and withdraws.
async fn claimed_meanwhile(
    client: &Client,
    origin: &RunOrigin,
    written: &[GroupDocument],
) -> Result<(), Failure> {
    let mut known = KnownTarget::default();
    let all = decision::all(client).await?;
    if written.iter().any(|own| all.iter().all(|other| other.key != own.key)) {
        let message = format!(
            "what was written to `{}` is gone: another migration has just ended and took the index \
             away; try again",
            state_store::INDEX
        );
        return Err(Failure::new(Exit::Temporary, message));
    }
    ownership::note_owners(&all, &ownership::items(client).await?, origin, &mut known);
    let mut problems = Vec::new();
    for GroupDocument { scope, indices, .. } in written {
        let plan = GroupPlan { indices: indices.clone(), skipped: Vec::new() };
        let claims = assessment::claimed(scope.group.as_str(), &plan, &known, &mut problems);
        problems.extend(claims.into_keys());
    }
    if problems.is_empty() {
        return Ok(());
    }
    for document in written {
        decision::end(client, document).await?;
    }
    Err(Failure::new(Exit::Failed, findings(&problems)))
}

/// Lists the findings, but no more than a person reads.
fn findings(problems: &[String]) -> String {
    let mut lines: Vec<String> =
        problems.iter().take(MAX_LISTED).map(|problem| format!("- {problem}")).collect();
    if problems.len() > MAX_LISTED {
        lines.push(format!("- and {} more of this kind", problems.len() - MAX_LISTED));
    }
    format!(
        "the migration cannot continue; no index of the target was touched:\n{}",
        lines.join("\n")
    )
}

async fn read_metadata(
    opened: &OpenSnapshot,
    names: &BTreeSet<&str>,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, IndexMetadata>, RepositoryError> {
    let wanted = opened.snapshot.indices.iter().filter(|index| names.contains(index.name.as_str()));
    let read: Vec<Result<IndexMetadata, RepositoryError>> = stream::iter(wanted)
        .map(|index| opened.repository.index_metadata(&opened.snapshot, index))
        .buffered(MAX_CONCURRENT_READS)
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
    opened: &OpenSnapshot,
    metadata: &BTreeMap<String, IndexMetadata>,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, Size>, RepositoryError> {
    let shards = opened.snapshot.indices.iter().flat_map(|index| {
        let number = metadata.get(&index.name).map_or(0, |metadata| metadata.number_of_shards);
        (0..number).map(move |shard| (index, shard))
    });
    let read: Vec<Result<ShardFiles, RepositoryError>> = stream::iter(shards)
        .map(|(index, shard)| opened.repository.shard_files(&opened.snapshot, index, shard))
        .buffered(MAX_CONCURRENT_READS)
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
) -> Result<Option<T>, RepositoryError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_temporary() => Err(error),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}
