//! Work: restore one shard after the other.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use contract::{
    Failure, RunId,
    fleet::{FleetRole, WorkerLimits},
    rfs::RfsAnswer,
};
use coordination::{resolve::OpenSnapshot, shard_work::ShardWork};
use fleet::{HeldItem, Interrupt, Reading, StopSignal, WorkReport};
use load::{Limits, LoadContext, LoadJob, Slots};
use serde_json::json;
use snapshot_repo::{Position, ShardFiles};
use tokio::time::MissedTickBehavior;

use crate::{
    roles::{Step, answer},
    shard_source::{ShardSource, stop_of},
};

/// The interval between two checks of the lease while the files of a shard are read.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

pub(crate) async fn work(step: Step) -> Result<RfsAnswer, Failure> {
    let (fleet, record) = (step.fleet(), step.record());
    let Step { request, context, client, opened } = step;
    let signal = StopSignal::watch(record)?;
    let WorkerLimits { bulk_bytes, bulk_documents, connections, lease_seconds: _ } = request.limits;
    let worker = Arc::new(ShardWorker {
        run: context.run,
        opened,
        load: LoadContext {
            client,
            limits: Limits {
                bytes: usize::try_from(bulk_bytes).unwrap_or(usize::MAX),
                documents: usize::try_from(bulk_documents).unwrap_or(usize::MAX),
            },
            slots: Slots::new(connections),
            bytes_read: AtomicU64::new(0),
        },
    });
    let report = fleet::work(fleet, &context.worker, Arc::clone(&worker), signal).await?;
    let WorkReport { items, ledger, .. } = report;
    let bytes_read = worker.load.bytes_read.load(Ordering::Relaxed);
    Ok(RfsAnswer { bytes_read, ..answer(FleetRole::Work, items, ledger) })
}

/// Restores shards.
struct ShardWorker {
    run: RunId,
    opened: OpenSnapshot,
    load: LoadContext,
}

impl fleet::Worker<ShardWork> for ShardWorker {
    async fn perform(
        &self,
        held: &mut HeldItem<ShardWork>,
        reading: Reading,
    ) -> Result<(), Interrupt> {
        let files = self.find_files(held).await?;
        let item = held.item();
        let ShardWork { index_id, shard } = &item.work;
        let identity = vec![index_id.clone(), shard.to_string()];
        let fields = [("shard".to_owned(), json!(shard))].into_iter().collect();
        let from = Position(item.cursor);
        let job = LoadJob::of_item(held, self.run.clone(), identity, fields);
        let source = ShardSource::new(self.opened.repository.documents(files, from));
        load::load(&self.load, job, source, held, reading).await?;
        check_sources(held)
    }
}

impl ShardWorker {
    /// Finds the shard's files; renews the lease meanwhile.
    async fn find_files(&self, held: &mut HeldItem<ShardWork>) -> Result<ShardFiles, Interrupt> {
        let OpenSnapshot { repository, snapshot } = &self.opened;
        let (index, shard) = (held.item().index.clone(), held.item().work.shard);
        let Some(index) = snapshot.index(index.as_str()) else {
            return Err(Interrupt::Failed(format!("the snapshot has no index `{index}`")));
        };
        let mut finding = pin!(repository.shard_files(snapshot, index, shard));
        let mut tick = tokio::time::interval(POLL_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                files = &mut finding => {
                    return files.map_err(|error| stop_of(&error).into());
                }
                _ = tick.tick() => held.renew().await?,
            }
        }
    }
}

/// Fails if documents of the shard have no source: they could not be sent.
fn check_sources(held: &HeldItem<ShardWork>) -> Result<(), Interrupt> {
    let (_, ledger) = held.reached();
    if ledger.without_source == 0 {
        return Ok(());
    }
    Err(Interrupt::Failed(format!(
        "{} documents have no stored `_source` and cannot be migrated (the others of this shard \
         were); exclude the index with `-{}`, or enable `_source` on the source, reindex and take a \
         new snapshot",
        ledger.without_source,
        held.item().index
    )))
}
