//! Prepare: write the work items, and make the target's indices ready to be filled.

use cluster::{Client, indices};
use contract::{
    ExistingIndices, Exit, Failure, IndexName, IndexUuid, Ledger, fleet::FleetRole, rfs::RfsAnswer,
};
use coordination::{
    count, equal_ids,
    group::GroupDocument,
    registration,
    resolve::{self, OpenSnapshot, ResolvedIndex},
    shard_work::ShardWork,
};
use fleet::{FleetError, Item, NewItem, Work as _, items};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use load::{
    failed_documents,
    tuning::{self, Tuning},
};
use serde_json::json;
use snapshot_repo::{RepositoryError, SourceMode};
use state_store::{Mapping, Stored};

use crate::roles::{Step, answer};

/// Shards whose size is read at the same time.
const MAX_CONCURRENT_READS: usize = 16;

/// The work item of a shard.
type ShardItem = Item<ShardWork>;

pub(crate) async fn prepare(step: &Step) -> Result<RfsAnswer, Failure> {
    let Step { request, context, client, opened } = step;
    let scope = step.scope();
    let group = resolve::group(client, opened, &request.migration, &request.group).await?;
    registration::start_filling(client, &scope).await?;
    let mut items = Vec::new();
    let mut problems = Vec::new();
    for index in &group.indices {
        let of_index = items_of(step, index).await?;
        let documents: u64 = of_index.iter().map(|item| item.documents).sum();
        if documents > 0 {
            problems.extend(without_source(step, index, documents).await?);
        }
        items.extend(of_index);
    }
    if request.group.existing_indices != ExistingIndices::Append {
        problems.extend(filled_meanwhile(step, &group.indices).await?);
    }
    if !problems.is_empty() {
        return Err(Failure::new(Exit::Failed, problems.join("\n")));
    }

    let number = items.len() as u64;
    let kinds = Mapping::of::<GroupDocument>().with::<ShardItem>().with::<Tuning>();
    state_store::ensure(client, &kinds).await?;
    failed_documents::ensure(client, &ShardWork::mapping()).await?;
    for ResolvedIndex { index, .. } in &group.indices {
        let uuid = make_ready(client, &index.name).await?;
        for item in items.iter_mut().filter(|item| item.index == index.name.as_str()) {
            item.target_uuid.clone_from(&uuid);
        }
    }
    remove_excluded(step, &group.indices).await?;
    let created = items::create_missing(client, items.clone()).await?;
    let forget = async |item: &ShardItem| -> Result<(), FleetError> {
        let forgotten = failed_documents::forget(client, &item.key).await;
        forgotten.map_err(|error| FleetError::Step(error.into()))
    };
    let changed = items::continue_earlier(client, &scope.origin, &items, forget).await?;
    tracing::info!(items = number, created, changed, "work items are ready");
    for ResolvedIndex { index, existed, documents: _ } in &group.indices {
        if !existed && !client.is_serverless() {
            tuning::tune(client, &context.run, &scope, &index.name).await?;
        }
    }
    Ok(answer(FleetRole::Prepare, number, Ledger::default()))
}

/// Finds indices into which another process wrote between the register step and now: a person may
/// have taken days to approve. What is in an index that our items fill is ours.
async fn filled_meanwhile(step: &Step, indices: &[ResolvedIndex]) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    let items: Vec<Stored<ShardItem>> =
        items::of_origin(&step.client, &step.scope().origin).await?;
    for ResolvedIndex { index, existed: _, documents } in indices {
        let name = &index.name;
        if !indices::exists(&step.client, name).await? {
            continue;
        }
        let uuid = indices::uuid(&step.client, name).await?.map(IndexUuid::new);
        let fills = |item: &ShardItem| {
            item.index == name.as_str() && (item.target_uuid == uuid || item.target_uuid.is_none())
        };
        if items.iter().any(|stored| fills(&stored.document)) {
            continue;
        }
        let now = count::refresh_and_count(&step.client, name).await?;
        if now > *documents {
            problems.push(format!(
                "index `{name}` is on the target already, with {now} documents, and had {documents} \
                 when the migration began; stop what writes into it and delete it, or set \
                 `existingIndices: append`"
            ));
        }
    }
    Ok(problems)
}

/// Makes the items of an index: one for each shard.
async fn items_of(step: &Step, index: &ResolvedIndex) -> Result<Vec<ShardItem>, RepositoryError> {
    let Step { context, opened, .. } = step;
    let index = &index.index;
    let metadata = opened.repository.index_metadata(&opened.snapshot, index).await?;
    stream::iter(0..metadata.number_of_shards)
        .map(async |shard| {
            let files = opened.repository.shard_files(&opened.snapshot, index, shard).await?;
            let size = opened.repository.shard_size(&files).await?;
            Ok(Item::new(NewItem {
                run: context.run.clone(),
                scope: step.scope(),
                index: IndexName::new(&index.name),
                documents: size.physical.saturating_sub(size.deleted),
                work: ShardWork { index_id: index.id.clone(), shard },
            }))
        })
        .buffered(MAX_CONCURRENT_READS)
        .try_collect()
        .await
}

/// Returns what is wrong with an index that does not keep its documents as they were sent.
async fn without_source(
    step: &Step,
    index: &ResolvedIndex,
    documents: u64,
) -> Result<Option<String>, Failure> {
    let OpenSnapshot { repository, snapshot } = &step.opened;
    let metadata = repository.index_metadata(snapshot, &index.index).await?;
    let name = &index.index.name;
    if metadata.document_type.is_none() && snapshot.has_types() {
        let shards = metadata.number_of_shards;
        let equal = equal_ids::of_index(&step.opened, &index.index, shards).await?;
        if equal.is_some() {
            return Ok(equal);
        }
    }
    let storage = metadata.source_storage();
    let because = &storage.because;
    Ok(match storage.mode {
        SourceMode::Stored => None,
        SourceMode::Partial if step.request.allow_partial_source => {
            tracing::warn!(
                "index `{name}`: {because}; what is missing in the snapshot's documents will not be on \
                 the target"
            );
            None
        }
        SourceMode::Partial => Some(format!(
            "index `{name}` does not keep all fields of its {documents} documents ({because}), so \
             what is missing in the snapshot cannot be searched on the target either; exclude it \
             with `-{name}`, reindex it on the source with a complete `_source`, or set \
             `documentBackfill.allowPartialSource: true` to migrate what is there"
        )),
        SourceMode::Disabled => Some(format!(
            "index `{name}` has no `_source` ({because}), so its {documents} documents cannot be \
             migrated from a snapshot; exclude it with `-{name}`, or reindex it on the source with \
             `_source` enabled"
        )),
        mode @ (SourceMode::Synthetic | SourceMode::Derived) => Some(format!(
            "`_source` of index `{name}` ({documents} documents) is {mode} ({because}): it is not stored, so its \
             documents cannot be migrated from a snapshot; exclude it with `-{name}`, or reindex it on \
             the source with a stored `_source`"
        )),
    })
}

/// Removes the items of indices that the group had before and has no more: they are not asked for,
/// and one that failed would fail the group for ever.
async fn remove_excluded(step: &Step, indices: &[ResolvedIndex]) -> Result<(), Failure> {
    let mut excluded: Vec<Stored<ShardItem>> = items::of_scope(&step.client, &step.scope()).await?;
    excluded.retain(|stored| {
        !indices.iter().any(|resolved| stored.document.index == resolved.index.name.as_str())
    });
    if excluded.is_empty() {
        return Ok(());
    }
    for Stored { document: item, .. } in &excluded {
        tracing::warn!(
            "index `{}` is no longer in group `{}`: its shard {} is not migrated further; \
             documents already written stay on the target",
            item.index,
            item.scope.group,
            item.work.shard
        );
        failed_documents::forget(&step.client, &item.key).await?;
    }
    Ok(state_store::remove(&step.client, &excluded).await?)
}

/// Creates the index if no step before has created it; returns its UUID, if the target names it.
async fn make_ready(client: &Client, index: &str) -> Result<Option<IndexUuid>, Failure> {
    if !indices::exists(client, index).await? {
        tracing::warn!(
            "index `{index}` is not on the target: it is created with the target's templates and \
             defaults, and the types of fields that no template names are guessed from the first \
             documents; to get the types of the source, enable `metadataMigration` for this group"
        );
        indices::create(client, index, json!({})).await.map_err(|error| {
            let Failure { exit, message } = error.into();
            Failure::new(exit, format!("creating the index `{index}` on the target: {message}"))
        })?;
    }
    Ok(indices::uuid(client, index).await?.map(IndexUuid::new))
}
