//! The metadata step: what becomes of templates, settings, mappings and aliases on the target?
//!
//! ```text
//!  snapshot ---> plan ----> target ----------------> report
//!                what each  look, then (only to      an item each,
//!                item is    migrate) make it         bounded
//! ```
//!
//! To evaluate and to migrate are the same code; the one difference is that an evaluation asks
//! the target whether it would take an index instead of making it.
//!
//! - Indices come first, then component, legacy and composable templates: a template that is
//!   there already would add its own fields and aliases to an index that is made.
//! - A group migrates the templates that have to do with its indices and are not the product's
//!   own. Groups that run side by side may share some: each is made under the condition that it is
//!   not there, so it is made once, whoever comes first.
//! - An item that cannot be made does not stop the others; the step fails at the end and says all.
//! - What an item names and the target lacks (a pipeline, a policy, a plugin, a file) stops nothing
//!   and is said: it may be made later, by somebody else.

mod plan;
mod report;
mod target;

use anyhow::Context as _;
use contract::{
    Exit, Failure,
    metadata::{MetadataAnswer, MetadataKind, MetadataRequest},
};
use coordination::{faults::of_repository, resolve, source_version};
use snapshot_repo::GlobalMetadata;
use step::Context;
use transform::{Task, Versions, Wanted};

use crate::plan::Work;

/// Runs the step.
pub async fn run(request: MetadataRequest, context: Context) -> anyhow::Result<MetadataAnswer> {
    metadata(&request, &context).await
}

async fn metadata(request: &MetadataRequest, context: &Context) -> anyhow::Result<MetadataAnswer> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let group = resolve::group(&client, &opened, &request.migration, &request.group).await?;
    let snapshot = &opened.snapshot;
    let versions = Versions {
        source: source_version::of_snapshot(snapshot).ok_or_else(|| {
            let message = format!(
                "snapshot `{}` does not tell the version that wrote it; take it again with a \
                 server of version 5 or newer",
                snapshot.name
            );
            Failure::new(Exit::Failed, message)
        })?,
        target: cluster::version::detect(&client).await.map_err(Failure::from)?,
    };
    tracing::info!(source = %versions.source, target = %versions.target, "versions");

    let mut work = Vec::new();
    for index in &group.indices {
        let metadata = opened
            .repository
            .index_metadata(snapshot, &index.index)
            .await
            .map_err(of_repository)
            .with_context(|| format!("reading the metadata of index `{}`", index.index.name))?;
        work.push(plan::index(metadata, versions));
    }
    work.extend(group.skipped.iter().map(|name| plan::skipped_index(name)));
    let global = if snapshot.include_global_state {
        opened
            .repository
            .global_metadata(snapshot)
            .await
            .map_err(of_repository)
            .context("reading the templates in the snapshot")?
    } else {
        tracing::warn!("the snapshot was taken without global state: it holds no templates");
        GlobalMetadata::default()
    };
    let wanted = Wanted {
        selections: vec![&request.group.indices],
        names: group.indices.iter().map(|index| index.index.name.as_str()).collect(),
    };
    work.extend(plan::templates(global, versions, &wanted));

    let is_made = |work: &&Work| {
        work.kind == MetadataKind::ComponentTemplate && matches!(work.task, Task::Make(_))
    };
    let coming = work.iter().filter(is_made).map(|work| work.name.clone());
    let mut target = target::Target::look(client, request.mode, versions.target, coming).await?;
    let mut items = Vec::with_capacity(work.len());
    for work in work {
        items.push(target.take(work).await?);
    }
    let answer = MetadataAnswer { mode: request.mode, items, cut: None };
    Ok(report::bounded(answer))
}
