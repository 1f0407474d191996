//! Do other runs own indices of this migration, and may this run take them over?

use std::collections::{BTreeMap, BTreeSet};

use cluster::Client;
use contract::{Exit, Failure};
use coordination::{
    assessment,
    existing_indices::{ForeignOwner, GroupPlan, KnownTarget},
    group::{GroupDocument, RunOrigin},
    ownership, registration,
    run_takeover::{self, OBSERVATION_TIME},
};
use step::{ConditionWait, Context};

use crate::problems;

/// Reports that the step observes a run that owns one of our indices, until the result is dropped.
fn report_observation(
    context: &Context,
    foreign: &BTreeMap<String, ForeignOwner>,
) -> Option<ConditionWait> {
    let problem = foreign.keys().next()?;
    let mut wait = context.waiting(format!("a sign that another run still works ({problem})"));
    wait.update(None, OBSERVATION_TIME);
    Some(wait)
}

/// Takes over the groups of runs that have begun to fill our indices and do nothing any more. A run
/// that still works is a reason to stop.
pub(crate) async fn take_over_idle_runs(
    client: &Client,
    origin: &RunOrigin,
    foreign: &BTreeMap<String, ForeignOwner>,
    context: &Context,
) -> Result<(), Failure> {
    let by = run_takeover::successor(origin);
    if foreign.is_empty() {
        // An earlier attempt of this step may have been killed when it had taken them over.
        return Ok(run_takeover::remove_items(client, &by).await?);
    }
    for problem in foreign.keys() {
        tracing::warn!(
            "{problem}; observing for {OBSERVATION_TIME:?} whether that run still works"
        );
    }
    let registrations: BTreeSet<String> =
        foreign.values().map(|owner| owner.registration.clone()).collect();
    let observation = report_observation(context, foreign);
    let idle = run_takeover::of_idle_runs(client, &registrations, OBSERVATION_TIME, &by).await?;
    drop(observation);
    let Some(lines) = idle else {
        let problems: Vec<String> = foreign.keys().cloned().collect();
        return Err(problems::failure(&problems));
    };
    for line in lines {
        tracing::warn!("{line}");
    }
    Ok(())
}

/// Checks again: two migrations may have registered at the same time. Both have written before either
/// checks, so at least one of them sees the other and withdraws.
pub(crate) async fn check_owners_again(
    client: &Client,
    origin: &RunOrigin,
    written: &[GroupDocument],
) -> Result<(), Failure> {
    let mut known = KnownTarget::default();
    let all = registration::all(client).await?;
    if written.iter().any(|own| all.iter().all(|other| other.key != own.key)) {
        let message = format!(
            "another migration has just ended and deleted the index `{}` on the target, with what \
             this one wrote; this is tried again",
            state_store::INDEX
        );
        return Err(Failure::new(Exit::Temporary, message));
    }
    ownership::note_owners(&all, &ownership::items(client).await?, origin, &mut known);
    let mut problems = Vec::new();
    for GroupDocument { scope, indices, .. } in written {
        let plan = GroupPlan { indices: indices.clone(), skipped: Vec::new() };
        let foreign =
            assessment::foreign_owners(scope.group.as_str(), &plan, &known, &mut problems);
        problems.extend(foreign.into_keys());
    }
    if problems.is_empty() {
        return Ok(());
    }
    for document in written {
        registration::end(client, document).await?;
    }
    Err(problems::failure(&problems))
}
