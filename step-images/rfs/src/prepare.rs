//! Prepare: write the work items, and make the target's indices ready to be filled.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::{Client, indices};
use contract::{
    ExistingIndices, Exit, Failure, Ledger,
    rfs::{RfsAnswer, RfsRole},
};
use coordination::{
    count, decision, equal_ids, faults,
    resolve::{self, ResolvedIndex},
    working_state::{self, Stored},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use snapshot_repo::SourceMode;

use crate::{
    Step, failed_documents,
    state::{self, Item, NewItem},
    tuning,
};

/// Shards whose size is looked up at once.
const SHARDS_AT_ONCE: usize = 16;

/// Tries to change an item that its holder writes at the same time.
const ATTEMPTS: usize = 5;

pub(crate) async fn prepare(step: &Step) -> anyhow::Result<RfsAnswer> {
    let Step { request, context, client, opened } = step;
    let group = resolve::group(client, opened, &request.migration, &request.group).await?;
    decision::fill(client, &opened.snapshot.uuid, &request.migration, &request.group.name).await?;
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
        return Err(Failure::new(Exit::Failed, problems.join("\n")).into());
    }

    let number = items.len() as u64;
    working_state::ensure(client).await?;
    failed_documents::ensure(client).await?;
    for ResolvedIndex { index, .. } in &group.indices {
        let uuid = make_ready(client, &index.name).await?;
        for item in items.iter_mut().filter(|item| item.index == index.name) {
            item.target_uuid.clone_from(&uuid);
        }
    }
    remove_excluded(step, &group.indices).await?;
    let fresh: BTreeMap<String, Item> =
        items.iter().map(|item| (item.key.clone(), item.clone())).collect();
    let created = state::create_missing(client, items).await?;
    let changed = go_on(step, &fresh).await?;
    tracing::info!(items = number, created, changed, "work items are ready");
    for ResolvedIndex { index, existed, documents: _ } in &group.indices {
        if !existed && !client.is_serverless() {
            tuning::tune(client, context.run.as_str(), step.scope(), &index.name).await?;
        }
    }
    Ok(RfsAnswer {
        role: RfsRole::Prepare,
        items: number,
        ledger: Ledger::default(),
        bytes_read: 0,
    })
}

/// Finds indices into which somebody wrote between the register step and now: a person may have
/// taken days to approve. What is in an index that our items fill is ours.
async fn filled_meanwhile(step: &Step, indices: &[ResolvedIndex]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let items = state::of_snapshot(&step.client, step.scope().snapshot).await?;
    for ResolvedIndex { index, existed: _, documents } in indices {
        let name = &index.name;
        if !indices::exists(&step.client, name).await.map_err(Failure::from)? {
            continue;
        }
        let uuid = indices::uuid(&step.client, name).await.map_err(Failure::from)?;
        let fills = |item: &Item| {
            item.index == *name && (item.target_uuid == uuid || item.target_uuid.is_none())
        };
        if items.iter().any(|stored| fills(&stored.document)) {
            continue;
        }
        let now = count::visible(&step.client, name).await?;
        if now > *documents {
            problems.push(format!(
                "index `{name}` of the target has {now} documents, and had {documents} when the \
                 migration began; stop what writes into it and delete it, or set \
                 `existingIndices: append`"
            ));
        }
    }
    Ok(problems)
}

/// Makes the items of an index: one for each shard.
async fn items_of(step: &Step, index: &ResolvedIndex) -> anyhow::Result<Vec<Item>> {
    let Step { context, opened, .. } = step;
    let index = &index.index;
    let metadata = opened
        .repository
        .index_metadata(&opened.snapshot, index)
        .await
        .map_err(faults::of_repository)?;
    stream::iter(0..metadata.number_of_shards)
        .map(async |shard| {
            let files = opened.repository.shard_files(&opened.snapshot, index, shard).await?;
            let size = opened.repository.shard_size(&files).await?;
            Ok(Item::new(NewItem {
                run: context.run.as_str(),
                scope: step.scope(),
                index: &index.name,
                index_id: &index.id,
                shard,
                documents: size.physical.saturating_sub(size.deleted),
            }))
        })
        .buffered(SHARDS_AT_ONCE)
        .try_collect()
        .await
        .map_err(faults::of_repository)
}

/// Says what is wrong with an index that does not keep its documents as they were sent.
async fn without_source(
    step: &Step,
    index: &ResolvedIndex,
    documents: u64,
) -> anyhow::Result<Option<String>> {
    let metadata = step
        .opened
        .repository
        .index_metadata(&step.opened.snapshot, &index.index)
        .await
        .map_err(faults::of_repository)?;
    let name = &index.index.name;
    if metadata.document_type.is_none() && step.opened.snapshot.has_types() {
        let shards = metadata.number_of_shards;
        let equal = equal_ids::of_index(&step.opened, &index.index, shards).await?;
        if equal.is_some() {
            return Ok(equal);
        }
    }
    let keeping = metadata.source_keeping();
    let because = &keeping.because;
    Ok(match keeping.mode {
        SourceMode::Stored => None,
        SourceMode::Partial if step.request.allow_partial_source => {
            tracing::warn!(
                "index `{name}`: {because}; what is missing in the snapshot's documents will not be on \
                 the target"
            );
            None
        }
        SourceMode::Partial => Some(format!(
            "index `{name}` does not keep all fields of its {documents} documents ({because}), so what \
             is missing in the snapshot cannot be searched on the target either; exclude it with \
             `-{name}`, reindex it on the source with a whole `_source`, or set \
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

/// Removes the items of indices that the group had before and has no more: nobody asks for them,
/// and one that failed would fail the group for ever.
async fn remove_excluded(step: &Step, indices: &[ResolvedIndex]) -> anyhow::Result<()> {
    let mut excluded = state::items(&step.client, step.scope()).await?;
    excluded.retain(|stored| {
        !indices.iter().any(|ResolvedIndex { index, .. }| index.name == stored.document.index)
    });
    if excluded.is_empty() {
        return Ok(());
    }
    for Stored { document: item, .. } in &excluded {
        tracing::warn!(
            "index `{}` is no longer in group `{}`: its shard {} is not migrated; what was written \
             of it stays on the target",
            item.index,
            item.group,
            item.shard
        );
        failed_documents::forget(&step.client, item).await?;
    }
    working_state::remove(&step.client, &excluded).await
}

/// Decides which of the items that were there already go on, start again or change hands.
async fn go_on(step: &Step, fresh: &BTreeMap<String, Item>) -> anyhow::Result<u64> {
    let mut changed = 0;
    for stored in state::of_snapshot(&step.client, step.scope().snapshot).await? {
        let Some(fresh) = fresh.get(&stored.key) else { continue };
        changed += u64::from(go_on_with(step, stored, fresh).await?);
    }
    Ok(changed)
}

/// Writes what becomes of one item; if its holder writes meanwhile, looks again.
async fn go_on_with(step: &Step, stored: Stored<Item>, fresh: &Item) -> anyhow::Result<bool> {
    let mut found = Some(stored);
    for _ in 0..ATTEMPTS {
        let Some(Stored { key, version, document: item }) = found else { break };
        let Some(next) = item.continued(fresh) else { return Ok(false) };
        if next.ledger != item.ledger || next.state != item.state {
            failed_documents::forget(&step.client, &item).await?;
        }
        if state::save(&step.client, version, &next).await?.is_some() {
            return Ok(true);
        }
        found = working_state::get(&step.client, &key).await?;
    }
    let message = format!(
        "the work item of index `{}` shard {} changes all the time: another run works on it; wait \
         until it has ended",
        fresh.index, fresh.shard
    );
    Err(Failure::new(Exit::Temporary, message).into())
}

/// Makes the index if no step before has made it; answers its uuid, if the target tells it.
async fn make_ready(client: &Client, index: &str) -> anyhow::Result<Option<String>> {
    if !indices::exists(client, index).await.map_err(Failure::from)? {
        tracing::warn!(
            "index `{index}` is not on the target: it is made with the target's templates and \
             defaults, and the types of fields that no template names are guessed from the first \
             documents; to have those of the source, migrate its metadata too"
        );
        indices::create(client, index, json!({}))
            .await
            .map_err(Failure::from)
            .with_context(|| format!("making the index `{index}` on the target"))?;
    }
    Ok(indices::uuid(client, index).await.map_err(Failure::from)?)
}
