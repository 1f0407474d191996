//! The snapshot step: is there a whole snapshot of all that the migration means?
//!
//! ```text
//!  existing:  read it in the repository, as every later step will
//!  created:   select indices -> register the repository -> take, or pick up -> wait -> verify
//! ```
//!
//! The step can be killed at any instant: the snapshot goes on in the source under a name that is
//! the run's own, and the next attempt finds it by that name and waits on.

mod existing;
pub mod registration;
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
        return existing::look(&request.snapshot, context).await;
    }
    let client = context.source(&request.source)?;
    let indices = selection::select(&client, &request.groups).await?;
    let version = version::detect(&client).await.map_err(Failure::from)?;
    let repository = registration::ensure(&client, request, &version).await?;
    take::take(&client, &repository, request, context, &indices, &version).await
}
