//! Follow: report how far the fleet is, and judge the result.

use std::time::{Duration, Instant};

use contract::{Failure, Measure, Progress, rate::Rate};

use crate::{
    FleetError,
    back_off::BackOff,
    fleet_record::FleetRecord,
    item::ItemState,
    items,
    totals::{Totals, totals},
    work::Work,
    worker::FleetScope,
};

const POLL_INTERVAL: Duration = Duration::from_secs(1);
const RATE_SPAN: Duration = Duration::from_secs(10);

/// Items that a message lists.
pub(crate) const MAX_LISTED: usize = 10;

/// Leases without any movement after which a reason that a worker left behind ends the step.
const MAX_STILL_LEASES: u32 = 5;

/// What only the step knows that uses the fleet.
pub trait FollowedStep {
    /// Reports how far the fleet is.
    fn report(&self, progress: &Progress);

    /// Returns whether prepare has work to divide.
    fn has_work(&self) -> impl Future<Output = Result<bool, Failure>>;

    /// Judges the end: all items are done, and their ledger adds up.
    fn judge(&self, totals: &Totals) -> impl Future<Output = Result<(), Failure>>;
}

/// Reports until all items have ended, and returns their sums if all of them are done.
pub async fn follow<W: Work>(
    fleet: &FleetScope,
    record: &impl FleetRecord,
    step: &impl FollowedStep,
) -> Result<Totals, FleetError> {
    let start = Instant::now();
    let mut follower = Follower {
        fleet,
        record,
        step,
        rate: Rate::over(RATE_SPAN),
        stillness: Stillness::default(),
        has_read_record: false,
    };
    let mut back_off = BackOff::default();
    loop {
        let error = match follower.poll::<W>(start.elapsed()).await {
            Ok(Some(totals)) => return Ok(totals),
            Ok(None) => {
                if back_off.reset() {
                    // The workers, too, could do nothing while the target was away.
                    follower.stillness.restart(start.elapsed());
                }
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            Err(error) => error,
        };
        let Some(pause) = back_off.pause(start.elapsed()).filter(|_| error.is_temporary()) else {
            return Err(error);
        };
        tracing::warn!("the target is polled again in {pause:?}: {}", Failure::from(error));
        tokio::time::sleep(pause).await;
    }
}

/// What was seen so far.
struct Follower<'a, R, S> {
    fleet: &'a FleetScope,
    record: &'a R,
    step: &'a S,
    rate: Rate,
    stillness: Stillness,
    has_read_record: bool,
}

impl<R: FleetRecord, S: FollowedStep> Follower<'_, R, S> {
    /// Polls once; returns the sums at the end.
    async fn poll<W: Work>(&mut self, now: Duration) -> Result<Option<Totals>, FleetError> {
        let totals = totals(&self.fleet.client, &self.fleet.scope).await?;
        self.rate.note(now, totals.ledger.accepted + totals.ledger.rejected);
        self.step.report(&progress(W::KIND, &totals, &self.rate));
        if totals.items() == 0 && self.step.has_work().await? {
            return Err(FleetError::NotPrepared);
        }
        if totals.open == 0 {
            self.judge::<W>(&totals).await?;
            return Ok(Some(totals));
        }
        self.check_record().await?;
        if self.stillness.note(&totals, now) >= self.fleet.lease * MAX_STILL_LEASES {
            self.stillness.restart(now);
            self.check_reasons::<W>().await?;
        }
        Ok(None)
    }

    /// Fails if the give-up role recorded that the fleet failed.
    async fn check_record(&mut self) -> Result<(), FleetError> {
        let state = self.record.read().await?;
        let is_first = !std::mem::replace(&mut self.has_read_record, true);
        let Some(state) = state else { return Ok(()) };
        if state.run_has_ended && is_first {
            // The run had ended, and this step is retried without the one before it.
            return Ok(self.record.resume().await?);
        }
        match state.gave_up {
            Some(reason) => Err(FleetError::GaveUp(reason)),
            None => Ok(()),
        }
    }

    /// Nothing moves: if a worker left a reason, that is the end; if not, the workers may be paused.
    async fn check_reasons<W: Work>(&self) -> Result<(), FleetError> {
        let reasons = self.reasons::<W>(ItemState::Open).await?;
        if reasons.is_empty() {
            let length = self.fleet.lease * MAX_STILL_LEASES;
            tracing::warn!(
                "no worker has written anything for {length:?}; check that the workers run and are \
                 not paused"
            );
            return Ok(());
        }
        Err(FleetError::Stuck { reasons })
    }

    /// All items have ended: is what was asked for done?
    async fn judge<W: Work>(&self, totals: &Totals) -> Result<(), FleetError> {
        let Totals { failed, ledger, .. } = totals;
        if *failed > 0 {
            return Err(FleetError::ItemsFailed {
                summary: format!(
                    "{failed} of {} work items failed, the first of them",
                    totals.items()
                ),
                reasons: self.reasons::<W>(ItemState::Failed).await?,
            });
        }
        if !ledger.adds_up() {
            return Err(FleetError::Ledger { ledger: format!("{ledger:?}") });
        }
        Ok(self.step.judge(totals).await?)
    }

    async fn reasons<W: Work>(&self, state: ItemState) -> Result<Vec<String>, FleetError> {
        let FleetScope { client, scope, lease: _ } = self.fleet;
        let items = items::some_in_state::<W>(client, scope, state, "", MAX_LISTED).await?;
        Ok(items::reasons(&items))
    }
}

/// For how long nothing has moved.
#[derive(Default)]
struct Stillness {
    movement: u64,
    since: Duration,
}

impl Stillness {
    fn note(&mut self, totals: &Totals, now: Duration) -> Duration {
        if totals.movement != self.movement {
            self.movement = totals.movement;
            self.since = now;
        }
        now.saturating_sub(self.since)
    }

    fn restart(&mut self, now: Duration) {
        self.since = now;
    }
}

/// Returns the progress of items of this kind.
fn progress(kind: &str, totals: &Totals, rate: &Rate) -> Progress {
    let Totals { open, done, failed: _, documents, ledger, movement: _ } = *totals;
    let over = ledger.accepted + ledger.rejected;
    // The number to expect counts nested documents too, so it falls to the truth as items end.
    let total = if open == 0 { over } else { documents.saturating_sub(ledger.nested).max(over) };
    let mut measures = vec![
        Measure::count(&format!("{kind}s"), done, Some(totals.items())),
        Measure::count("documents", over, Some(total)).with_rate(rate.per_second()),
        Measure::bytes("bytes", ledger.bytes, None),
    ];
    if ledger.rejected > 0 {
        measures.push(Measure::count("rejected", ledger.rejected, None));
    }
    Progress { measures, eta_seconds: rate.seconds_for(total.saturating_sub(over)), waiting: None }
}

#[cfg(test)]
mod tests {
    use contract::Ledger;

    use super::*;

    #[test]
    fn progress_reaches_its_total_at_the_end() {
        let ledger = Ledger { live: 7, accepted: 6, rejected: 1, nested: 3, ..Ledger::default() };
        let rate = Rate::over(RATE_SPAN);
        let counted = |open, what: &str| {
            let totals = Totals { open, done: 2, documents: 20, ledger, ..Totals::default() };
            let progress = progress("shard", &totals, &rate);
            progress.measure(what).map(|measure| (measure.done, measure.total))
        };
        assert_eq!(counted(1, "documents"), Some((7, Some(17))));
        assert_eq!(counted(0, "documents"), Some((7, Some(7))));
        assert_eq!(counted(1, "shards"), Some((2, Some(3))));
    }

    #[test]
    fn stillness_counts_from_the_last_movement() {
        let mut stillness = Stillness::default();
        let totals = |movement| Totals { movement, ..Totals::default() };
        let at = Duration::from_secs;
        assert_eq!(stillness.note(&totals(5), at(3)), at(0));
        assert_eq!(stillness.note(&totals(5), at(10)), at(7));
        assert_eq!(stillness.note(&totals(6), at(11)), at(0));
    }
}
