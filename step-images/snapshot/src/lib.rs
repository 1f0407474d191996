//! The snapshot step: is there a complete snapshot of all indices of the migration?
//!
//! ```text
//!  existing:  read it in the repository, as every later step will
//!  created:   select indices -> register the repository -> start, or find -> wait -> check
//! ```
//!
//! The step can be killed at any instant: the snapshot continues in the source under a name that
//! belongs to the run, and the next attempt finds it by that name and waits for it.

mod completeness;
mod existing;
mod registration;
mod selection;
mod take;

use cluster::version;
use contract::{
    Failure,
    snapshot::{SnapshotAnswer, SnapshotRequest},
};
use step::Context;

/// Runs the step.
pub async fn run(request: SnapshotRequest, context: Context) -> anyhow::Result<SnapshotAnswer> {
    snapshot(&request, &context).await
}

async fn snapshot(request: &SnapshotRequest, context: &Context) -> anyhow::Result<SnapshotAnswer> {
    if !request.snapshot.is_created() {
        return existing::read(&request.snapshot, context).await;
    }
    let client = context.source(&request.source)?;
    let indices = selection::select(&client, &request.groups).await?;
    let version = version::detect(&client).await.map_err(Failure::from)?;
    let repository = registration::ensure(&client, request, &version).await?;
    take::take(&client, &repository, request, context, &indices, &version).await
}
