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

use anyhow::Context as _;
use cluster::{Client, version};
use step_api::{
    Context, Failure,
    snapshot::{SnapshotAnswer, SnapshotRequest},
};

/// Runs the step.
pub fn run(request: SnapshotRequest, context: Context) -> anyhow::Result<SnapshotAnswer> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(async move { snapshot(&request, &context).await })
}

async fn snapshot(request: &SnapshotRequest, context: &Context) -> anyhow::Result<SnapshotAnswer> {
    if !request.snapshot.is_created() {
        return existing::look(&request.snapshot, context).await;
    }
    let client =
        Client::new(&request.source, &context.source, &context.storage).map_err(Failure::from)?;
    let indices = selection::select(&client, &request.groups).await?;
    let version = version::detect(&client).await.map_err(Failure::from)?;
    let repository = registration::ensure(&client, request, &version).await?;
    take::take(&client, &repository, request, context, &indices, &version).await
}
