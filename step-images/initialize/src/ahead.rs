//! What will the register step refuse?

use cluster::{Client, RetryPolicy};
use contract::{Exit, Failure, initialize::InitializeRequest};
use coordination::{
    decision::Origin,
    outlook::{self, Outlook},
    resolve::Opened,
};
use step::Context;

use crate::problems::Problems;

/// What is known of the indices that there are to migrate.
pub(crate) struct Known {
    place: &'static str,
    /// The uuid of an existing snapshot. One that is still to be taken is like no other.
    snapshot: String,
    names: Vec<String>,
}

impl Known {
    /// The indices of an existing snapshot, which are what the register step will see.
    pub(crate) fn of_snapshot(opened: &Opened) -> Self {
        let names = opened.snapshot.indices.iter().map(|index| index.name.clone()).collect();
        Self { place: "the snapshot", snapshot: opened.snapshot.uuid.clone(), names }
    }

    /// The indices of the source now, which a snapshot would hold.
    pub(crate) fn of_source(names: &[String]) -> Self {
        Self { place: "the source", snapshot: String::new(), names: names.to_vec() }
    }
}

/// Looks at the target as the register step will; what is wrong goes to `problems`.
pub(crate) async fn look(
    target: &Client,
    request: &InitializeRequest,
    context: &Context,
    known: Known,
    problems: &mut Problems,
) {
    let repository = request.snapshot.repository.uri.to_string();
    let origin = Origin {
        run: context.run.as_str(),
        migration: &request.migration,
        snapshot: &known.snapshot,
        repository: &repository,
    };
    let target = target.clone().with_retry_policy(RetryPolicy::BRIEF);
    match outlook::look(&target, origin, known.place, &request.groups, &known.names).await {
        Ok(Outlook { problems: found, claims, .. }) => {
            for problem in found {
                problems.fault(&Failure::new(Exit::Failed, problem).into());
            }
            // That run may be done, or found to be dead, when the register step looks.
            for claim in claims.keys() {
                tracing::warn!("{claim}");
            }
        }
        Err(error) => problems.fault(&error),
    }
}
