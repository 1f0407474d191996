//! The RFS step (reindex from snapshot): the documents of a group, shard by shard.
//!
//! ```text
//!   prepare ---> work items on the target <--- take, renew, end --- work (any number of them)
//!                          ^                                          |
//!   follow ----- totals ---+                   repository ---> reader ---> assembly ---> sender
//!                                                                ^                         |
//!                                              `acknowledged`: position and ledger <-------+
//! ```
//!
//! One program has four roles. `prepare` writes an item for each shard, `work` takes items until
//! none is left, `follow` reports progress and is the judge: it succeeds only if every item is
//! done and every ledger adds up. `give_up` runs only if the fleet of workers has failed, and tells
//! `follow`. Any of them can be killed at any instant and started again.
//!
//! Pure: [`acknowledged`], [`lease`], [`concurrency`], [`outcome`], [`assembly`],
//! [`endurance`].

pub mod acknowledged;
pub mod assembly;
pub mod concurrency;
pub mod endurance;
mod failed_documents;
mod follow;
mod give_up;
pub mod lease;
pub mod outcome;
mod prepare;
mod reader;
mod sender;
pub mod state;
mod stopping;
mod transfer;
pub mod tuning;
mod work;

use cluster::Client;
use contract::rfs::{RfsAnswer, RfsRequest, RfsRole};
use coordination::resolve::{self, Opened};
use step::Context;

pub use failed_documents::INDEX as FAILED_DOCUMENTS_INDEX;

/// What all roles need.
pub(crate) struct Step {
    pub(crate) request: RfsRequest,
    pub(crate) context: Context,
    pub(crate) client: Client,
    pub(crate) opened: Opened,
}

impl Step {
    /// The items of this group and snapshot.
    pub(crate) fn scope(&self) -> state::Scope<'_> {
        state::Scope {
            snapshot: &self.opened.snapshot.uuid,
            migration: &self.request.migration,
            group: &self.request.group.name,
        }
    }
}

/// Runs the step.
pub async fn run(request: RfsRequest, context: Context) -> anyhow::Result<RfsAnswer> {
    let client = context.target(&request.target)?;
    let opened = resolve::open(&request.snapshot, &context.run, &context.storage).await?;
    let role = request.role;
    let step = Step { request, context, client, opened };
    match role {
        RfsRole::Prepare => prepare::prepare(&step).await,
        RfsRole::Work => work::work(step).await,
        RfsRole::Follow => follow::follow(&step).await,
        RfsRole::GiveUp => give_up::give_up(&step).await,
    }
}
