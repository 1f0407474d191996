//! Follow: tell how far it is, and judge the end.

use std::time::{Duration, Instant};

use contract::{
    Exit, Failure, Measure, Progress,
    rate::Rate,
    rfs::{RfsAnswer, RfsRole},
};
use coordination::{
    decision::{self, RunState},
    resolve,
};

use crate::{
    Step,
    endurance::Trouble,
    failed_documents::{self, INDEX},
    state::{self, ItemState, Totals},
};

const ASKED_EACH: Duration = Duration::from_secs(1);
const RATE_OVER: Duration = Duration::from_secs(10);

/// Failed items that a message lists.
const LISTED: usize = 10;

/// Leases without any movement after which a reason that a worker left behind ends the step.
const STILL_LEASES: u32 = 5;

pub(crate) async fn follow(step: &Step) -> anyhow::Result<RfsAnswer> {
    let start = Instant::now();
    let mut follower = Follower::new();
    let mut trouble = Trouble::default();
    loop {
        let error = match follower.look(step, start.elapsed()).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {
                if trouble.ends() {
                    // The workers, too, could do nothing while the target was away.
                    follower.stillness.begin(start.elapsed());
                }
                tokio::time::sleep(ASKED_EACH).await;
                continue;
            }
            Err(error) => error,
        };
        let passing = contract::exit::exit_of(&error) == Exit::Temporary;
        let Some(pause) = trouble.pause(start.elapsed()).filter(|_| passing) else {
            return Err(error);
        };
        tracing::warn!("the target is asked again in {pause:?}: {error:#}");
        tokio::time::sleep(pause).await;
    }
}

/// What was seen so far.
struct Follower {
    rate: Rate,
    stillness: Stillness,
    decision: Seen,
}

impl Follower {
    fn new() -> Self {
        Self { rate: Rate::over(RATE_OVER), stillness: Stillness::default(), decision: Seen::Never }
    }

    /// Looks once; answers the end, when it is there.
    async fn look(&mut self, step: &Step, now: Duration) -> anyhow::Result<Option<RfsAnswer>> {
        let totals = state::totals(&step.client, step.scope()).await?;
        self.rate.note(now, totals.ledger.accepted + totals.ledger.rejected);
        step.context.report(&progress(&totals, &self.rate));
        if totals.open + totals.done + totals.failed == 0 {
            let request = &step.request;
            let group =
                resolve::group(&step.client, &step.opened, &request.migration, &request.group)
                    .await?;
            if !group.indices.is_empty() {
                let message =
                    "there are no work items of this group; run the step's role `prepare` first";
                return Err(Failure::new(Exit::NotFound, message).into());
            }
        }
        if totals.open == 0 {
            return judge(step, totals).await.map(Some);
        }
        self.is_worked_on(step).await?;
        let lease = Duration::from_secs(u64::from(step.request.limits.lease_seconds.max(1)));
        if self.stillness.note(&totals, now) >= lease * STILL_LEASES {
            self.stillness.begin(now);
            stuck(step).await?;
        }
        Ok(None)
    }

    /// Fails if the fleet has, which whoever was told so has noted.
    async fn is_worked_on(&mut self, step: &Step) -> anyhow::Result<()> {
        let state::Scope { snapshot, migration, group } = step.scope();
        let decided = decision::read(&step.client, snapshot, migration, group).await?;
        let seen = std::mem::replace(&mut self.decision, Seen::Before);
        let Some(decided) = decided else { return Ok(()) };
        if decided.state == RunState::Ended && seen == Seen::Never {
            // The run had ended, and somebody tries this step again without the one before it.
            return decision::fill(&step.client, snapshot, migration, group).await;
        }
        match decided.abandoned {
            Some(reason) => Err(Failure::new(Exit::Failed, reason).into()),
            None => Ok(()),
        }
    }
}

/// Whether the decision on the group was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Never,
    Before,
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

    fn begin(&mut self, now: Duration) {
        self.since = now;
    }
}

fn progress(totals: &Totals, rate: &Rate) -> Progress {
    let Totals { open, done, failed, documents, ledger, movement: _ } = *totals;
    let over = ledger.accepted + ledger.rejected;
    // The number to expect counts nested documents too, so it falls to the truth as shards end.
    let total = if open == 0 { over } else { documents.saturating_sub(ledger.nested).max(over) };
    let mut measures = vec![
        Measure::count("shards", done, Some(open + done + failed)),
        Measure::count("documents", over, Some(total)).with_rate(rate.per_second()),
        Measure::bytes("bytes", ledger.bytes, None),
    ];
    if ledger.rejected > 0 {
        measures.push(Measure::count("rejected", ledger.rejected, None));
    }
    Progress { measures, eta_seconds: rate.seconds_for(total.saturating_sub(over)), waiting: None }
}

/// Nothing moves: if a worker left a reason, that is the end; if not, the workers may be paused.
async fn stuck(step: &Step) -> anyhow::Result<()> {
    let open =
        state::some_in_state(&step.client, step.scope(), ItemState::Open, "", LISTED).await?;
    let reasons = state::reasons(&open);
    if reasons.is_empty() {
        tracing::warn!("no worker has moved for {STILL_LEASES} leases; are there any?");
        return Ok(());
    }
    let message = format!(
        "no worker goes on, and the last ones gave up:\n{}\nmend it and run the migration again; it \
         goes on where it stopped",
        reasons.join("\n")
    );
    Err(Failure::new(Exit::Failed, message).into())
}

/// All items have ended: is what was asked for done?
async fn judge(step: &Step, totals: Totals) -> anyhow::Result<RfsAnswer> {
    let Totals { done, failed, ledger, .. } = totals;
    if failed > 0 {
        let items =
            state::some_in_state(&step.client, step.scope(), ItemState::Failed, "", LISTED).await?;
        let message = format!(
            "{failed} of {} work items failed, the first of them:\n{}",
            failed + done,
            state::reasons(&items).join("\n")
        );
        return Err(Failure::new(Exit::Failed, message).into());
    }
    if !ledger.adds_up() {
        let message = format!("the ledger of the group does not add up: {ledger:?}");
        return Err(Failure::new(Exit::Failed, message).into());
    }
    if ledger.rejected > step.request.allowed_rejections {
        let reasons = failed_documents::first_reasons(&step.client, step.scope()).await?;
        let message = format!(
            "the target refused {} documents and {} are allowed; all of them are kept with their \
             reasons (`console clusters curl target '/{INDEX}/_search?pretty'`): mend the mapping \
             on the target and run `workflow resume`, or accept the loss with \
             `allowedRejections` and submit again; the first of them:\n- {}",
            ledger.rejected,
            step.request.allowed_rejections,
            reasons.join("\n- ")
        );
        return Err(Failure::new(Exit::Failed, message).into());
    }
    Ok(RfsAnswer { role: RfsRole::Follow, items: done, ledger, bytes_read: 0 })
}

#[cfg(test)]
mod tests {
    use contract::Ledger;

    use super::*;

    #[test]
    fn progress_reaches_its_total_at_the_end() {
        let ledger = Ledger { live: 7, accepted: 6, rejected: 1, nested: 3, ..Ledger::default() };
        let rate = Rate::over(RATE_OVER);
        let at = |open| {
            progress(&Totals { open, done: 2, documents: 20, ledger, ..Totals::default() }, &rate)
        };
        let counted = |open: u64, what: &str| {
            at(open).measure(what).map(|measure| (measure.done, measure.total))
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
