//! Which conflicts will the register step find on the target?

use cluster::{Client, RetryPolicy};
use contract::{Exit, Failure, SnapshotUuid, initialize::InitializeRequest};
use coordination::{
    assessment::{self, Assessment},
    group::RunOrigin,
    resolve::OpenSnapshot,
};
use step::Context;

use crate::problems::Problems;

/// The indices that can be migrated, as far as they are known now.
pub(crate) struct KnownIndices {
    place: &'static str,
    /// The UUID of an existing snapshot; empty for a snapshot that is taken later.
    snapshot: String,
    names: Vec<String>,
}

impl KnownIndices {
    /// Returns the indices of an existing snapshot, which the register step will see.
    pub(crate) fn of_snapshot(opened: &OpenSnapshot) -> Self {
        let names = opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
        Self { place: "the snapshot", snapshot: opened.snapshot.uuid.clone(), names }
    }

    /// Returns the present indices of the source, which a snapshot would contain.
    pub(crate) fn of_source(names: &[String]) -> Self {
        Self { place: "the source", snapshot: String::new(), names: names.to_vec() }
    }
}

/// Checks the target as the register step will, and adds what is wrong to `problems`.
pub(crate) async fn check(
    target: &Client,
    request: &InitializeRequest,
    context: &Context,
    known: KnownIndices,
    problems: &mut Problems,
) {
    let origin = RunOrigin {
        run: context.run.clone(),
        migration: request.migration.clone(),
        snapshot: SnapshotUuid::new(known.snapshot),
        repository: request.snapshot.repository.uri.clone(),
    };
    let target = target.clone().with_retry_policy(RetryPolicy::BRIEF);
    match assessment::assess(&target, &origin, known.place, &request.groups, &known.names).await {
        Ok(Assessment { problems: found, foreign, .. }) => {
            for problem in found {
                problems.fault(&Failure::new(Exit::Failed, problem).into());
            }
            // When the register step checks, that run may have ended, or be found to be idle.
            for problem in foreign.keys() {
                tracing::warn!("{problem}");
            }
        }
        Err(error) => problems.fault(&Failure::from(error).into()),
    }
}
