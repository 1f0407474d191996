//! Prepare: write the work items, and make the target's indices ready to be filled.

use anyhow::Context as _;
use cluster::{Client, Request, path};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use register_step::{
    count, faults,
    resolve::{self, ResolvedIndex},
    working_state,
};
use step_api::{
    Exit, Failure,
    register::ExistingIndices,
    rfs::{Ledger, RfsAnswer, RfsRole},
};

use crate::{
    Step, failed_documents,
    source_mode::{self, SourceMode},
    state::{self, Item, ItemState, NewItem},
    tuning,
};

/// Shards whose size is looked up at once.
const SHARDS_AT_ONCE: usize = 16;

pub(crate) async fn prepare(step: &Step) -> anyhow::Result<RfsAnswer> {
    let Step { request, context, client, opened } = step;
    let group = resolve::group(client, opened, &request.group).await?;
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
    let created = state::create_missing(client, items).await?;
    let reopened = reopen(step).await?;
    tracing::info!(items = number, created, reopened, "work items are ready");
    for ResolvedIndex { index, existed, documents: _ } in &group.indices {
        make_ready(client, &index.name).await?;
        if !existed && !client.is_serverless() {
            tuning::tune(client, context.run.as_str(), step.scope(), &index.name).await?;
        }
    }
    Ok(RfsAnswer { role: RfsRole::Prepare, items: number, ledger: Ledger::default() })
}

/// Finds indices into which somebody wrote between the register step and now: a person may have
/// taken days to approve. Once there are items, what is written is ours.
async fn filled_meanwhile(step: &Step, indices: &[ResolvedIndex]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    if !state::items(&step.client, step.scope()).await?.is_empty() {
        return Ok(problems);
    }
    for ResolvedIndex { index, existed: _, documents } in indices {
        let name = &index.name;
        let there = is_on(&step.client, name).await?;
        let now = if there { count::visible(&step.client, name).await? } else { 0 };
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

/// Returns whether the target has an index of this name.
async fn is_on(client: &Client, index: &str) -> anyhow::Result<bool> {
    let there = client.send(&Request::head(path(&[index]))).await.map_err(faults::of_cluster)?;
    if there.status == 404 {
        return Ok(false);
    }
    client.accepted(there).map_err(faults::of_cluster)?;
    Ok(true)
}

/// Makes the items of an index: one for each shard.
async fn items_of(step: &Step, index: &ResolvedIndex) -> anyhow::Result<Vec<Item>> {
    let Step { request, context, opened, .. } = step;
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
                migration: &request.migration,
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
        tracing::warn!(
            "index `{name}` has several mapping types; documents of the same id in two of them would \
             replace each other on the target, and the verify step would find them missing"
        );
    }
    Ok(match source_mode::of(&metadata) {
        SourceMode::Stored => None,
        SourceMode::Partial => {
            tracing::warn!(
                "index `{name}` leaves fields out of `_source`; they are not in the snapshot's documents \
                 and will not be on the target"
            );
            None
        }
        SourceMode::Disabled => Some(format!(
            "`_source` is disabled in index `{name}` ({documents} documents), so its documents cannot be \
             migrated from a snapshot; exclude it with `-{name}`, or reindex it on the source with \
             `_source` enabled"
        )),
        SourceMode::Synthetic => Some(format!(
            "`_source` of index `{name}` ({documents} documents) is synthetic: it is not stored, so its \
             documents cannot be migrated from a snapshot; exclude it with `-{name}`, or reindex it on \
             the source with a stored `_source`"
        )),
    })
}

/// Opens items again that failed, and those of earlier runs that had rejections: the user may have
/// mended what was wrong.
async fn reopen(step: &Step) -> anyhow::Result<u64> {
    let run = step.context.run.as_str();
    let mut reopened = 0;
    for stored in state::items(&step.client, step.scope()).await? {
        let item = stored.document;
        let again = match item.state {
            ItemState::Open => false,
            ItemState::Failed => true,
            ItemState::Done => item.ledger.rejected > 0 && item.run != run,
        };
        if again {
            failed_documents::forget(&step.client, &item).await?;
            let item = item.reopened(run);
            // If somebody was faster, it is open by now.
            if state::save(&step.client, stored.version, &item).await?.is_some() {
                reopened += 1;
            }
        }
    }
    Ok(reopened)
}

/// Makes the index if no step before has made it.
async fn make_ready(client: &Client, index: &str) -> anyhow::Result<()> {
    if is_on(client, index).await? {
        return Ok(());
    }
    tracing::warn!(
        "index `{index}` is not on the target; it is made from the target's templates and defaults"
    );
    let response = client.send(&Request::put(path(&[index]))).await.map_err(faults::of_cluster)?;
    if !response.error_type().is_some_and(|kind| kind.contains("already_exists")) {
        client
            .accepted(response)
            .map_err(faults::of_cluster)
            .with_context(|| format!("making the index `{index}` on the target"))?;
    }
    Ok(())
}
