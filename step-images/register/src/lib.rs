//! The register step: can the snapshot be read as RFS will read it, and which index belongs to
//! which group?
//!
//! It reads and checks, and only then records. Everything that is wrong is reported at once, and
//! only a register without findings writes: one document for each group, which says what the group
//! means. Later steps read it instead of deciding again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use contract::{
    Exit, Failure,
    register::{RegisterAnswer, RegisterRequest, RegisteredGroup},
};
use coordination::{
    decision::{self, GroupDocument, Origin},
    earlier,
    existing::{self, Claim, Decided, Known},
    faults,
    outlook::{self, Outlook},
    resolve::{self, Opened},
    takeover, working_state,
};
use futures::{StreamExt as _, stream};
use snapshot_repo::{IndexMetadata, IndexState, RepositoryError, ShardFiles};
use step::Context;

/// Findings that a message lists.
const LISTED: usize = 50;

/// For how long a run that holds an index of ours is watched: twice the lease of a work item.
const WATCHED: Duration = Duration::from_mins(2);

/// Blobs of the repository read at once.
const READS_AT_ONCE: usize = 16;

/// Runs the step.
pub async fn run(request: RegisterRequest, context: Context) -> anyhow::Result<RegisterAnswer> {
    register(&request, &context).await
}

async fn register(request: &RegisterRequest, context: &Context) -> anyhow::Result<RegisterAnswer> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let repository = request.snapshot.repository.uri.to_string();
    let origin = Origin {
        run: context.run.as_str(),
        migration: &request.migration,
        snapshot: &opened.snapshot.uuid,
        repository: &repository,
    };

    let names: Vec<String> =
        opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
    let Outlook { groups: decisions, passed_over, known, earlier, mut problems, claims } =
        outlook::look(&client, origin, "the snapshot", &request.groups, &names).await?;
    let picked: BTreeSet<&str> = decisions
        .iter()
        .flat_map(|(_, decided)| &decided.indices)
        .map(|index| index.name.as_str())
        .collect();
    let metadata = read_metadata(&opened, &picked, &mut problems).await?;
    for index in &picked {
        if let Some(metadata) = metadata.get(*index) {
            let aliases = metadata.aliases.keys().map(String::as_str);
            existing::clashing_aliases(index, aliases, &known, &mut problems);
        }
    }
    let sizes = measure(&opened, &metadata, &mut problems).await?;
    if !problems.is_empty() {
        problems.extend(claims.into_keys());
        return Err(Failure::new(Exit::Failed, told(&problems)).into());
    }
    take_idle_places(&client, origin, &claims).await?;

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
    // Only now: of two runs of one migration that register at once, at least one sees the other.
    for line in takeover::of_earlier_runs(&client, origin).await? {
        tracing::warn!("{line}");
    }
    for document in earlier::superseded(&earlier, &written) {
        decision::end(&client, document).await?;
    }
    Ok(RegisterAnswer { snapshot: opened.snapshot.name, groups, passed_over })
}

/// Takes the places of runs that have begun to fill our indices and do nothing any more; others are
/// a reason to stop.
async fn take_idle_places(
    client: &Client,
    origin: Origin<'_>,
    claims: &BTreeMap<String, Claim>,
) -> anyhow::Result<()> {
    let by = takeover::in_favour_of(origin);
    if claims.is_empty() {
        // An attempt of this run may have been killed when it had taken them.
        return takeover::remove_work(client, &by).await;
    }
    for claim in claims.keys() {
        tracing::warn!("{claim}; watching for {WATCHED:?} whether that run still works");
    }
    let decisions: BTreeSet<String> = claims.values().map(|claim| claim.decision.clone()).collect();
    let idle = takeover::of_the_idle(client, &decisions, WATCHED, &by).await?;
    let Some(lines) = idle else {
        let problems: Vec<String> = claims.keys().cloned().collect();
        return Err(Failure::new(Exit::Failed, told(&problems)).into());
    };
    for line in lines {
        tracing::warn!("{line}");
    }
    Ok(())
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
    if written.iter().any(|own| all.iter().all(|other| other.key != own.key)) {
        let message = format!(
            "what was written to `{}` is gone: another migration has just ended and took the index \
             away; try again",
            working_state::INDEX
        );
        return Err(Failure::new(Exit::Temporary, message).into());
    }
    earlier::remember(&all, &earlier::work(client).await?, origin, &mut known);
    let mut problems = Vec::new();
    for GroupDocument { group, indices, .. } in written {
        let decided = Decided { indices: indices.clone(), skipped: Vec::new() };
        let of_others = outlook::claimed(group, &decided, &known, &mut problems);
        problems.extend(of_others.into_keys());
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
    format!("the migration cannot go on; no index of the target was touched:\n{}", lines.join("\n"))
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
        Err(error) if error.is_temporary() => Err(faults::of_repository(error)),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}
