//! Does a run that has begun still work, and how is its place taken if it does not?
//!
//! A run that was killed, with no cleanup after it, says nothing. As with a lease, no agreement of
//! clocks is needed: a run that works writes, so a run whose documents keep their versions for a
//! while, by the clock of the observer, is gone. Should that be wrong, nothing is lost: the decision
//! is changed under the condition that it is the one that was observed, and a worker that comes back
//! finds its items gone or closed and stops.
//!
//! The decision is changed first and its items second, so that no process creates new ones in
//! between. It names the run that takes the place; by that name the same run, killed in between and
//! started again, finds what it has left undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use state_store::{Stored, Version};
use tokio::time::{Instant, sleep};

use crate::{
    CoordinationError, decision,
    group::{GroupDocument, RunOrigin, RunState},
    ownership::ItemEnvelope,
};

/// Observations within the time of one lease.
const OBSERVATIONS: u32 = 8;

/// Decisions and their items at one moment.
struct Observation {
    decisions: Vec<Stored<GroupDocument>>,
    items: Vec<Stored<ItemEnvelope>>,
}

impl Observation {
    async fn of(client: &Client, keys: &BTreeSet<String>) -> Result<Self, CoordinationError> {
        state_store::refresh(client).await?;
        let mut decisions = decision::stored(client).await?;
        decisions.retain(|stored| keys.contains(&stored.key));
        let mut items = fleet::items::envelopes(client).await?;
        items.retain(|item| {
            decisions.iter().any(|decision| item.document.scope == decision.document.scope)
        });
        Ok(Self { decisions, items })
    }

    fn versions(&self) -> BTreeMap<&str, Version> {
        let decisions = self.decisions.iter().map(|stored| (stored.key.as_str(), stored.version));
        let items = self.items.iter().map(|stored| (stored.key.as_str(), stored.version));
        decisions.chain(items).collect()
    }
}

/// Observes decisions of other runs for a `length` and takes their place if no process writes;
/// returns what was done, a line each, or `None` if a run works. `by` names the new run, in words.
pub async fn of_idle_runs(
    client: &Client,
    decisions: &BTreeSet<String>,
    length: Duration,
    by: &str,
) -> Result<Option<Vec<String>>, CoordinationError> {
    let first = Observation::of(client, decisions).await?;
    let end = Instant::now() + length;
    while Instant::now() < end {
        sleep(length / OBSERVATIONS).await;
        if Observation::of(client, decisions).await?.versions() != first.versions() {
            return Ok(None);
        }
    }
    let mut lines = Vec::new();
    let mut all = true;
    for stored in &first.decisions {
        let GroupDocument { run, scope, .. } = &stored.document;
        lines.push(format!(
            "nothing was done for group `{}` of migration `{}` (run `{run}`) in {length:?}: its \
             place is taken",
            scope.group, scope.migration
        ));
        all = supersede(client, stored, by).await?;
        if !all {
            break;
        }
    }
    remove_items(client, by).await?;
    Ok(all.then_some(lines))
}

/// Removes the work items of runs whose place was taken [`in_favour_of`] another one: what they
/// wrote belongs to the other run from now on, and must not look like their own if they are
/// submitted again.
pub async fn remove_items(client: &Client, by: &str) -> Result<(), CoordinationError> {
    if !state_store::exists(client).await? {
        return Ok(());
    }
    state_store::refresh(client).await?;
    let ended = superseded(client, by).await?;
    let mut items = fleet::items::envelopes(client).await?;
    items.retain(|item| ended.iter().any(|decision| item.document.scope == decision.scope));
    Ok(state_store::remove(client, &items).await?)
}

/// Ends earlier runs of the same migration: the newest one continues what they have begun, and two
/// at the same time would write two snapshots into one index.
pub async fn of_earlier_runs(
    client: &Client,
    origin: &RunOrigin,
) -> Result<Vec<String>, CoordinationError> {
    let by = format!("run `{}` of the same migration took its place", origin.run);
    state_store::refresh(client).await?;
    let mut lines = Vec::new();
    for stored in decision::stored(client).await? {
        let GroupDocument { scope, repository, run, state, .. } = &stored.document;
        let earlier = scope.migration == origin.migration
            && *repository == origin.repository
            && *run != origin.run
            && *state != RunState::Ended;
        if !earlier {
            continue;
        }
        let group = scope.group.to_string();
        if !supersede(client, &stored, &by).await? {
            return Err(CoordinationError::RunContinues { group, run: run.to_string() });
        }
        lines.push(format!("group `{group}` of run `{run}` has ended: this run takes its place"));
    }
    state_store::refresh(client).await?;
    let mut ended = superseded(client, &by).await?;
    // Items of one snapshot are shared: a worker that takes one does the same.
    ended.retain(|decision| !origin.is_snapshot_of(&decision.scope));
    for item in fleet::items::envelopes(client).await? {
        let is_theirs = ended.iter().any(|decision| item.document.scope == decision.scope);
        if is_theirs && item.document.is_open() {
            fleet::items::close(client, item, &by).await?;
        }
    }
    Ok(lines)
}

/// Reads the decisions whose runs lost their place to this one.
async fn superseded(client: &Client, by: &str) -> Result<Vec<GroupDocument>, CoordinationError> {
    let decisions = decision::stored(client).await?.into_iter().map(|stored| stored.document);
    Ok(decisions.filter(|decision| decision.superseded.as_deref() == Some(by)).collect())
}

/// Records that another run took the place of the one that decided; returns `false` if that run
/// wrote meanwhile.
async fn supersede(
    client: &Client,
    stored: &Stored<GroupDocument>,
    by: &str,
) -> Result<bool, CoordinationError> {
    let ended = GroupDocument {
        state: RunState::Ended,
        superseded: Some(by.to_owned()),
        ..stored.document.clone()
    };
    let written = state_store::replace(client, &stored.key, stored.version, &ended).await?;
    Ok(written.is_some())
}

/// Returns which run takes a place, in words.
pub fn in_favour_of(origin: &RunOrigin) -> String {
    format!("run `{}` of migration `{}` took its place", origin.run, origin.migration)
}
