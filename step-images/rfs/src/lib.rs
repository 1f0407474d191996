//! The RFS step (reindex from snapshot): the documents of a group, shard by shard.
//!
//! One program has four roles. `prepare` writes an item for each shard, `work` takes items until
//! none is left, `follow` reports progress and is the judge: it succeeds only if every item is
//! done and every ledger adds up. `give_up` runs only if the fleet of workers has failed, and
//! records that for `follow`. Any of them can be killed at any instant and started again.
//!
//! What is divided and who holds it is the business of the crate `fleet`, what happens to a document
//! that of the crate `load`. This crate knows shards of snapshots ([`shard_source`]).

mod follow;
mod prepare;
mod roles;
mod shard_source;
mod work;

use contract::{
    Failure,
    fleet::FleetRole,
    rfs::{RfsAnswer, RfsRequest},
};
use coordination::{resolve, shard_work::ShardWork};
use step::Context;

use crate::roles::{Step, answer};

/// Runs the step.
pub async fn run(request: RfsRequest, context: Context) -> anyhow::Result<RfsAnswer> {
    Ok(role(request, context).await?)
}

/// Every fault is turned into a [`Failure`] where it leaves a library, so that it keeps its code.
async fn role(request: RfsRequest, context: Context) -> Result<RfsAnswer, Failure> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let role = request.role;
    let step = Step { request, context, client, opened };
    match role {
        FleetRole::Prepare => prepare::prepare(&step).await,
        FleetRole::Work => work::work(step).await,
        FleetRole::Follow => follow::follow(&step).await,
        FleetRole::GiveUp => {
            let totals = fleet::give_up::<ShardWork>(&step.fleet(), &step.record()).await?;
            Ok(answer(FleetRole::GiveUp, totals.done, totals.ledger))
        }
    }
}
