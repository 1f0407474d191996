//! Do other runs have the indices of this migration, and may this run have them?

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use contract::{Exit, Failure};
use coordination::{
    assessment, decision,
    existing_indices::{Claim, GroupPlan, KnownTarget},
    group::{GroupDocument, RunOrigin},
    ownership, takeover,
};
use step::{ConditionWait, Context};

use crate::findings;

/// For how long a run that has an index of ours is observed: twice the lease of a work item.
const OBSERVATION_TIME: Duration = Duration::from_mins(2);

/// Reports that the step observes a run that has one of our indices, until the result is dropped.
fn report_observation(
    context: &Context,
    claims: &BTreeMap<String, Claim>,
) -> Option<ConditionWait> {
    let claim = claims.keys().next()?;
    let mut wait = context.waiting(format!("another run to write or to be found idle ({claim})"));
    wait.update(None, OBSERVATION_TIME);
    Some(wait)
}

/// Takes the places of runs that have begun to fill our indices and do nothing any more. A run that
/// still works is a reason to stop.
pub(crate) async fn take_idle_places(
    client: &Client,
    origin: &RunOrigin,
    claims: &BTreeMap<String, Claim>,
    context: &Context,
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
    let observation = report_observation(context, claims);
    let idle = takeover::of_idle_runs(client, &decisions, OBSERVATION_TIME, &by).await?;
    drop(observation);
    let Some(lines) = idle else {
        let problems: Vec<String> = claims.keys().cloned().collect();
        return Err(findings::failure(&problems));
    };
    for line in lines {
        tracing::warn!("{line}");
    }
    Ok(())
}

/// Checks again: two migrations may have decided at the same time. Both have written before either
/// checks, so at least one of them sees the other and withdraws.
pub(crate) async fn check_claims_again(
    client: &Client,
    origin: &RunOrigin,
    written: &[GroupDocument],
) -> Result<(), Failure> {
    let mut known = KnownTarget::default();
    let all = decision::all(client).await?;
    if written.iter().any(|own| all.iter().all(|other| other.key != own.key)) {
        let message = format!(
            "what was written to `{}` is gone: another migration has just ended and deleted the \
             index; try again",
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
    Err(findings::failure(&problems))
}
