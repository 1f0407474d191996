//! The metadata step: how do templates, settings, mappings and aliases get to the target?
//!
//! ```text
//!  snapshot ---> plan -------> target ----------------> report
//!                what to do   read, then (to migrate)   one entry for each
//!                with it      create                    item, bounded
//! ```
//!
//! Evaluate and migrate are the same code, with one difference: evaluate asks the target whether it
//! would accept an index, instead of creating it.
//!
//! - Indices come first, then component, legacy and composable templates: a template that exists
//!   would add its fields and aliases to a new index.
//! - A group migrates the templates that belong to its indices, except those of the product. Groups
//!   that run concurrently may share templates. Each one is created on the condition that it does
//!   not exist, so it is created once.
//! - An item that cannot be created does not stop the others; the step fails at the end and reports
//!   all failures.
//! - An item may use something that the target does not have (a pipeline, a policy, a plugin, a
//!   file). That is reported and stops nothing, because it may be created later.

mod plan;
mod report;
mod target;

use anyhow::Context as _;
use contract::{
    Exit, Failure,
    metadata::{MetadataAnswer, MetadataKind, MetadataRequest},
};
use coordination::resolve;
use snapshot_repo::GlobalMetadata;
use step::Context;
use transform::{Action, Facts, SelectedIndices};

use crate::plan::PlannedItem;

/// Runs the step.
pub async fn run(request: MetadataRequest, context: Context) -> anyhow::Result<MetadataAnswer> {
    metadata(&request, &context).await
}

async fn metadata(request: &MetadataRequest, context: &Context) -> anyhow::Result<MetadataAnswer> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage)
        .await
        .map_err(Failure::from)?;
    let group = resolve::group(&client, &opened, &request.migration, &request.group)
        .await
        .map_err(Failure::from)?;
    let snapshot = &opened.snapshot;
    let source = snapshot.server_version().ok_or_else(|| {
        let message = format!(
            "snapshot `{}` does not contain the version of the server that took it; take a new one \
             with a server of version 5 or newer",
            snapshot.name
        );
        Failure::new(Exit::Failed, message)
    })?;
    let target_version = cluster::version::detect(&client).await.map_err(Failure::from)?;
    tracing::info!(%source, target = %target_version, "versions");
    let mut target = target::Target::read(client, request.mode, target_version).await?;
    let facts = Facts { source: source.into(), target: target.facts().await };

    let mut planned = Vec::new();
    for index in &group.indices {
        let metadata = opened
            .repository
            .index_metadata(snapshot, &index.index)
            .await
            .map_err(Failure::from)
            .with_context(|| format!("reading the metadata of index `{}`", index.index.name))?;
        planned.push(plan::index(metadata, &facts, &request.choices));
    }
    planned.extend(group.skipped.iter().map(|name| plan::skipped_index(name)));
    let global = if snapshot.include_global_state {
        opened
            .repository
            .global_metadata(snapshot)
            .await
            .map_err(Failure::from)
            .context("reading the templates in the snapshot")?
    } else {
        tracing::warn!("the snapshot was taken without global state, so it contains no templates");
        GlobalMetadata::default()
    };
    let selected = SelectedIndices {
        selections: vec![&request.group.indices],
        names: group.indices.iter().map(|index| index.index.name.as_str()).collect(),
    };
    planned.extend(plan::templates(global, &facts, &selected, &request.choices));

    let is_new_component = |item: &&PlannedItem| {
        item.kind == MetadataKind::ComponentTemplate && matches!(item.action, Action::Create(_))
    };
    let new_components = planned.iter().filter(is_new_component).map(|item| item.name.clone());
    target.expect_components(new_components);
    let mut items = Vec::with_capacity(planned.len());
    for item in planned {
        items.push(target.process(item).await?);
    }
    let answer = MetadataAnswer { mode: request.mode, items, cut: None };
    Ok(report::bounded(answer))
}
