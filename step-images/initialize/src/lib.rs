//! The initialize step: can this migration work at all?
//!
//! ```text
//!   target ---+
//!   source ---+--> versions that were declared, the pair, permissions ---> answer
//!   repository +                        \---------------------------------> all problems together
//! ```
//!
//! What the register step would refuse is refused here, before the snapshot is taken, as far as the
//! index names of the source allow: `conflicts` calls the same functions. The register step decides.
//!
//! Nothing is written. Transient faults are retried for a few seconds only: this is the first step,
//! and a person waits for its message.

mod conflicts;
mod probe;
mod problems;
mod secrets;
mod storage;

use anyhow::Context as _;
use contract::{
    ClusterAccess,
    initialize::{InitializeAnswer, InitializeRequest},
    version::{Support, support},
};
use step::Context;

use crate::{
    probe::{ProbedCluster, Role},
    problems::Problems,
    secrets::Secret,
};

/// Runs the step.
pub async fn run(request: InitializeRequest, context: Context) -> anyhow::Result<InitializeAnswer> {
    initialize(&request, &context).await
}

async fn initialize(
    request: &InitializeRequest,
    context: &Context,
) -> anyhow::Result<InitializeAnswer> {
    let InitializeRequest { source, target, source_secret, target_secret, snapshot, .. } = request;
    let mut problems = Problems::default();

    let secret = target_secret.as_deref();
    let target = probe(target, secret, context, Role::Target, &mut problems).await;
    let source = match source {
        Some(source) => {
            let role = Role::Source { takes_snapshot: snapshot.is_created() };
            let secret = source_secret.as_deref();
            probe(source, secret, context, role, &mut problems).await
        }
        None => None,
    };
    let opened = storage::check(snapshot, context, &mut problems).await;

    let in_snapshot = opened.as_ref().and_then(|opened| opened.snapshot.server_version());
    let source_version = source.as_ref().map(|source| source.version).or(in_snapshot);
    if let Some(target) = &target {
        let known = match (&opened, &source) {
            (Some(opened), _) => Some(conflicts::KnownIndices::of_snapshot(opened)),
            (None, Some(source)) => {
                source.indices.as_deref().map(conflicts::KnownIndices::of_source)
            }
            (None, None) => None,
        };
        if let Some(known) = known {
            conflicts::check(&target.client, request, context, known, &mut problems).await;
        }
    }
    if let (Some(source), Some(target)) = (&source_version, &target)
        && let Support::Unsupported(reason) = support(source, &target.version)
    {
        problems.unsupported(reason);
    }
    problems.into_result()?;
    let target_version = target.context("the target has a version or a problem")?.version;
    Ok(InitializeAnswer { source_version, target_version })
}

async fn probe(
    access: &ClusterAccess,
    secret: Option<&str>,
    context: &Context,
    role: Role,
    problems: &mut Problems,
) -> Option<ProbedCluster> {
    let credentials = context.credentials(role.endpoint());
    let secret = Secret { name: secret, credentials: &credentials };
    if let Some(missing) = secrets::missing(access, &secret) {
        problems.invalid(missing);
        return None;
    }
    let probed = probe::probe(access, context, role, problems).await?;
    tracing::info!("cluster `{}` is {}", access.name, probed.version);
    Some(probed)
}
