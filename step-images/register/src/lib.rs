//! The register step: can the snapshot be read as RFS will read it, and which index belongs to
//! which group?
//!
//! It reads and checks, and only then records. Everything that is wrong is reported together, and
//! only a register without problems writes: one document for each group, which says what the group
//! means. Later steps read it instead of deciding again.

mod other_runs;
mod problems;
mod snapshot_contents;

use std::collections::BTreeSet;

use contract::{
    Failure, SnapshotName, SnapshotUuid,
    register::{RegisterAnswer, RegisterRequest, RegisteredGroup},
};
use coordination::{
    assessment::{self, Assessment},
    existing_indices::{self, GroupPlan},
    group::{GroupDocument, RunOrigin},
    ownership, registration, resolve, run_takeover,
};
use step::Context;

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
        migration: request.migration.clone(),
        snapshot: SnapshotUuid::new(&opened.snapshot.uuid),
        repository: request.snapshot.repository.uri.clone(),
    };

    let names: Vec<String> =
        opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
    let Assessment { groups: plans, not_selected, known, earlier, mut problems, foreign } =
        assessment::assess(&client, &origin, "the snapshot", &request.groups, &names).await?;
    let picked: BTreeSet<&str> =
        plans.iter().flat_map(|(_, plan)| &plan.indices).map(|index| index.name.as_str()).collect();
    let metadata = snapshot_contents::read_metadata(&opened, &picked, &mut problems).await?;
    for index in &picked {
        if let Some(metadata) = metadata.get(*index) {
            let aliases = metadata.aliases.keys().map(String::as_str);
            existing_indices::clashing_aliases(index, aliases, &known, &mut problems);
        }
    }
    let sizes = snapshot_contents::measure(&opened, &metadata, &mut problems).await?;
    if !problems.is_empty() {
        problems.extend(foreign.into_keys());
        return Err(problems::failure(&problems));
    }
    other_runs::take_over_idle_runs(&client, &origin, &foreign, context).await?;

    registration::ensure_index(&client).await?;
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
        registration::write(&client, &document).await?;
        written.push(document);
    }
    other_runs::check_owners_again(&client, &origin, &written).await?;
    // Only now: of two runs of one migration that register concurrently, at least one sees the other.
    for line in run_takeover::of_earlier_runs(&client, &origin).await? {
        tracing::warn!("{line}");
    }
    for document in ownership::replaced(&earlier, &written) {
        registration::end(&client, document).await?;
    }
    let snapshot = SnapshotName::new(opened.snapshot.name);
    Ok(RegisterAnswer { snapshot, groups, not_selected })
}
